"""The peers of the stream are what they are called, and get everything that they are sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from _consumers import celery_monitor, collector
from _program import beside
from _results import Program
from _row import Result, Row
from _stream_events import events
from _stream_ours import drain, opened, stream_config
from _stream_peers import (
    BareWrite,
    CeleryEvents,
    JsonLines,
    Otlp,
    Xadd,
    XaddPipeline,
    copy_group,
    read_group,
    read_lines,
)
from _stream_relay import fill, handed_on, opener
from redis import Redis

from tests.redis_servers import Server

COUNT = 30


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    server = Server("redis", tmp_path)
    yield server.url
    server.close()


def test_our_side_settles_everything(tmp_path: Path, redis_url: str) -> None:
    """`drain` returns when each reporter has had every event, out of a spool and out of Redis."""
    for url in (None, redis_url):
        config = stream_config(tmp_path, url, reporters=2)
        producer = opened(config)
        producer.append(events(COUNT // 3))
        assert drain(config, COUNT).processor > 0
        producer.close()


def test_a_bare_write_is_of_as_many_bytes_as_the_spools(tmp_path: Path) -> None:
    """The batch, without its length; its producer's name is another, which changes what compression makes of it a little."""
    ready = events(COUNT // 3)
    write, ours = BareWrite(tmp_path), opened(stream_config(tmp_path, None))
    for side in (write, ours):
        side.append(ready)
        side.close()
    (bare,) = tmp_path.glob("bare-*")
    (spool,) = (tmp_path / "stream.db.d").glob("*.1")
    assert spool.stat().st_size == pytest.approx(bare.stat().st_size, abs=32)


def test_lines_of_json_are_read_as_they_were_written(tmp_path: Path) -> None:
    """One for each event."""
    lines = JsonLines(tmp_path)
    lines.append(events(COUNT // 3))
    lines.close()
    (path,) = tmp_path.glob("bare-*")
    assert read_lines(path) == COUNT


@pytest.mark.parametrize("side", [Xadd, XaddPipeline])
def test_bare_redis_has_an_entry_for_each_event(side: type[Xadd], redis_url: str) -> None:
    """And a consumer group acknowledges all of them."""
    xadd = side(redis_url)
    xadd.append(events(COUNT // 3))
    xadd.close()
    with Redis.from_url(redis_url) as redis:
        assert redis.xlen("bare") == COUNT
        read_group(redis, COUNT)
        assert redis.xpending("bare", "group")["pending"] == 0


def test_a_relay_and_a_copy_by_hand_hand_on_everything(tmp_path: Path, redis_url: str) -> None:
    """`handed_on` returns when the target has every event, and the source has settled it."""
    source, target = opener(f"sqlite://{tmp_path}/stream.db", "host"), opener(redis_url, "all")
    fill(source, COUNT)
    assert handed_on(source, target, COUNT) > 0
    xadd = XaddPipeline(redis_url)
    xadd.append(events(COUNT // 3))
    xadd.close()
    with Redis.from_url(redis_url) as redis:
        copy_group(redis, redis, COUNT)
        assert (redis.xlen("copy"), redis.xpending("bare", "group")["pending"]) == (COUNT, 0)


def test_one_part_leaves_the_rows_of_the_others() -> None:
    """A row that is measured anew takes its place; what was measured elsewhere is not mixed with it."""

    def program(versions: dict[str, str], *rows: tuple[str, float]) -> Program:
        results = [
            Result(row=Row(what=what, peer="peer"), ours=(at, at, at), theirs=(1, 1, 1), ratio=(at, at, at))
            for what, at in rows
        ]
        return Program(machine="m", versions=versions, results=results, notes=[what for what, _ in rows])

    mixed = beside(program({}, ("a", 1), ("b", 1), ("c", 1)), program({}, ("b", 2), ("d", 2)))
    assert [(each.row.what, each.ours[1]) for each in mixed.results] == [("a", 1), ("b", 2), ("c", 1), ("d", 2)]
    assert mixed.notes == ["a", "c", "b", "d"]
    with pytest.raises(SystemExit, match="not kept"):
        beside(program({"redis": "5"}), program({"redis": "6"}))


def test_celerys_monitor_gets_every_event(redis_url: str) -> None:
    """Its dispatcher sends them in groups, as a worker's does."""
    monitor, celery = celery_monitor(redis_url), CeleryEvents(redis_url)
    celery.append(events(COUNT // 3))
    assert (celery.sent, monitor.lost(celery.sent)) == (COUNT, "none")
    celery.close()
    monitor.close()


def test_the_collector_gets_every_span() -> None:
    """The exporter has its answer by then."""
    collecting = collector()
    otlp = Otlp(collecting, COUNT)
    otlp.append(events(COUNT // 3))
    assert (otlp.sent, collecting.lost(otlp.sent)) == (COUNT, "none")
    otlp.close()
    collecting.close()

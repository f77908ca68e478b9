"""A relay: what waits in a stream, until all of it is in another one and settled, beside a copy by hand."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from _crew import appended
from _program import Report
from _rounds import compare
from _row import Row, result
from _stream_events import events
from _stream_ours import ORIGIN, PATIENCE, refuse_loss
from _stream_peers import XaddPipeline, copy_group
from _subject import now
from redis import Redis

from jobreporter._agent.relay import Relay
from jobreporter._config.places import Place
from jobreporter._config.records import ReporterConfig
from jobreporter._stream.outlets import DirectOutlet
from jobreporter._stream.settings import engine_of
from jobreporter._system.clock import SYSTEM
from jobreporter.streams import Stream, StreamSettings

NAME = "central"
#: Events in one append.
_BATCH = 64
_AT_ONCE = 5_000

Opener = Callable[[], Stream]


def opener(url: str, namespace: str) -> Opener:
    engine = engine_of(url, Place("stream"))
    settings = StreamSettings(namespace=namespace, max_bytes=4_000_000_000)
    return partial(engine.open, url, settings)


def fill(open_source: Opener, count: int) -> None:
    """Have so many events wait there, as workers append them."""
    outlet = DirectOutlet(open_source(), b"producer", ORIGIN, refuse_loss, {})
    ready = events(_AT_ONCE // 3 + 1)[:_AT_ONCE]
    for first in range(0, count, len(ready)):
        chosen = ready[: count - first]
        for start in range(0, len(chosen), _BATCH):
            outlet.add(chosen[start : start + _BATCH])
            outlet.flush()
    outlet.close()


def handed_on(open_source: Opener, open_target: Opener, count: int) -> float:
    """Seconds that one relay took for all that waits."""
    config = ReporterConfig(name=NAME, use="relay", place=Place(NAME))
    relay = Relay(
        config, open_source, open_target, SYSTEM, reporters={NAME: "oldest"}, owner=b"agent---", origin=ORIGIN
    )
    watching = open_source()
    begin = time.perf_counter()
    while sum(each.handled for each in watching.ledgers()) < count:
        assert time.perf_counter() - begin < PATIENCE, f"the relay does not get on: {relay.trouble}"
        while relay.turn():
            pass
    taken = time.perf_counter() - begin
    relay.close()
    stored = sum(watching.read(number, 0, 1).head for number in range(watching.partitions))
    watching.close()
    target = open_target()
    assert sum(target.read(number, 0, 1).head for number in range(target.partitions)) == stored == count
    target.close()
    return taken


def relay(report: Report, count: int, rounds: int, urls: Mapping[str, str]) -> None:
    """urls: two Redis servers, ``everysec`` and ``always``; the first is handed on from or to."""

    def ours(on_sqlite: bool) -> float:
        with tempfile.TemporaryDirectory() as folder:
            for each in urls.values():
                Redis.from_url(each).flushdb()
            where = f"sqlite://{Path(folder)}/stream.db" if on_sqlite else urls["always"]
            source, target = opener(where, "host"), opener(urls["everysec"], "all")
            fill(source, count)
            return handed_on(source, target, count) * 1e9 / count

    def by_hand() -> float:
        for each in urls.values():
            Redis.from_url(each).flushdb()
        side = XaddPipeline(urls["always"])
        ready = events(_AT_ONCE // 3 + 1)[:_AT_ONCE]
        for first in range(0, count, len(ready)):
            appended(side, ready[: count - first], _BATCH)
        side.close()
        begin = now()
        copy_group(Redis.from_url(urls["always"]), Redis.from_url(urls["everysec"]), count)
        return float(now() - begin) / count

    for what, on_sqlite in (("SQLite to Redis", True), ("Redis to Redis", False)):
        row = Row(what=f"{count:,} that waited, handed on by one relay, {what}", peer="XREADGROUP, XADD, XACK")
        report.add(result(row, compare(partial(ours, on_sqlite), by_hand, rounds, warm_up=0), "none"))
    for each in urls.values():
        Redis.from_url(each).flushdb()

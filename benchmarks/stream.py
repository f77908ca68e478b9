"""The stream beside what else takes events out of a worker: ``python benchmarks/stream.py [--quick] [--only PART]``.

It starts redis-servers of its own, which must be installed. With ``--quick`` everything is small, to see that it works, and
nothing is kept. With ``--only`` one part is measured, and the rows of the others stay as they were.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import _stream_agents
import _stream_relay
import _stream_worker
from _consumers import celery_monitor, collector
from _crew import Crew, appended
from _program import Report, run
from _rounds import Measurement, compare
from _row import Row, result
from _stream_events import events
from _stream_ours import Producer, drain, opened, resolved, stream_config
from _stream_peers import Appender, BareWrite, CeleryEvents, JsonLines, Otlp, Xadd, XaddPipeline, read_group, read_lines
from _subject import now
from celery_worker import redis_server
from redis import Redis

from jobreporter import Event
from jobreporter._stream.settings import StreamConfig

#: Events in one append.
BATCH = 64
#: What can be measured alone.
PARTS = ("append", "producers", "horses", "backlog", "relay", "fail_over", "idle", "workers")


@dataclass(frozen=True)
class Sizes:
    """How much is measured. events: of one measurement. backlog: what an agent finds waiting. relayed: what a relay does."""

    events: int = 100 * BATCH
    rounds: int = 15
    producers: int = 16
    backlog: int = 1_000_000
    backlog_rounds: int = 3
    relayed: int = 100_000
    horses: int = 100
    idle_seconds: float = 20.0
    fail_overs: int = 3
    tasks: int = 2_000
    worker_rounds: int = 9


QUICK = Sizes(10 * BATCH, 2, 4, 5_000, 2, 5_000, 10, 2.0, 2, 100, 2)


def main(report: Report) -> None:
    words = said()
    sizes = QUICK if words.quick else Sizes()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        places = {"everysec": folder / "everysec", "always": folder / "always"}
        urls = {}
        for name, place in places.items():
            place.mkdir()
            options = ("--appendonly", "yes", "--appendfsync", name)
            urls[name] = stack.enter_context(redis_server(place, *options))
        everysec = urls["everysec"]
        parts = {
            "append": lambda: appending(report, sizes, folder, urls),
            "producers": lambda: at_once(report, sizes, folder, urls),
            "horses": lambda: horses(report, sizes, folder, urls),
            "backlog": lambda: backlog(report, sizes, everysec),
            "relay": lambda: _stream_relay.relay(report, sizes.relayed, sizes.backlog_rounds, urls),
            "fail_over": lambda: _stream_agents.fail_over(report, sizes.fail_overs, everysec),
            "idle": lambda: _stream_agents.idle(report, sizes.idle_seconds, everysec),
            "workers": lambda: _stream_worker.workers(report, sizes.tasks, sizes.worker_rounds, everysec),
        }
        assert tuple(parts) == PARTS
        for name, measure in parts.items():
            if words.only in (None, name):
                measure()


def said() -> argparse.Namespace:
    """What the command line says: ``quick``, whether it is only to be seen to work, and ``only``, one part or ``None``."""
    parser = argparse.ArgumentParser(description="The stream beside what else takes events out of a worker.")
    parser.add_argument("--quick", action="store_true", help="small, to see that it works; nothing is kept")
    parser.add_argument("--only", choices=PARTS, help="one part; the rows of the others stay as they were")
    return parser.parse_args()


def appending(report: Report, sizes: Sizes, folder: Path, urls: dict[str, str]) -> None:
    """What an append takes for each event, until the stream or the peer has it."""
    ready = events(sizes.events // 3 + 1)[: sizes.events]
    everysec = urls["everysec"]
    collecting, monitoring = collector(), celery_monitor(everysec)
    otlp, celery = Otlp(collecting, BATCH), CeleryEvents(everysec)
    spool: dict[str, Appender] = {"a bare write": BareWrite(folder), "JSON lines, a write": JsonLines(folder)}
    redis: dict[str, Appender] = {"XADD, each": Xadd(everysec), "XADD, a pipeline": XaddPipeline(everysec)}
    others: dict[str, Appender] = {"Celery's events": celery, "OTLP exporter, gRPC": otlp}
    always: dict[str, Appender] = {"XADD, a pipeline": XaddPipeline(urls["always"])}
    for what, url, peers in (
        ("spool", None, spool | others),
        ("Redis everysec", everysec, redis | others),
        ("Redis always", urls["always"], always),
    ):
        for title, peer in peers.items():
            ours = opened(stream_config(folder, url))
            row = Row(what=f"append, {what}, batches of {BATCH}", peer=title)
            compared = compare(timed(ours, ready), timed(peer, ready), sizes.rounds)
            lost = {celery: monitoring.lost(celery.sent), otlp: collecting.lost(otlp.sent)}
            report.add(result(row, compared, lost.get(peer, "none")))  # type: ignore[call-overload]  # any appender
            ours.close()
            shutil.rmtree(folder / "stream.db.d", ignore_errors=True)  # nobody empties this spool
            for each in urls.values():
                Redis.from_url(each).flushdb()
    for peer in (*spool.values(), *redis.values(), *others.values(), *always.values()):
        peer.close()
    collecting.close()
    monitoring.close()


def timed(side: Appender, ready: Sequence[Event]) -> Measurement:
    def measure() -> float:
        start = now()
        appended(side, list(ready), BATCH)
        return (now() - start) / len(ready)

    return measure


def at_once(report: Report, sizes: Sizes, folder: Path, urls: dict[str, str]) -> None:
    """The same by several processes at once."""
    crew = Crew(sizes.producers, sizes.events, BATCH)
    told = f"batches of {BATCH}, {sizes.producers} producers"
    for what, url, side, peer, where in (
        ("spool", None, "write", "a bare write", str(folder)),
        ("Redis everysec", urls["everysec"], "xadd", "XADD, a pipeline", urls["everysec"]),
        ("Redis always", urls["always"], "xadd", "XADD, a pipeline", urls["always"]),
    ):
        config = str(stream_config(folder, url))

        def ours(config: str = config) -> float:
            taken = crew.take_turn("ours", config)
            shutil.rmtree(folder / "stream.db.d", ignore_errors=True)
            return taken

        def theirs(side: str = side, where: str = where) -> float:
            return crew.take_turn(side, where)

        rounds = max(2, sizes.rounds // 3)
        report.add(result(Row(what=f"append, {what}, {told}", peer=peer), compare(ours, theirs, rounds)))
    crew.close()


def horses(report: Report, sizes: Sizes, folder: Path, urls: dict[str, str]) -> None:
    """A process that is there for one job: it opens, appends three events, and closes. It has read its config before."""
    ready = events(1)
    everysec, always = urls["everysec"], urls["always"]
    slowest = []
    for what, url, title, peer in (
        ("spool", None, "open, write, close", lambda: BareWrite(folder)),
        ("Redis everysec", everysec, "connect, XADD, close", lambda: XaddPipeline(everysec)),
        ("Redis always", always, "connect, XADD, close", lambda: XaddPipeline(always)),
    ):
        stream = resolved(stream_config(folder, url))
        taken: list[float] = []

        def once(make: Callable[[], Appender]) -> float:
            start = now()
            side = make()
            side.append(ready)
            side.close()
            return float(now() - start)

        def ours(stream: StreamConfig = stream, taken: list[float] = taken) -> float:
            taken.append(once(lambda: Producer(stream)))
            return taken[-1]

        row = Row(what=f"open, append a job, close, {what}", peer=title)
        report.add(result(row, compare(ours, lambda peer=peer: once(peer), sizes.horses)))
        slowest.append(f"{what} {sorted(taken)[int(len(taken) * 0.99)] / 1e6:.3g} ms")
    report.note(f"To open, append a job and close, 99 of 100 within: {', '.join(slowest)}.")
    shutil.rmtree(folder / "stream.db.d", ignore_errors=True)


def backlog(report: Report, sizes: Sizes, url: str) -> None:
    """What waits, until one agent has settled all of it."""
    ready = events(5_000)
    count = sizes.backlog

    def fill(side: Appender) -> None:
        for first in range(0, count, len(ready)):
            appended(side, ready[: count - first], BATCH)
        side.close()

    def ours(url: str | None) -> float:
        with tempfile.TemporaryDirectory() as name:
            if url is not None:
                Redis.from_url(url).flushdb()
            config = stream_config(Path(name), url)
            fill(opened(config))
            return drain(config, count).seconds * 1e9 / count

    def group() -> float:
        redis = Redis.from_url(url)
        redis.flushdb()
        fill(XaddPipeline(url))
        start = now()
        read_group(redis, count)
        return (now() - start) / count

    def lines() -> float:
        with tempfile.TemporaryDirectory() as name:
            side = JsonLines(Path(name))
            fill(side)
            start = now()
            assert read_lines(next(Path(name).iterdir())) == count
            return (now() - start) / count

    for what, where, title, peer in (
        ("spool and SQLite", None, "lines of JSON, read", lines),
        ("Redis", url, "XREADGROUP, XACK, JSON", group),
    ):
        row = Row(what=f"{count:,} that waited, settled by one agent, {what}", peer=title)
        compared = compare(lambda where=where: ours(where), peer, sizes.backlog_rounds, warm_up=0)
        report.add(result(row, compared, "none"))
    Redis.from_url(url).flushdb()


if __name__ == "__main__":
    run(main, keep=not said().quick, part=said().only is not None)

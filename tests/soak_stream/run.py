"""One run: everything is started, troubled for a while, left in peace, ended, and looked at."""

from __future__ import annotations

import os
import secrets
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import msgspec

from jobreporter.streams import Stream, StreamSettings
from jobreporter.streams.sqlite import engine as sqlite
from tests.redis_servers import Server

from . import lines
from .audit import Evidence, audit, duplicates
from .feed import Feed
from .journal import FOLDER
from .observer import NAME, Observer, RedisStore, SqliteStore, Store
from .plan import Plan
from .processes import MARK, Program, comes_true, installed, wait_for_the_marked
from .told import Told
from .troubles import Cause, Troubles
from .vendor import Arrival, Vendor

ROOT = Path(__file__).parents[2]
REPORTERS = {"notes", "mail", "book"}

_CONFIG = """\
[context]
service = "soak"

[stream]
url = "{url}"
partitions = 4
{spool}

[reporters.notes]
use = "tests.soak_stream.reporters:Notes"
to = "{notes}"
unanswered = "{unanswered}"
# Longer than its lane waits: where the vendor hangs, it hangs too.
patience = 30
[reporters.notes.lane]
{lane}

[reporters.mail]
use = "tests.soak_stream.reporters:Mail"
to = "{mail}"
unanswered = "{unanswered}"
[reporters.mail.lane]
{lane}

[reporters.book]
use = "tests.soak_stream.reporters:Book"
to = "{book}"
[reporters.book.lane]
agents = "share"
{lane}
"""
_LANE = """\
capacity = {window}
start = "oldest"
timeout = 3
flush_interval = 0.5"""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a run was like, and what is wrong."""

    counts: Counter[str]
    duplicates: dict[str, int]
    complaints: list[str]


def run(plan: Plan, home: Path) -> Report:
    """Play it, in this folder."""
    with ExitStack() as stack:
        place = _Place(plan, home, stack)
        if not comes_true(place.works):
            return place.report(Troubles(plan), ["nothing works, and nobody has made trouble yet"])
        troubles = Troubles(plan)
        try:
            place.trouble(troubles)
            time.sleep(plan.seconds)
        finally:
            troubles.stop()
        complaints = place.end()
        complaints += troubles.complaints
        return place.report(troubles, complaints)


class _Place:
    """All that takes part."""

    def __init__(self, plan: Plan, home: Path, stack: ExitStack) -> None:
        self._plan = plan
        self._home = home
        broker = Server("redis", home / "broker")
        stack.callback(broker.close)
        self._server, store, stream, url = _stream(plan, home, stack)
        self._vendor = Vendor("notes", "mail")
        stack.callback(self._vendor.close)
        config = home / "jobreporter.toml"
        spool = f'spool = "{home}/spool"' if plan.engine == "spool" else ""
        addresses = {name: self._vendor.url(name) for name in self._vendor.modes}
        addresses |= {name: os.fspath(home / name) for name in ("book", "unanswered")}
        config.write_text(_CONFIG.format(url=url, spool=spool, lane=_LANE.format(window=plan.window), **addresses))
        self._observer = Observer(store, stream)
        stack.callback(stream.close)
        stack.callback(self._observer.close)
        (home / "journal").mkdir()
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("JOBREPORTER_", "COVERAGE_"))},
            "PYTHONPATH": os.fspath(ROOT),
            "PYTHONWARNINGS": "ignore",
            "JOBREPORTER_CONFIG": os.fspath(config),
            "no_proxy": "127.0.0.1",
            "SOAK_QUEUE": broker.url,
            FOLDER: os.fspath(home / "journal"),
        }
        self._marks = {who: secrets.token_hex(8) for who in ("workers", "agents")}
        self.workers, self.agents = (
            [
                Program(name, command, home, {**environment, MARK: self._marks[who]})
                for name, command in commands.items()
            ]
            for who, commands in (("workers", _workers()), ("agents", _agents()))
        )
        for who in self._marks.values():
            stack.callback(wait_for_the_marked, who, 0)
        for program in (*self.agents, *self.workers):
            program.start()
        self._feed = Feed(plan, broker.url)
        stack.callback(self._feed.close)

    def works(self) -> bool:
        """Whether as many processes as there are workers have written, and each reporter has taken something."""
        ledgers = self._observer.ledgers() or {}
        taken = {name for name in REPORTERS if any(each[1] for each in ledgers.get(name, {}).values())}
        return taken == REPORTERS and len(list((self._home / "journal").iterdir())) >= len(self.workers)

    def trouble(self, troubles: Troubles) -> None:
        """Everybody gets somebody who makes trouble."""
        for program in self.workers:
            troubles.workers(program)
        for program in self.agents:
            troubles.agent(program)
        if self._server is not None:
            troubles.server(self._server)
        for reporter in self._vendor.modes:
            troubles.vendor(self._vendor, reporter)

    def end(self) -> list[str]:
        """Let everything come to its end. Returns what doesn't."""
        complaints = []
        # What is poison is compared with others: so first those have to come.
        self._feed.poisons = False
        heads = self._heads()
        if not comes_true(lambda: self._settled(heads)):
            complaints.append(f"not settled in peace: {self._observer.ledgers()}")
        self._feed.close()
        for worker in self.workers:
            worker.end(60)
        if left := wait_for_the_marked(self._marks["workers"], 30):
            complaints.append(f"{len(left)} processes of workers have not ended")
        if self._plan.sweeps and not comes_true(lambda: not self._observer.open_executions()):
            complaints.append(f"still open: {self._observer.open_executions()}")
        if not comes_true(lambda: self._settled(self._heads())):
            complaints.append(f"not settled at the end: {self._observer.ledgers()}")
        complaints += [f"{agent.name} has not ended" for agent in self.agents if not agent.end(60)]
        return complaints

    def _heads(self) -> dict[int, int]:
        heads: list[dict[int, int]] = []

        def known() -> bool:
            ledgers = self._observer.ledgers()
            if ledgers is not None:
                heads.append({partition: each[0] for partition, each in ledgers[NAME].items()})
            return ledgers is not None

        return heads[-1] if comes_true(known) else {}

    def _settled(self, heads: dict[int, int]) -> bool:
        ledgers = self._observer.ledgers() or {}
        return all(
            name in ledgers and ledgers[name][partition][1] >= head
            for name in REPORTERS
            for partition, head in heads.items()
        )

    def report(self, troubles: Troubles, complaints: list[str]) -> Report:
        """Compare what everybody has written down."""
        self._observer.look()
        observer = self._observer
        arrivals = {**self._vendor.arrivals, "book": list(_book(self._home / "book"))}
        unanswered = set(lines.read(self._home / "unanswered"))
        unsaid = [taken for request, taken in self._vendor.taken.items() if request in unanswered]
        causes = [*troubles.causes, *(Cause(at, at, "unanswered", reporter=reporter) for at, reporter in unsaid)]
        for cause in causes:
            lines.append(self._home / "causes", cause)  # for people who want to know
        ledgers = observer.ledgers() or {}
        evidence = Evidence(
            acknowledged=list(_acknowledged(self._home / "journal")),
            stored=observer.stored,
            arrivals=arrivals,
            dead={name: [event for _at, event in observer.dead(name)] for name in arrivals},
            ledgers=ledgers,
            causes=causes,
            window=self._plan.window,
            all_ended=self._plan.sweeps,
        )
        complaints = [*complaints, *observer.complaints, *self._feed.complaints, *audit(evidence)]
        for log in self._home.glob("agent-*.log"):
            said = log.read_text()
            complaints += [f"{log.name} says {word!r}" for word in ("Traceback", "can't be read") if word in said]
        return Report(
            counts=self._counts(evidence, troubles),
            duplicates={name: duplicates(found) for name, found in arrivals.items()},
            complaints=complaints,
        )

    def _counts(self, evidence: Evidence, troubles: Troubles) -> Counter[str]:
        stored = [event for events in evidence.stored.values() for event in events]
        counts: Counter[str] = Counter()
        counts["jobs enqueued"] = self._feed.enqueued
        counts["executions"] = len({event.execution for event in stored})
        counts["events stored"] = len(stored)
        counts["events acknowledged"] = len(evidence.acknowledged)
        counts["dead letters"] = sum(map(len, evidence.dead.values()))
        counts.update(troubles.counts)
        counts["answers of the vendor's lost"] = sum(cause.what == "unanswered" for cause in evidence.causes)
        return counts


def _stream(plan: Plan, home: Path, stack: ExitStack) -> tuple[Server | None, Store, Stream, str]:
    settings = StreamSettings(namespace="soak", partitions=4)
    if plan.engine == "sqlite":
        path = home / "stream.db"
        url = f"sqlite://{path}"
        return None, SqliteStore(path), sqlite.open(url, settings), url
    from jobreporter_redis import engine

    # What it has acknowledged, it has after a restart.
    server = Server("redis", home / "server", appendonly="yes", appendfsync="always")
    stack.callback(server.close)
    return server, RedisStore(server.port), engine.open(server.url, settings), server.url


def _workers() -> dict[str, list[str]]:
    celery = [installed("celery"), "--app=tests.soak_stream.celery_app", "worker", "--concurrency=2", "--loglevel=INFO"]
    rq = [installed("rq"), "worker", "--config=tests.soak_stream.rq_app"]
    return {
        "celery": [*celery, "--without-gossip", "--without-mingle", "--without-heartbeat"],
        "rq-forking": [*rq, "--worker-class=tests.soak_stream.rq_app.Worker", "forking"],
        "rq-simple": [*rq, "--worker-class=tests.soak_stream.rq_app.SimpleWorker", "simple"],
    }


def _agents() -> dict[str, list[str]]:
    return {f"agent-{number}": [installed("jobreporter"), "agent"] for number in (1, 2)}


def _acknowledged(folder: Path) -> set[Told]:
    return {Told(*event) for file in folder.iterdir() for line in lines.read(file) for event in line}


def _book(path: Path) -> list[Arrival]:
    return [Arrival(at, pid, Told(*event)) for at, pid, events in lines.read(path) for event in events]

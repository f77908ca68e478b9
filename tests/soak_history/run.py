"""One run: everything is started, troubled for a while, left in peace, ended, and looked at."""

from __future__ import annotations

import os
import secrets
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import msgspec

from tests.plugins.history.postgresql_server import PostgresqlServer
from tests.redis_servers import Server
from tests.soak_stream.processes import MARK, Program, comes_true, installed, wait_for_the_marked

from . import journal, recorder
from .audit import Evidence, audit, executions
from .feed import Feed
from .plan import Plan
from .stored import stored
from .troubles import Troubles

ROOT = Path(__file__).parents[2]

_CONFIG = """\
[dispatcher]
# A horse waits for longer than the store may be away.
exit_timeout = "30s"

[context]
service = "soak"

[reporters.history]
store = "{url}"

[reporters.recorder]
use = "tests.soak_history.recorder:Recorder"
folder = "{recorder}"
"""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a run was like, and what is wrong."""

    counts: Counter[str]
    complaints: list[str]


def run(plan: Plan, home: Path) -> Report:
    """Play it, in this folder."""
    with ExitStack() as stack:
        place = _Place(plan, home, stack)
        if not comes_true(place.works):
            return Report(counts=Counter(), complaints=["nothing works, and nobody has made trouble yet"])
        troubles = Troubles(plan)
        try:
            place.trouble(troubles)
            time.sleep(plan.seconds)
        finally:
            troubles.stop()
        complaints = place.end()
        return place.report(troubles, [*complaints, *troubles.complaints])


class _Place:
    """All that takes part."""

    def __init__(self, plan: Plan, home: Path, stack: ExitStack) -> None:
        self._plan = plan
        self._home = home
        broker = Server("redis", home / "broker")
        stack.callback(broker.close)
        self._server: PostgresqlServer | None = None
        self._file = home / "history.db"
        self._url = f"sqlite://{self._file}"
        if plan.engine == "postgresql":
            self._server = PostgresqlServer()
            stack.callback(self._server.close)
            self._url = self._server.new_database()
        config = home / "jobreporter.toml"
        config.write_text(_CONFIG.format(url=self._url, recorder=home / "recorder"))
        for folder in ("journal", "recorder"):
            (home / folder).mkdir()
        self._mark = secrets.token_hex(8)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("JOBREPORTER_", "COVERAGE_"))},
            "PYTHONPATH": os.fspath(ROOT),
            "PYTHONWARNINGS": "ignore",
            "JOBREPORTER_CONFIG": os.fspath(config),
            "SOAK_QUEUE": broker.url,
            journal.FOLDER: os.fspath(home / "journal"),
            MARK: self._mark,
        }
        self._workers = [Program(name, command, home, environment) for name, command in _workers().items()]
        stack.callback(wait_for_the_marked, self._mark, 0)
        for program in self._workers:
            program.start()
        self._feed = Feed(plan, broker.url)
        stack.callback(self._feed.close)

    def works(self) -> bool:
        """Whether as many processes as there are workers have run jobs."""
        return len(list((self._home / "journal").iterdir())) >= len(self._workers)

    def trouble(self, troubles: Troubles) -> None:
        """Everybody gets somebody who makes trouble."""
        for program in self._workers:
            troubles.worker(program)
        if self._server is not None:
            troubles.server(self._server)
        else:
            troubles.file(self._file)

    def end(self) -> list[str]:
        """Let everything come to its end. Returns what doesn't."""
        complaints = []
        # RQ's workers look for what is abandoned between two jobs, so they need some.
        self._feed.let_workers_look()
        begun = set(self._feed.abandoned())
        if self._plan.sweeps and not comes_true(lambda: begun.isdisjoint(self._feed.abandoned())):
            complaints.append(f"RQ still believes in {begun & set(self._feed.abandoned())}")
        self._feed.stop()
        if not comes_true(self._feed.is_empty):
            complaints.append("jobs are left in the queues")
        complaints += [f"{worker.name} has not ended" for worker in self._workers if not worker.end(60)]
        if left := wait_for_the_marked(self._mark, 30):
            complaints.append(f"{len(left)} processes of workers have not ended")
        return complaints

    def report(self, troubles: Troubles, complaints: list[str]) -> Report:
        """Compare what everybody has written down."""
        evidence = Evidence(
            journal=journal.read(self._home / "journal"),
            recorded=recorder.read(self._home / "recorder"),
            stored=stored(self._url),
            kills=troubles.kills,
            away=troubles.away,
            stopped=troubles.stopped,
            claimed=self._feed.claimed() if self._plan.sweeps else None,
        )
        # For people who want to know.
        (self._home / "evidence.json").write_bytes(msgspec.json.encode(evidence))
        return Report(
            counts=self._counts(evidence, troubles),
            complaints=[*complaints, *self._feed.complaints, *audit(evidence)],
        )

    def _counts(self, evidence: Evidence, troubles: Troubles) -> Counter[str]:
        ran = executions(evidence.journal)
        rows = {row.execution: row for row in evidence.stored.rows}
        counts: Counter[str] = Counter()
        counts["jobs enqueued"] = self._feed.enqueued
        counts["executions"] = len(ran)
        counts["ends delivered for certain"] = sum(each.end_delivered for each in ran.values())
        counts["rows"] = len(rows)
        counts["of lost workers"] = sum(row.why == "worker_lost" for row in rows.values())
        counts["taken along by kills"] = len(ran.keys() - rows.keys())
        counts["incidents"] = len(evidence.stored.incidents)
        counts.update(troubles.counts)
        return counts


def _workers() -> dict[str, list[str]]:
    celery = [
        installed("celery"),
        "--app=tests.soak_history.celery_app",
        "worker",
        "--concurrency=4",
        "--loglevel=INFO",
    ]
    celery += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    rq = [installed("rq"), "worker", "--config=tests.soak_history.rq_app"]
    commands = {f"celery-{number}": [*celery, f"--hostname={number}@soak"] for number in (1, 2)}
    for number in (1, 2):
        forking, simple = ("--worker-class=tests.soak_history.rq_app." + name for name in ("Worker", "SimpleWorker"))
        commands[f"rq-forking-{number}"] = [*rq, forking, "forking"]
        commands[f"rq-simple-{number}"] = [*rq, simple, "simple"]
    return commands

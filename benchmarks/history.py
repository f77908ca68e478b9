"""Keeping executions and finding them again: ``python benchmarks/history.py [--executions 1000000]``.

Both engines of jobreporter-history beside django-celery-results on the same database, Flower's memory, and RQ's
registries, all with the same executions. It starts a PostgreSQL and a redis-server of its own, which must be installed.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import _history_writers
from _executions import Done, executions
from _history_peers import DjangoResults, FlowerMemory, History, Keeps, RqRegistries, set_up_django
from _postgresql import postgresql
from _program import Report, run
from _rounds import WARM_UP, Measurement, compare
from _row import Row, result
from _subject import now
from celery_worker import redis_server

from jobreporter_history.store import Term

#: Executions that each side has before it is measured, those of one measurement, and how often both are measured.
KEPT, EACH, ROUNDS = 20_000, 500, 9
#: Executions that a store is given at once while it is filled.
CHUNK = 2_000
#: Nanoseconds that a question may take.
LONGEST = 100e6


def main(report: Report) -> None:
    if said().only != "writers":
        beside_others(report, said().executions)
    if said().only != "peers":
        writers(report)


def writers(report: Report) -> None:
    """What a flush takes where several processes write."""
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as other, postgresql(Path(other)) as port:
        urls = {
            "SQLite": f"sqlite://{name}/history.db",
            "PostgreSQL": f"postgresql://bench@127.0.0.1:{port}/ours",
        }
        for url in urls.values():
            History("", url).close()
        report.note(
            "A flush of 25 executions, of eight processes that have one each second: "
            + "; ".join(_history_writers.told(name, url) for name, url in urls.items())
            + "."
        )


def beside_others(report: Report, kept: int) -> None:
    """Ours and the others with the same executions."""
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as other:
        folder = Path(name)
        with postgresql(Path(other)) as port, redis_server(folder) as redis:
            set_up_django(folder, {"HOST": "127.0.0.1", "PORT": port, "USER": "bench", "NAME": "peer"})
            sqlite = History("SQLite", f"sqlite://{folder}/history.db")
            server = History("PostgreSQL", f"postgresql://bench@127.0.0.1:{port}/ours")
            peers: dict[str, tuple[History, Keeps]] = {
                "django-celery-results, SQLite": (sqlite, DjangoResults("django-celery-results", "default")),
                "django-celery-results, PostgreSQL": (server, DjangoResults("django-celery-results", "postgresql")),
                "Flower's memory": (sqlite, FlowerMemory()),
                "RQ's registries, Redis": (sqlite, RqRegistries(redis)),
            }
            for each in (sqlite, server, *(peer for _, peer in peers.values())):
                fill(each, min(kept, getattr(each, "most", kept)))
            report.note(sizes(kept, folder, sqlite, server))
            first = kept
            for title, (ours, peer) in peers.items():
                about = Race(title, ours, peer, kept)
                first = about.keeping(report, first)
                about.asking(report)
            report.note(unindexed(sqlite, server))
            sqlite.close()
            server.close()


def said() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description="Keeping executions and finding them again.")
    parser.add_argument("--executions", type=int, default=KEPT, help="how many are kept when it is measured")
    parser.add_argument("--only", choices=["peers", "writers"], help="measure this alone, and keep the rest as it is")
    return parser.parse_args()


def fill(store: Keeps, count: int) -> None:
    """The newest of all executions."""
    for first in range(0, count, CHUNK):
        store.fill(executions(first, min(CHUNK, count - first)))


class Race(NamedTuple):
    """Every row about one peer. kept: how many executions each side has."""

    title: str
    ours: History
    peer: Keeps
    kept: int

    def keeping(self, report: Report, first: int) -> int:
        """first: the number of the first execution that nobody has. Returns the next one."""
        rounds = range(ROUNDS + WARM_UP)
        parts = [executions(first + number * EACH, EACH) for number in rounds]
        row = Row(what=f"keep an execution, {self.ours.name}, {self.kept:,} kept", peer=self.title)
        report.add(result(row, compare(kept_by(self.ours, parts), kept_by(self.peer, parts), ROUNDS)))
        return first + len(rounds) * EACH

    def asking(self, report: Report) -> None:
        """Every question that the peer can be asked. Both have to find something."""
        # The newest that it was filled with: some forget what is older.
        wanted = executions(min(self.kept, getattr(self.peer, "most", self.kept)) - 1, 1)[0]
        ours = self.ours.queries(wanted)
        for what, ask in self.peer.queries(wanted).items():
            found, found_by_peer = ours[what](), ask()
            assert found > 0, what
            assert found_by_peer > 0, what
            row = Row(what=f"{what}, {self.ours.name}", peer=self.title, goal=LONGEST, judged="ours")
            report.add(result(row, compare(answered(ours[what]), answered(ask), ROUNDS)))


def kept_by(store: Keeps, parts: Sequence[Sequence[Done]]) -> Measurement:
    """What an execution takes, of the next part each time."""
    left = iter(parts)

    def measure() -> float:
        part = next(left)
        start = now()
        store.keep(part)
        return (now() - start) / len(part)

    return measure


def answered(ask: Callable[[], int]) -> Measurement:
    """What a question takes, asked three times."""

    def measure() -> float:
        start = now()
        for _ in range(3):
            ask()
        return (now() - start) / 3

    return measure


def sizes(kept: int, folder: Path, sqlite: History, server: History) -> str:
    """How much room an execution takes."""
    import psycopg

    django = sum(path.stat().st_size for path in folder.glob("django.db*"))
    with psycopg.connect(server.url.replace("/ours", "/peer")) as connection:
        [(peer,)] = connection.execute("SELECT pg_total_relation_size('django_celery_results_taskresult')").fetchall()
    ours, on_server = (store.store.health().bytes for store in (sqlite, server))
    return (
        f"Of {kept:,} executions, one takes {ours / kept:,.0f} B in SQLite (django-celery-results {django / kept:,.0f} B),"
        f" and {on_server / kept:,.0f} B in PostgreSQL ({peer / kept:,.0f} B); ours with a text index and what they add up to."
    )


def unindexed(*stores: History) -> str:
    """A question that no index answers and that finds nothing: it ends in time."""
    told = []
    for store in stores:
        begin = time.perf_counter()
        page = store.store.executions([Term("slower", 60)])
        assert page.rows == ()
        end = " and says how far back it got" if page.searched_back_to else ""
        told.append(f"{store.name} after {(time.perf_counter() - begin) * 1000:.0f} ms{end}")
    return f"What no index helps to find (slower than a minute, of which there is none): {', '.join(told)}."


if __name__ == "__main__":
    assert shutil.which("redis-server"), "this needs redis-server (Debian: apt install redis-server)"
    run(main, part=said().only is not None)

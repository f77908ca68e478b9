"""Runs a real worker over real files and shows what its reporters see: ``python examples/demo.py [--queue huey|celery|rq]``.

With ``--stream``, reporters run in agents, and an agent and a worker are killed on purpose. With ``--web``, the jobs of every
queue are on one page.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from page import show_until_interrupted
from queues import QUEUES, Queue, redis_server
from stage import EXAMPLES, enqueue, lay_out, paint, say
from stand_ins import Page, StandIns, free_port, scrape
from streamed import play

CONFIG = EXAMPLES / "jobreporter.toml"
#: The same with the plugins, for where they are installed.
CONFIG_WITH_PLUGINS = EXAMPLES / "demo.toml"
PLUGINS = ("sentry", "prometheus", "honeybadger", "history")
#: After so many seconds something is wrong, and the worker is ended.
PATIENCE = 60.0

COLUMNS = ("accepted", "handled", "failed", "filtered", "dropped", "pending")


def main() -> int:
    chosen = arguments()
    return show_until_interrupted() if chosen.web else show_a_worker(chosen)


def show_a_worker(chosen: argparse.Namespace) -> int:
    """One job queue's worker, from the first event to the last. Returns the exit code."""
    queue = QUEUES[chosen.queue]
    history = None
    missing = [name for name in PLUGINS if importlib.util.find_spec(f"jobreporter_{name}") is None]
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="intake-")))
        if queue.redis:
            os.environ["INTAKE_REDIS"] = stack.enter_context(redis_server(home))
        lay_out(home)
        enqueue(home, queue)
        if chosen.stream:
            return play(home, queue)
        stand_ins = stack.enter_context(StandIns())
        if missing:
            say(f"The plugins are left out: {', '.join(missing)} can't be imported here. `nox -s demo` has them all.")
        where = "in Redis" if queue.redis else "in a queue on disk"
        say(f"Jobs wait {where}. A real {queue.title} worker takes them, and its reporter `log` says:\n")
        port = None if missing else free_port()
        if not missing:
            # It stays when the demo is over, to be looked at.
            history = chosen.history or f"sqlite://{tempfile.mkdtemp(prefix='jobreporter-demo-')}/history.db"
        with queue.start_worker(home, settings(home, stand_ins, port, history)) as worker:
            stopped, page = show_events(worker, queue, port if queue.page else None)
        if stopped != queue.executions or worker.returncode != 0:
            say(
                f"\nThe worker ended with {worker.returncode} after {stopped} of {queue.executions} executions. It says:\n"
            )
            say((home / "worker.log").read_text(encoding="utf-8"))
            return 1
        if queue.remark:
            say(f"\n{queue.remark}")
        ledger = read_ledger(home)
        show_ledger(ledger)
        say("\nThe note that the reporter `desk` left: " + (home / "desk.txt").read_text(encoding="utf-8").rstrip())
        if not missing:
            show_stand_ins(stand_ins)
        if page:
            show_page(page, ledger)
    show_what_next()
    if history is not None:
        show_incident(history)
    return 0


def arguments() -> argparse.Namespace:
    """Which job queue: Huey, which needs no server, if the command line names none. And whether with a stream, or a page."""
    parser = argparse.ArgumentParser(description="Runs a real worker and shows what its reporters see.")
    parser.add_argument("--queue", choices=QUEUES, default="huey")
    parser.add_argument(
        "--stream", action="store_true", help="with agents; an agent and a worker are killed on purpose"
    )
    parser.add_argument("--web", action="store_true", help="run every job queue, and serve the page until Ctrl-C")
    parser.add_argument("--history", metavar="URL", help="where the history is kept; by default in a folder of its own")
    given = parser.parse_args()
    if given.stream and not QUEUES[given.queue].dies_whole:
        parser.error(
            f"--stream kills a worker in the middle of a job, and {given.queue}'s jobs live on: take another --queue"
        )
    return given


def settings(home: Path, stand_ins: StandIns, port: int | None, history: str | None) -> dict[str, str]:
    """The worker's environment: one config for every job queue, with a stand-in where a plugin expects the real one.

    port: where it serves its metrics page. history: where its history is kept. ``None``: without the plugins.
    """
    places = [str(EXAMPLES), *filter(None, [os.environ.get("PYTHONPATH")])]
    found = {"PYTHONPATH": os.pathsep.join(places), "JOBREPORTER_CONFIG": str(CONFIG), "JOBREPORTER_DISABLE": ""}
    if port is None or history is None:
        return found
    return found | {
        "JOBREPORTER_CONFIG": str(CONFIG_WITH_PLUGINS),
        "INTAKE_SENTRY_DSN": f"http://key@{stand_ins.address}/1",
        "INTAKE_HONEYBADGER_KEY": "key",
        "INTAKE_HONEYBADGER_URL": f"http://{stand_ins.address}",
        "INTAKE_HISTORY": history,
        "INTAKE_METRICS": str(home / "metrics"),
        "INTAKE_METRICS_PORT": str(port),
        "no_proxy": "127.0.0.1",
    }


def show_events(worker: subprocess.Popen[str], queue: Queue, port: int | None) -> tuple[int, Page | None]:
    """Pass on what the worker says, as it says it, and end it once all is done.

    port: where it serves its metrics page, if it does. Returns how many executions stopped, and the page at the end.
    """
    assert worker.stderr is not None
    stopped = 0
    page = None
    impatience = threading.Timer(PATIENCE, worker.kill)
    impatience.start()
    try:
        for line in worker.stderr:
            say("  " + paint(line.rstrip()))
            if line.startswith("stopped "):
                stopped += 1
                if stopped == queue.executions:
                    page = None if port is None else scrape(port, PATIENCE / 2)  # the page ends with the worker
                    worker.send_signal(queue.leave)
    except OSError:
        worker.kill()  # there is no page, or nobody reads what this says
        raise
    finally:
        impatience.cancel()
    return stopped, page


def read_ledger(home: Path) -> dict[str, Counter[str]]:
    """What the reporter `ledger` wrote down, by reporter."""
    ledger: dict[str, Counter[str]] = {}
    for path in home.glob("ledger-*.json"):  # one for each of the worker's processes
        for name, stats in json.loads(path.read_bytes()).items():
            counts = {**stats, "dropped": sum(stats["dropped"].values())}
            ledger.setdefault(name, Counter()).update({column: counts[column] for column in COLUMNS})
    return ledger


def show_ledger(ledger: Mapping[str, Mapping[str, int]]) -> None:
    """What became of the events: accepted = handled + failed + filtered + dropped + pending."""
    say("\nWhat became of these events in each reporter:")
    say("  " + "reporter".ljust(12) + "".join(column.rjust(10) for column in COLUMNS))
    for name, counts in ledger.items():
        say("  " + name.ljust(12) + "".join(str(counts[column]).rjust(10) for column in COLUMNS))


def show_stand_ins(stand_ins: StandIns) -> None:
    """What arrived where Sentry and Honeybadger would be."""
    say("\nWhat arrived, at stand-ins on this machine:")
    for name, titles in (("Sentry", stand_ins.sentry), ("Honeybadger", stand_ins.honeybadger)):
        say(f"  {name} got {len(titles)}: " + "; ".join(titles))


def show_page(page: Page, ledger: Mapping[str, Mapping[str, int]]) -> None:
    """The figures that Prometheus would scrape, beside the ledger's. The page is older: it was read before the end."""
    say("\nThe worker's metrics page, beside the ledger:")
    say("  " + "handled".ljust(14) + "".join(name.rjust(12) for name in ledger))
    for where, reporters in (("on the page", page.reporters), ("in the ledger", ledger)):
        say("  " + where.ljust(14) + "".join(str(reporters[name]["handled"]).rjust(12) for name in ledger))
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in page.finished.items())
    say(f"  finished, on the page: {outcomes}; stops, in the ledger: {ledger['ledger']['handled']}")


def show_what_next() -> None:
    """Commands to copy. They work in a folder of their own, since these reporters write files."""
    programs = Path(sys.executable).parent
    say(f"""
What to try next:
  cd "$(mktemp -d)"; export PATH="{programs}:$PATH" PYTHONPATH="{EXAMPLES}" JOBREPORTER_CONFIG="{CONFIG}"
  jobreporter plugins                                    # which reporters there are, and which are enabled
  jobreporter check                                      # starts each of them for real, and says what is wrong
  jobreporter exec -- ls no-such-file; cat desk.txt      # any command as a job: this fails, the desk is told""")


def show_incident(history: str) -> None:
    """The failure that needs somebody, as the history has it, and the command that shows all about it."""
    program = Path(sys.executable).with_name("jobreporter")
    command = [str(program), "incidents", "list", "--store", history]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - a command of our own
    number = listed.splitlines()[1].split()[0]
    say("\nWhat needs somebody, as the history has it, and the command that shows all about it:")
    say("\n".join(f"  {line}" for line in listed.splitlines()))
    say(f"  {program} incidents show {number} --store {history}")


if __name__ == "__main__":
    sys.exit(main())

"""Runs a real Huey worker over real files and shows what its reporters see: ``python examples/demo.py``."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stand_ins import Page, StandIns, free_port, scrape

EXAMPLES = Path(__file__).resolve().parent
CONFIG = EXAMPLES / "jobreporter.toml"
#: The same with the plugins, for where they are installed.
CONFIG_WITH_PLUGINS = EXAMPLES / "demo.toml"
PLUGINS = ("sentry", "prometheus", "honeybadger")
#: Eight jobs, one of them in two attempts.
EXECUTIONS = 9
#: After so many seconds something is wrong, and the worker is ended.
PATIENCE = 25.0

COLOURS = {"started": 2, "success": 32, "aborted": 33, "failure": 31, "stopped": 2}
COLUMNS = ("accepted", "handled", "failed", "filtered", "dropped", "pending")


def main() -> int:
    missing = [name for name in PLUGINS if importlib.util.find_spec(f"jobreporter_{name}") is None]
    with tempfile.TemporaryDirectory(prefix="intake-") as folder, StandIns() as stand_ins:
        home = Path(folder)
        lay_out(home)
        enqueue(home)
        if missing:
            say(f"The plugins are left out: {', '.join(missing)} can't be imported here. `nox -s demo` has them all.")
        say("Eight jobs wait in a queue on disk. A real Huey worker takes them, and its reporter `log` says:\n")
        port = None if missing else free_port()
        with start_worker(home, {} if port is None else plugin_settings(stand_ins, port)) as worker:
            stopped, page = show_events(worker, port)
        if stopped != EXECUTIONS or worker.returncode != 0:
            say(f"\nThe worker ended with {worker.returncode} after {stopped} of {EXECUTIONS} executions. Its log:\n")
            say((home / "worker.log").read_text(encoding="utf-8"))
            return 1
        ledger = read_ledger(home)
        show_ledger(ledger)
        say("\nThe note that the reporter `desk` left: " + (home / "desk.txt").read_text(encoding="utf-8").rstrip())
        if page:
            show_stand_ins(stand_ins)
            show_page(page, ledger)
    show_what_next()
    return 0


def lay_out(home: Path) -> None:
    """The files to work on: two months of invoices, a document that came twice, and a long log."""
    inbox = home / "inbox"
    shutil.copytree(EXAMPLES / "samples", inbox)
    shutil.copyfile(inbox / "terms.txt", inbox / "terms-again.txt")
    (inbox / "gate.log").write_text("".join(f"{n:05} gate opened\n{n:05} gate closed\n" for n in range(5_000)))


def enqueue(home: Path) -> None:
    """Put the jobs into the queue. This process only enqueues: it starts no reporter."""
    os.environ["INTAKE_HOME"] = str(home)
    sys.path.insert(0, str(EXAMPLES))
    from intake import jobs  # only now: it opens the queue in the folder that was just named

    # The ids keep the lines short; left out, Huey makes up long ones.
    for job in (
        jobs.register.s("terms.txt", id="1").then(jobs.index_words.s(id="2")),
        jobs.register.s("terms-again.txt", id="3"),
        jobs.close_month.s("march.csv", id="4"),  # comes before the totals that it needs
        jobs.total_invoices.s("march.csv", id="5"),
        jobs.total_invoices.s("april.csv", id="6"),  # has an amount that is no number
        jobs.remind.s("order paper", id="7", expires=datetime.now(UTC) - timedelta(hours=1)),
        jobs.archive_log.s("gate.log", id="8"),
    ):
        jobs.huey.enqueue(job)


def plugin_settings(stand_ins: StandIns, port: int) -> dict[str, str]:
    """The environment that lets the plugins run, with a stand-in where each expects the real one."""
    return {
        "JOBREPORTER_CONFIG": str(CONFIG_WITH_PLUGINS),
        "INTAKE_SENTRY_DSN": f"http://key@{stand_ins.address}/1",
        "INTAKE_HONEYBADGER_KEY": "key",
        "INTAKE_HONEYBADGER_URL": f"http://{stand_ins.address}",
        "INTAKE_METRICS_PORT": str(port),
        "no_proxy": "127.0.0.1",
    }


def start_worker(home: Path, settings: dict[str, str]) -> subprocess.Popen[str]:
    """One worker as anybody would start it, with a config that lies beside this file."""
    consumer = Path(sys.executable).with_name("huey_consumer")
    return subprocess.Popen(  # noqa: S603 - a command of our own, with nothing in it from outside
        [consumer, "intake.jobs.huey", "--logfile=worker.log", "--delay=0.05", "--max-delay=0.2"],
        cwd=home,
        env=os.environ
        | {"PYTHONPATH": str(EXAMPLES), "JOBREPORTER_CONFIG": str(CONFIG), "JOBREPORTER_DISABLE": ""}
        | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def show_events(worker: subprocess.Popen[str], port: int | None) -> tuple[int, Page | None]:
    """Pass on what the worker says, as it says it, and end it once all is done.

    port: where it serves its metrics page, if it does. Returns how many executions stopped, and the page at the end.
    """
    assert worker.stdout is not None
    stopped = 0
    page = None
    impatience = threading.Timer(PATIENCE, worker.kill)
    impatience.start()
    try:
        for line in worker.stdout:
            say("  " + paint(line.rstrip()))
            if line.startswith("stopped "):
                stopped += 1
                if stopped == EXECUTIONS:
                    page = None if port is None else scrape(port, PATIENCE / 2)  # the page ends with the worker
                    worker.send_signal(signal.SIGINT)  # Huey's way to finish what runs, and leave
    except OSError:
        worker.kill()  # there is no page, or nobody reads what this says
        raise
    finally:
        impatience.cancel()
    return stopped, page


def read_ledger(home: Path) -> dict[str, dict[str, int]]:
    """What the reporter `ledger` wrote down, by reporter."""
    return {
        name: {column: sum(stats[column].values()) if column == "dropped" else stats[column] for column in COLUMNS}
        for name, stats in json.loads((home / "ledger.json").read_bytes()).items()
    }


def show_ledger(ledger: dict[str, dict[str, int]]) -> None:
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


def show_page(page: Page, ledger: dict[str, dict[str, int]]) -> None:
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


def paint(line: str) -> str:
    """The line in the colour of its event, if this is a terminal."""
    colour = COLOURS.get(line.partition(" ")[0])
    if colour is None or not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return line
    return f"\033[{colour}m{line}\033[0m"


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())

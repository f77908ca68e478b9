"""Runs a real Huey worker over real files and shows what its reporters see: ``python examples/demo.py``."""

from __future__ import annotations

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

EXAMPLES = Path(__file__).resolve().parent
CONFIG = EXAMPLES / "jobreporter.toml"
#: Eight jobs, one of them in two attempts.
EXECUTIONS = 9
#: After so many seconds something is wrong, and the worker is ended.
PATIENCE = 25.0

COLOURS = {"started": 2, "success": 32, "aborted": 33, "failure": 31, "stopped": 2}
COLUMNS = ("accepted", "handled", "failed", "filtered", "dropped", "pending")


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="intake-") as folder:
        home = Path(folder)
        lay_out(home)
        enqueue(home)
        say("Eight jobs wait in a queue on disk. A real Huey worker takes them, and its reporter `log` says:\n")
        with start_worker(home) as worker:
            stopped = show_events(worker)
        if stopped != EXECUTIONS or worker.returncode != 0:
            say(f"\nThe worker ended with {worker.returncode} after {stopped} of {EXECUTIONS} executions. Its log:\n")
            say((home / "worker.log").read_text(encoding="utf-8"))
            return 1
        show_ledger(home)
        say("\nThe note that the reporter `desk` left: " + (home / "desk.txt").read_text(encoding="utf-8").rstrip())
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


def start_worker(home: Path) -> subprocess.Popen[str]:
    """One worker as anybody would start it, with the config that lies beside this file."""
    consumer = Path(sys.executable).with_name("huey_consumer")
    return subprocess.Popen(  # noqa: S603 - a command of our own, with nothing in it from outside
        [consumer, "intake.jobs.huey", "--logfile=worker.log", "--delay=0.05", "--max-delay=0.2"],
        cwd=home,
        env=os.environ | {"PYTHONPATH": str(EXAMPLES), "JOBREPORTER_CONFIG": str(CONFIG), "JOBREPORTER_DISABLE": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def show_events(worker: subprocess.Popen[str]) -> int:
    """Pass on what the worker says, as it says it, and end it once all is done. How many executions stopped?"""
    assert worker.stdout is not None
    stopped = 0
    impatience = threading.Timer(PATIENCE, worker.kill)
    impatience.start()
    try:
        for line in worker.stdout:
            say("  " + paint(line.rstrip()))
            if line.startswith("stopped "):
                stopped += 1
                if stopped == EXECUTIONS:
                    worker.send_signal(signal.SIGINT)  # Huey's way to finish what runs, and leave
    finally:
        impatience.cancel()
    return stopped


def show_ledger(home: Path) -> None:
    """What became of the events: accepted = handled + failed + filtered + dropped + pending."""
    say("\nWhat became of these events in each reporter:")
    say("  " + "reporter".ljust(10) + "".join(column.rjust(10) for column in COLUMNS))
    for name, stats in json.loads((home / "ledger.json").read_bytes()).items():
        numbers = [sum(stats[column].values()) if column == "dropped" else stats[column] for column in COLUMNS]
        say("  " + name.ljust(10) + "".join(str(number).rjust(10) for number in numbers))


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

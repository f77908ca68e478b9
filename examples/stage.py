"""What both ways of the demo have in common: the files to work on, the jobs, and how people are told."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from pathlib import Path

from queues import Queue

EXAMPLES = Path(__file__).resolve().parent

COLOURS = {"started": 2, "success": 32, "aborted": 33, "failure": 31, "stopped": 2}


def lay_out(home: Path) -> None:
    """The files to work on: two months of invoices, a document that came twice, and a long log."""
    inbox = home / "inbox"
    shutil.copytree(EXAMPLES / "samples", inbox)
    shutil.copyfile(inbox / "terms.txt", inbox / "terms-again.txt")
    (inbox / "gate.log").write_text("".join(f"{n:05} gate opened\n{n:05} gate closed\n" for n in range(5_000)))


def enqueue(home: Path, queue: Queue) -> None:
    """Put the jobs into the queue. This process only enqueues: it starts no reporter."""
    os.environ["INTAKE_HOME"] = str(home)
    sys.path.insert(0, str(EXAMPLES))
    # Only now: it opens the queue in the folder that was just named.
    importlib.import_module(queue.module).enqueue()


def paint(line: str) -> str:
    """The line in the colour of its event, if this is a terminal."""
    colour = COLOURS.get(line.partition(" ")[0])
    if colour is None or not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return line
    return f"\033[{colour}m{line}\033[0m"


def say(text: str) -> None:
    print(text, flush=True)

"""What a program of the race does: measure, print each result as it comes, keep them, and bring the page up to date."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path

from _page import write
from _results import FILE, Program, load, machine, save, versions
from _row import Result
from _table import head, line


class Report:
    """Takes the results of a program."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self.notes: list[str] = []

    def add(self, result: Result) -> None:
        self.results.append(result)
        print(line(result), flush=True)

    def note(self, sentence: str) -> None:
        """What else there is to tell."""
        self.notes.append(sentence)
        print(f"\n{sentence}", flush=True)


def run(measure: Callable[[Report], None], *, keep: bool = True) -> None:
    """Run a program. What the others have measured before stays. keep: whether the results are kept, and not only shown."""
    logging.getLogger("jobreporter").setLevel(logging.CRITICAL)  # the table tells of losses
    report = Report()
    print(f"{machine()}\n", *head(), sep="\n", flush=True)
    measure(report)
    if not keep:
        return
    programs = load() if FILE.exists() else {}
    programs[Path(sys.argv[0]).stem] = Program(
        machine=machine(), versions=versions(), results=report.results, notes=report.notes
    )
    save(programs)
    write()

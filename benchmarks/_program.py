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


def beside(before: Program, now: Program) -> Program:
    """What was measured before, with what is measured now in its place or behind it.

    Ends the program if that was on another machine, or with other versions: they stand above all of the rows.
    """
    if (before.machine, before.versions) != (now.machine, now.versions):
        sys.exit("not kept: what was measured before is of another machine or of other versions; measure all of it")
    measured = {(each.row.what, each.row.peer): each for each in now.results}
    results = [measured.pop((each.row.what, each.row.peer), each) for each in before.results]
    return Program(
        machine=now.machine,
        versions=now.versions,
        results=[*results, *measured.values()],
        notes=[*(each for each in before.notes if each not in now.notes), *now.notes],
    )


def run(measure: Callable[[Report], None], *, keep: bool = True, part: bool = False) -> None:
    """Run a program. What the others have measured before stays.

    keep: whether the results are kept, and not only shown. part: what it has measured before stays too, but for the rows
    that it measures now.
    """
    logging.getLogger("jobreporter").setLevel(logging.CRITICAL)  # the table tells of losses
    report = Report()
    print(f"{machine()}\n", *head(), sep="\n", flush=True)
    measure(report)
    if not keep:
        return
    programs = load() if FILE.exists() else {}
    name = Path(sys.argv[0]).stem
    program = Program(machine=machine(), versions=versions(), results=report.results, notes=report.notes)
    programs[name] = beside(programs[name], program) if part and name in programs else program
    save(programs)
    write()

"""The generated parts of docs/speed.md, and its chart: ``python benchmarks/_page.py`` makes them from docs/speed.json."""

from __future__ import annotations

import re

from _chart import chart
from _results import FILE, Programs, load
from _row import Result
from _table import head, line

PAGE = FILE.with_suffix(".md")
CHART = FILE.with_suffix(".svg")
_GENERATED = re.compile(r"(?<=<!-- generated -->\n).*(?=<!-- end of generated -->)", re.DOTALL)


def write() -> None:
    programs = load()
    PAGE.write_text(page(PAGE.read_text(), programs))
    CHART.write_text(chart(ordered(programs)))


def page(text: str, programs: Programs) -> str:
    """The page with what is generated in it as of these results. What people wrote around that stays."""
    return _GENERATED.sub(lambda _: generated(programs), text)


def generated(programs: Programs) -> str:
    """Everything that comes from figures."""
    measured = dict.fromkeys(told(program.machine, program.versions) for program in programs.values())
    notes = [note for program in programs.values() for note in program.notes]
    table = [*head(), *map(line, ordered(programs))]
    parts = ["\n".join(measured), f"![The ratios of the table]({CHART.name})", "\n".join(table), "\n".join(notes)]
    return "\n" + "\n\n".join(part for part in parts if part) + "\n\n"


def told(machine: str, versions: dict[str, str]) -> str:
    return f"Measured with {machine}; {', '.join(f'{name} {version}' for name, version in versions.items())}."


def ordered(programs: Programs) -> list[Result]:
    """All results, by number; those that no goal was set for come last."""
    results = [result for program in programs.values() for result in program.results]
    return sorted(results, key=lambda result: int(result.row.number or 99))


if __name__ == "__main__":
    write()

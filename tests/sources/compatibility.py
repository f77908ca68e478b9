"""The tables of docs/sources/README.md, from what the tests expect: ``python tests/sources/compatibility.py`` writes them."""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))

from every_source import SOURCES
from scenarios import CUT_OFF, SCENARIOS, Execution
from workers import Source, expected, reason_why_not

PAGE = Path(__file__).parents[2] / "docs" / "sources" / "README.md"

SAME, NEVER = "✓", "n/a"


def title(source: Source) -> str:
    """The job queue as its own documentation writes it."""
    name = source.name.removesuffix("_app")
    return {"rq": "RQ"}.get(name, name.capitalize())


def in_words(executions: list[Execution]) -> str:
    """What is reported, for people: one outcome after the other."""
    return "; then ".join(map(_outcome, executions)) or "nothing"


def _outcome(execution: Execution) -> str:
    if execution == CUT_OFF:
        return "started, and no more"
    *before, outcome, _stopped = execution
    kind, _, rest = outcome.partition(" ")
    word, _, future = rest.partition(" ")
    words = [f"{kind} `{word}`" if word and word != "exception" else kind]
    if future == "will retry":
        words.append("will retry")
    if not before:
        words.append("no start")
    return ", ".join(words)


def outcomes() -> str:
    """What each kind of worker reports of each scenario."""
    kinds = [(source, kind) for source in SOURCES for kind in source.kinds]
    lines = [
        "| what happens | is reported as | " + " | ".join(f"{title(source)} {kind}" for source, kind in kinds) + " |",
        "| --- | --- |" + " --- |" * len(kinds),
    ]
    for scenario in SCENARIOS.values():
        standard = list(scenario.executions)
        cells = [scenario.says, in_words(standard)]
        for source, kind in kinds:
            if reason_why_not(source, kind, scenario.name):
                cells.append(NEVER)
            else:
                own = expected(source, kind, scenario.name)
                cells.append(SAME if own == standard else in_words(own))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def reasons() -> str:
    """Why something can't happen there."""
    lines = ["| it can't happen in | that | because |", "| --- | --- | --- |"]
    for source in SOURCES:
        found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for scenario in SCENARIOS:
            if why := source.cannot.get(scenario):
                found[title(source), why].append(scenario)
            for kind in source.kinds:
                if why := source.cannot.get((kind, scenario)):
                    found[f"{title(source)} {kind}", why].append(scenario)
        for (where, why), scenarios in found.items():
            says = " ".join(SCENARIOS[name].says for name in scenarios)
            lines.append(f"| {where} | {says} | {why} |")
    return "\n".join(lines)


TABLES = {"outcomes": outcomes, "reasons": reasons}


def with_tables(page: str) -> str:
    """The page with its tables as they should be."""
    for name, table in TABLES.items():
        before, begin, rest = page.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- end of {name} -->\n")
        page = f"{before}{begin}{table()}\n{end}{after}"
    return page


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

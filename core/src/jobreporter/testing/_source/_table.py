"""What kinds of workers report, as tables for people."""

from __future__ import annotations

from jobreporter.testing._source._base import SourceCases
from jobreporter.testing._source._meanings import CASES, CUT_OFF, Execution

_SAME, _NEVER = "✓", "n/a"


def outcomes_table(*suites: type[SourceCases]) -> str:
    """A table in Markdown: what each kind of worker reports of each case, a column for each suite.

    ✓ is as the second column says, n/a is what can't happen there.
    """
    lines = [
        "| what happens | is reported as | " + " | ".join(map(_title, suites)) + " |",
        "| --- | --- |" + " --- |" * len(suites),
    ]
    for case in CASES.values():
        standard = list(case.executions)
        cells = [case.says, in_words(standard)]
        for suite in suites:
            own = suite.expected(case.name)
            told = _SAME if own == standard else in_words(own)
            cells.append(_NEVER if case.name in suite.not_observable else told)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def reasons_table(*suites: type[SourceCases]) -> str:
    """A table in Markdown: why something can't happen there. What holds for all kinds of a queue is said once."""
    found: dict[tuple[str, str], list[str]] = {}
    for suite in suites:
        siblings = [each for each in suites if each.queue == suite.queue]
        for case, why in suite.not_observable.items():
            of_all = all(each.not_observable.get(case) == why for each in siblings)
            cases = found.setdefault((suite.queue if of_all else _title(suite), why), [])
            if case not in cases:
                cases.append(case)
    lines = ["| it can't happen in | that | because |", "| --- | --- | --- |"]
    for (where, why), cases in found.items():
        # In the order of the other table.
        says = " ".join(case.says for case in CASES.values() if case.name in cases)
        lines.append(f"| {where} | {says} | {why} |")
    return "\n".join(lines)


def _title(suite: type[SourceCases]) -> str:
    return f"{suite.queue} {suite.kind}".strip()


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

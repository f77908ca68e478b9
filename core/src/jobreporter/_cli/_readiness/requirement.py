"""What a distribution says of the cores that it runs with."""

from __future__ import annotations

import re
from collections.abc import Callable

_CORE = re.compile(r"jobreporter(?![\w.-])\s*(?:\[[^]]*\])?\s*\(?([^;)]*)\)?\s*(?:;.*)?$", re.IGNORECASE)
_CLAUSE = re.compile(r"(~=|===?|!=|<=|>=|<|>)\s*([\w.*+!-]+)")

_HOLDS: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ">=": lambda core, bound: core >= bound,
    ">": lambda core, bound: core > bound,
    "<": lambda core, bound: core < bound,
    "<=": lambda core, bound: core <= bound,
    "==": lambda core, bound: core == bound,
    "===": lambda core, bound: core == bound,
    "!=": lambda core, bound: core != bound,
    "~=": lambda core, bound: core >= bound and core[: len(bound) - 1] == bound[:-1],
}


def trouble(requirements: list[str], core: str) -> str | None:
    """What is wrong with what is said of the core; ``None`` if it names the oldest and takes this one and the next."""
    found = next((match[1] for each in requirements if (match := _CORE.match(each.strip()))), None)
    if found is None:
        return "it does not require jobreporter"
    clauses = [(operator, _numbers(bound)) for operator, bound in _CLAUSE.findall(found)]
    if not any(operator in (">=", "~=", ">") for operator, _ in clauses):
        return f"it does not say the oldest core that it runs with: 'jobreporter{found.strip()}'"
    for what, version in (("the core that is installed", _numbers(core)), ("the core's next release", _next(core))):
        if not all(_HOLDS[operator](*_padded(version, bound, operator)) for operator, bound in clauses):
            return f"it refuses {what}: 'jobreporter{found.strip()}'"
    return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", re.split(r"[a-z+*!-]", version)[0]))


def _next(core: str) -> tuple[int, ...]:
    """The core's next release with something new: no rule of versions speaks against it."""
    major, minor, *_ = (*_numbers(core), 0, 0)
    return (major, minor + 1, 0)


def _padded(version: tuple[int, ...], bound: tuple[int, ...], operator: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    longest = max(len(version), len(bound))
    padded = version + (0,) * (longest - len(version))
    return padded, bound if operator == "~=" else bound + (0,) * (longest - len(bound))

"""The texts of the config, with fields in braces."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from string import Formatter

#: What a template may name, and what that is.
FIELDS = {
    "happening": "what happened, in a word or two: `New`, `Again`, `Worse`, `Resolved`, `Missed`, `Still failing`",
    "what": "the error's type in its job: `Declined in shop.tasks.charge`",
    "since": "since when and how often",
    "place": "the innermost call of your own code: `shop/bank.py:42 in charge`",
    "code": "that line",
    "meaning": "what it means for the job: whether it is tried again, and its last success",
    "release": "the release that failed, of which service and environment, and on which host",
    "late": "that it could not be told in time, and how it stands by now; else empty",
    "link": "the address of the incident on the page, if `[context] page` says where that is",
    "number": "the incident's number",
    "job": "the job's name",
    "type": "the error's type with its module, if there is one",
    "kind": "`exception`, `timeout`, `worker_lost`, `exit_code`, `missed`, or `tag`",
    "message": "the error's message; it may hold what is your customers'",
    "service": "the service",
    "environment": "the environment",
    "failed": "how many failures the incident has",
}


class Template:
    """Raises ValueError, in a sentence, for a text that is none."""

    def __init__(self, text: str) -> None:
        self._lines = [_parts(line) for line in text.split("\n")]

    def render(self, fields: Mapping[str, str]) -> str:
        """The text with its fields. A line whose fields are all empty is left out."""
        lines = []
        for parts in self._lines:
            named = [name for _, name in parts if name]
            if not named or any(fields[name] for name in named):
                lines.append("".join(text + (fields[name] if name else "") for text, name in parts))
        return "\n".join(lines).strip("\n")


def _parts(line: str) -> list[tuple[str, str | None]]:
    """Texts, each with the field that follows it."""
    try:
        found = list(Formatter().parse(line))
    except ValueError as error:
        raise ValueError(f"{error}; a brace that is none of a field is written twice") from None
    parts: list[tuple[str, str | None]] = []
    for text, name, form, conversion in found:
        if name is None:
            parts.append((text, None))
            continue
        if form or conversion or name not in FIELDS:
            raise ValueError(f"there is no field {{{name}{':' * bool(form)}}}{_meant(name)}")
        parts.append((text, name))
    return parts


def _meant(name: str) -> str:
    near = get_close_matches(name, FIELDS, 1)
    return f". Did you mean {{{near[0]}}}?" if near else f": the fields are {', '.join(FIELDS)}"

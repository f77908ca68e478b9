"""The name of a new plugin: whether it will do, and which one would."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from importlib.util import find_spec
from unicodedata import combining, normalize

from jobreporter._plugins.discovery import OFFICIAL
from jobreporter._plugins.installed import COMMANDS, REPORTERS, scan

#: The package of a project.
PACKAGE = "jobreporter_{name}"
#: Characters at most.
LONGEST = 30
_GOOD = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")

#: What this project publishes beside the core: ``jobreporter-NAME``.
OWN = (*OFFICIAL, "redis")
#: Lanes that core makes itself, and so no names of reporters.
LANES = {"stream": "core's own lane", "relay": "core's own relays"}


def refusal(name: str, group: str, *, command: Collection[str] | None = None, module: str = PACKAGE) -> str | None:
    """Why a name won't do, in a sentence with the nearest one that would; ``None`` if it does.

    group: the entry points that it is to be one of. command: core's own commands, if it is to be a command as well.
    module: what it is to be imported by, with ``{name}`` in it; empty if that is nobody else's matter.
    """

    def taken(candidate: str) -> str | None:
        return _taken(candidate, group, command, module)

    good = _good(name)
    if not name or name != good:
        rule = f"a name is of small letters, digits and single underscores, begins with a letter, and has {LONGEST} at most"
        before = "; 'jobreporter' stands before it anyhow" if name.startswith("jobreporter") else ""
        return f"{name!r} is no name for it: {rule}{before}{_try(good, taken)}"
    reason = taken(name)
    return f"the name {name!r} is taken by {reason}{_try(name, taken)}" if reason else None


def _good(name: str) -> str:
    """The nearest name of the right form; empty if there is nothing to make it of."""
    without_accents = "".join(each for each in normalize("NFKD", name) if not combining(each))
    words = re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", without_accents).lower())
    # What it is for is in the name of the distribution anyhow.
    if words[:1] == ["jobreporter"]:
        words = words[1:]
    elif words[1:] and words[-1] == "jobreporter":
        words = words[:-1]
    good = "_".join(words).lstrip("0123456789_")[:LONGEST].rstrip("_")
    return good if _GOOD.fullmatch(good) else ""


def _try(good: str, taken: Callable[[str], str | None]) -> str:
    candidates = (good, *(f"{word}_{good[: LONGEST - 6]}".rstrip("_") for word in ("my", "our", "their")))
    free = next((each for each in candidates if good and not taken(each)), None)
    return f". Try {free!r}" if free else ""


def _taken(name: str, group: str, command: Collection[str] | None, module: str) -> str | None:
    if group == REPORTERS and name in LANES:
        return LANES[name]
    groups = [group, *([COMMANDS] if command is not None else [])]
    for each in groups:
        if providers := scan(each).get(name):
            return f"{providers[0].distribution} {providers[0].version}"
    if command is not None and name in command:
        return f"core's own command 'jobreporter {name}'"
    if name in OWN:
        return f"the package jobreporter-{name}"
    wanted = module.format(name=name)
    if wanted and find_spec(wanted) is not None:
        return f"a module {wanted!r} that is installed"
    return None

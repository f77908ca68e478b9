"""What a config says that is possible, and hardly what was meant: filters that nothing matches, names for values."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from jobreporter._config.lines import KeyPath
from jobreporter._config.settings import When
from jobreporter._config.wording import quoted
from jobreporter._nearest import did_you_mean

# Characters of regular expressions that mean nothing in a glob.
_REGEX = re.compile(r"[\\^$|(){}+]|\A!?\.\*")
# A class by its full name; one that was made in a function has that in angle brackets.
_FULL_NAME = re.compile(r"[^\W\d]\w*(\.([^\W\d]\w*|<locals>))+")
# A variable as a shell, or a file for Docker Compose, has it replaced, alone or before a path; and somebody's home.
_FOR_A_SHELL = re.compile(r"\$(?:\{[A-Z_][A-Z0-9_]*\}|[A-Z_][A-Z0-9_]*)(?:/.*)?|~/.*")
_BUILTINS = f"{builtins.__name__}."


class Doubt(NamedTuple):
    """Something that a filter says. certain: whether it is wrong without a doubt."""

    text: str
    certain: bool


def doubts_about(when: When) -> Iterator[tuple[KeyPath, Doubt]]:
    """What in a filter can't be meant as it is written, with the key that says so."""
    for index, name in enumerate(when.ignore):
        if problem := _problem_of_type(name):
            yield ("ignore", index), Doubt(f"key 'ignore[{index}]': {problem}", certain=True)
    if when.events is not None and not when.events:
        yield (
            ("events",),
            Doubt("key 'events': the list is empty, so no event ever reaches the reporter", certain=False),
        )
    if when.events is not None and "failure" not in when.events and (when.ignore or when.attempts != "every"):
        key = "ignore" if when.ignore else "attempts"
        text = f"key '{key}': it is about failures, which 'events' keeps back, so it has no effect"
        yield (key,), Doubt(text, certain=False)
    for key, globs in (("queues", when.queues), ("jobs", when.jobs)):
        for index, glob in enumerate(globs):
            if problem := _problem_of_glob(glob):
                yield (key, index), Doubt(f"key '{key}[{index}]': {problem}", certain=False)


def unexpanded(content: object, above: KeyPath = ()) -> Iterator[KeyPath]:
    """Where a text is a variable or a home as a shell has it replaced, which nobody does here."""
    inside = (
        content.items() if isinstance(content, Mapping) else enumerate(content) if isinstance(content, list) else ()
    )
    for name, value in inside:
        path = (*above, name if isinstance(name, int) else str(name))
        if isinstance(value, str) and _FOR_A_SHELL.fullmatch(value):
            yield path
        yield from unexpanded(value, path)


def _problem_of_glob(glob: str) -> str | None:
    if glob.startswith("!") and not glob[1:].strip("*"):
        return f"{quoted(glob)} excludes every name, so no event ever reaches the reporter"
    if found := _REGEX.search(glob):
        return (
            f"{quoted(glob)} is a glob and no regular expression, so {found[0]!r} stands for itself:"
            " * is any text, ? one character, [ab] one of several"
        )
    return None


def _problem_of_type(name: str) -> str | None:
    """Why no error is of a type with this name; ``None`` where one may be."""
    bare = name.removeprefix(_BUILTINS)
    known = [each for each, value in vars(builtins).items() if _is_error(value)]
    if name != bare or "." not in name:
        if bare in known:
            return None
        example = f"write the full name of a type that is no builtin, such as 'shop.errors.{bare}'"
        remedy = did_you_mean(bare, known) or (f": {example}" if bare.isidentifier() else f": {_EXPECTED}")
        return f"{quoted(name)} is no builtin exception{remedy}"
    return None if _FULL_NAME.fullmatch(name) else f"{quoted(name)} is no name of a type: {_EXPECTED}"


_EXPECTED = "expected a full name, such as 'shop.errors.Declined', or a builtin one"


def _is_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseException)

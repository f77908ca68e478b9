"""On which line of a TOML file each of its keys stands.

The standard library's parser doesn't say, so it is asked about one statement after the other. That is done only when
something is told of a key: a worker whose config is right never pays for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

#: The way to a value: names of keys, and indices in lists.
KeyPath = tuple[str | int, ...]

# Lines of one statement. A longer one ends the search, since looking for its end takes the square of its length.
_LONGEST = 300


class Lines:
    """The lines of one file's text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._found: dict[KeyPath, int] | None = None

    def of(self, path: Sequence[str | int]) -> int | None:
        """The line of a key, from 1; of one that isn't there, that of the table where it should be; else ``None``."""
        if self._found is None:
            self._found = _found(self._text)
        for length in range(len(path), 0, -1):
            line = self._found.get(tuple(path[:length]))
            if line is not None:
                return line
        return None


class _Statement(NamedTuple):
    line: int
    #: How many brackets it begins with: one for a table, two for an item of a list of tables, none for a key.
    brackets: int
    content: Mapping[str, Any]


def _found(text: str) -> dict[KeyPath, int]:
    found: dict[KeyPath, int] = {}
    items: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for statement in _statements(text):
        if statement.brackets:
            table = _table(statement, items)
            for length in range(1, len(table) + 1):
                found.setdefault(table[:length], statement.line)
        else:
            for path in _paths(statement.content):
                found.setdefault(table + path, statement.line)
    return found


def _statements(text: str) -> Iterator[_Statement]:
    """Each statement by itself. One that is cut at the end of a line is never valid, so it ends where it first is."""
    import tomllib

    begun, lines = 0, ""
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if not lines:
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            begun = number
        lines += f"{line}\n"
        try:
            content = tomllib.loads(lines)
        except (ValueError, RecursionError):
            if number - begun > _LONGEST:
                return
            continue
        bare = lines.lstrip()
        yield _Statement(begun, 2 if bare.startswith("[[") else 1 if bare.startswith("[") else 0, content)
        lines = ""


def _table(statement: _Statement, items: dict[KeyPath, int]) -> KeyPath:
    """The path of a header; in a list of tables, which ``items`` counts, it goes through the last one."""
    path: KeyPath = ()
    content: Any = statement.content
    while content:
        if isinstance(content, list):
            (content,) = content
            continue
        ((name, content),) = content.items()
        path = (*path, name)
        last = isinstance(content, list) or not content
        if last and statement.brackets == 2:
            items[path] = items.get(path, -1) + 1
        if path in items:
            path = (*path, items[path])
    return path


def _paths(content: Any, above: KeyPath = ()) -> Iterator[KeyPath]:
    """Every path in what a statement says."""
    inside = (
        content.items() if isinstance(content, Mapping) else enumerate(content) if isinstance(content, list) else ()
    )
    for name, value in inside:
        path = (*above, name)
        yield path
        yield from _paths(value, path)

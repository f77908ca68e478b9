"""A place in a config: what messages say of where something stands."""

from __future__ import annotations

import re

import msgspec

from jobreporter._config.lines import KeyPath, Lines
from jobreporter._config.wording import quoted
from jobreporter.errors import Fault
from jobreporter.text import one_line

# Characters of a key that a fault carries.
_KEY = 200
# A key that TOML takes without quotes.
_BARE = re.compile(r"[A-Za-z0-9_-]{1,80}")


class Place(msgspec.Struct, frozen=True, eq=False):
    """A table of a config.

    file: how messages call the config, which is its whole path. root: the names of the table that all of it is below,
    ``tool`` and ``jobreporter`` in a ``pyproject.toml``. table: the names from there. lines: where the keys stand.
    """

    file: str
    root: tuple[str, ...] = ()
    table: tuple[str, ...] = ()
    lines: Lines | None = None

    def below(self, *names: str) -> Place:
        """A table within this one."""
        return msgspec.structs.replace(self, table=(*self.table, *names))

    def line(self, *keys: str | int) -> int | None:
        """The line of a key of this table, or of the table itself."""
        return self.lines.of((*self.root, *self.table, *keys)) if self.lines else None

    def fault(self, problem: str, *keys: str | int) -> Fault:
        """Something that is wrong with the table, or with one of its keys."""
        return Fault(
            where=self._where(self.line(*keys)),
            problem=problem,
            file=self.file,
            line=self.line(*keys),
            table=self.name or None,
            key=one_line(dotted(keys), _KEY) or None,
        )

    @property
    def name(self) -> str:
        """The table as TOML names it; empty for that which holds all."""
        return ".".join(name if _BARE.fullmatch(name) else quoted(name) for name in (*self.root, *self.table))

    def __str__(self) -> str:
        return self._where(self.line())

    def _where(self, line: int | None) -> str:
        file = self.file if line is None else f"{self.file}:{line}"
        return f"{file}, [{self.name}]" if self.name else file


def dotted(path: KeyPath) -> str:
    """A path as one text: ``headers.token``, ``tags[2]``."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}"
    return text.removeprefix(".")

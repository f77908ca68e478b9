"""References: an option that is read from an environment variable or a file when the reporter starts.

``{ env = "NAME" }`` or ``{ file = "PATH" }`` in the place of a value; with ``required = true`` the worker doesn't start
where it leads nowhere. Whether a table is a reference depends on the
type that the option is declared with, so this is decided in `reading`, not while the file is parsed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from jobreporter._config.files import Unusable, read_file
from jobreporter._config.wording import quoted
from jobreporter._nearest import did_you_mean, nearest
from jobreporter.text import one_line

KEYS = ("env", "file")
REQUIRED = "required"
FORM = '{ env = "NAME" } or { file = "PATH" }'
# Bytes of a file that holds one value.
LIMIT = 64 * 1024
# Characters of a path that a message shows.
_SHOWN = 400

# Stricter than the system is: what else somebody puts there by mistake could be the secret itself.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,255}")


class FromEnv(msgspec.Struct, frozen=True):
    """The value of an environment variable, without newlines at its end, which ``$(cat ...)`` in a file may leave."""

    name: str
    #: Whether the worker doesn't start without it.
    required: bool = False

    def __str__(self) -> str:
        return f"the environment variable {self.name}"

    @property
    def origin(self) -> str:
        """The short form, for a table of origins."""
        return f"env {self.name}"

    def read(self, environ: Mapping[str, str]) -> str:
        """The variable's text. Raises Unusable."""
        text = environ.get(self.name)
        if text is None:
            raise Unusable("is not set")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Unusable("is not UTF-8") from None
        return _trimmed(text)


class FromFile(msgspec.Struct, frozen=True):
    """The text of a file, without newlines at its end."""

    path: Path
    #: As for `FromEnv`.
    required: bool = False

    def __str__(self) -> str:
        return f"the file {self._shown!r}"

    @property
    def origin(self) -> str:
        """The short form, for a table of origins."""
        return f"file {one_line(self._shown, _SHOWN)}"

    @property
    def _shown(self) -> str:
        text = str(self.path)
        return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."

    def read(self, environ: Mapping[str, str]) -> str:
        """The file's text. Raises Unusable."""
        try:
            return _trimmed(read_file(self.path, LIMIT).content.decode())
        except FileNotFoundError:
            raise Unusable("does not exist") from None
        except UnicodeDecodeError:
            raise Unusable("is not UTF-8") from None


Reference = FromEnv | FromFile


def _trimmed(text: str) -> str:
    return text.rstrip("\r\n")


def looks_like_reference(table: Mapping[Any, Any]) -> bool:
    """Whether a table was meant as a reference, well formed or not."""
    return any(nearest(key, KEYS) for key in table)


def is_reference(table: Mapping[Any, Any]) -> bool:
    """Whether a table has the form of a reference to the letter."""
    return any(key in table for key in KEYS) and problem_of(table) is None


def problem_of(table: Mapping[Any, Any]) -> str | None:
    """What is wrong with a table that was meant as a reference, ``None`` if nothing is."""
    for key in table:
        if key not in (*KEYS, REQUIRED):
            return f"unknown key {quoted(key)}, expected {FORM}{did_you_mean(key, (*KEYS, REQUIRED))}"
    if all(key in table for key in KEYS):
        return f"found both 'env' and 'file', expected {FORM}"
    if not any(key in table for key in KEYS):
        return f"found neither 'env' nor 'file', expected {FORM}"
    if not isinstance(table.get(REQUIRED, False), bool):
        return f"expected '{REQUIRED}' to be true or false"
    if "env" in table and not (isinstance(table["env"], str) and _NAME.fullmatch(table["env"])):
        return "expected 'env' to name an environment variable: letters, digits and '_'"
    if "file" in table and not (isinstance(table["file"], str) and table["file"]):
        return "expected 'file' to be a path"
    return None


def reference(table: Mapping[Any, Any], folder: Path) -> Reference:
    """The reference that a well-formed table stands for; a relative path starts at ``folder``."""
    required = table.get(REQUIRED, False)
    if "env" in table:
        return FromEnv(table["env"], required)
    return FromFile(folder / table["file"], required)

"""References: an option that is read from an environment variable or a file when the reporter starts.

``{ env = "NAME" }`` or ``{ file = "PATH" }`` in the place of a value. Whether a table is a reference depends on the
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

KEYS = ("env", "file")
FORM = '{ env = "NAME" } or { file = "PATH" }'
# Bytes of a file that holds one value.
LIMIT = 64 * 1024
# Characters of a path that a message shows.
_SHOWN = 400

# Stricter than the system is: what else somebody puts there by mistake could be the secret itself.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,255}")


class FromEnv(msgspec.Struct, frozen=True):
    """The value of an environment variable."""

    name: str

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
        return text


class FromFile(msgspec.Struct, frozen=True):
    """The text of a file, without the newline at its end."""

    path: Path

    def __str__(self) -> str:
        text = str(self.path)
        return f"the file {text if len(text) <= _SHOWN else text[:_SHOWN] + '...'!r}"

    @property
    def origin(self) -> str:
        """The short form, for a table of origins."""
        return f"file {self.path}"

    def read(self, environ: Mapping[str, str]) -> str:
        """The file's text. Raises Unusable."""
        try:
            return read_file(self.path, LIMIT).content.decode().removesuffix("\n").removesuffix("\r")
        except FileNotFoundError:
            raise Unusable("does not exist") from None
        except UnicodeDecodeError:
            raise Unusable("is not UTF-8") from None


Reference = FromEnv | FromFile


def looks_like_reference(table: Mapping[Any, Any]) -> bool:
    """Whether a table was meant as a reference, well formed or not."""
    return any(nearest(key, KEYS) for key in table)


def is_reference(table: Mapping[Any, Any]) -> bool:
    """Whether a table has the form of a reference to the letter."""
    return len(table) == 1 and problem_of(table) is None


def problem_of(table: Mapping[Any, Any]) -> str | None:
    """What is wrong with a table that was meant as a reference, ``None`` if nothing is."""
    for key in table:
        if key not in KEYS:
            return f"unknown key {quoted(key)}, expected {FORM}{did_you_mean(key, KEYS)}"
    if len(table) != 1:
        return f"found both 'env' and 'file', expected {FORM}"
    ((key, target),) = table.items()
    if key == "env" and not (isinstance(target, str) and _NAME.fullmatch(target)):
        return "expected 'env' to name an environment variable: letters, digits and '_'"
    if key == "file" and not (isinstance(target, str) and target):
        return "expected 'file' to be a path"
    return None


def reference(table: Mapping[Any, Any], folder: Path) -> Reference:
    """The reference that a well-formed table stands for; a relative path starts at ``folder``."""
    if "env" in table:
        return FromEnv(table["env"])
    return FromFile(folder / table["file"])

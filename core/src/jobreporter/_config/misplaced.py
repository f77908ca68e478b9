"""What a table was probably meant to be that no config has."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from jobreporter._config.settings import NAME
from jobreporter._config.wording import quoted
from jobreporter._nearest import did_you_mean_or_all, nearest


def problem_of(
    key: object, content: object, tables: Collection[str], own_keys: Collection[str], *, in_pyproject: bool
) -> str:
    """Why a key is none that a config begins with, and where it may belong.

    tables: those that there are. own_keys: those of a reporter's table that no plugin can have.
    """
    if key == "tool" and isinstance(content, Mapping) and "jobreporter" in content and not in_pyproject:
        return (
            "unknown table 'tool': only in a pyproject.toml, tables begin with 'tool.jobreporter.'; leave that out here"
        )
    if nearest(key, tables):
        return f"unknown table {quoted(key)}{did_you_mean_or_all(key, tables, 'tables')}"
    if key in own_keys:
        return f"unknown table {quoted(key)}: each reporter has its own, such as [reporters.log.{key}]"
    all_tables = did_you_mean_or_all(key, tables, "tables")
    if not isinstance(content, Mapping):
        return f"unknown key {quoted(key)}{all_tables}. A reporter's option stands below its [reporters.NAME]"
    hint = f". A reporter called {quoted(key)} is switched on by a table [reporters.{key}]"
    return f"unknown table {quoted(key)}{all_tables}{hint if NAME.fullmatch(str(key)) else ''}"

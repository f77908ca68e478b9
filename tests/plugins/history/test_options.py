"""What `[reporters.history]` may say."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from jobreporter import ConfigError, Dispatcher, reporter_options
from jobreporter.testing import make_event
from jobreporter_history import HistoryOptions, HistoryReporter
from jobreporter_history._engines.urls import sqlite_path, sqlite_url
from jobreporter_history._upkeep.retention import Keep
from jobreporter_history.store import open_store

README = Path(__file__).parents[3] / "plugins/history/README.md"


def options_of(folder: Path, table: str) -> HistoryOptions:
    """The options that a config has."""
    path = folder / "jobreporter.toml"
    path.write_text(f"[reporters.history]\n{table}")
    return reporter_options("history", HistoryOptions, path)


def problem_of(folder: Path, table: str) -> str:
    """What is wrong with them."""
    with pytest.raises(ConfigError) as told:
        options_of(folder, table)
    return str(told.value)


STORE = 'store = "sqlite:///var/lib/shop/history.db"\n'


def test_defaults(tmp_path: Path) -> None:
    """Only the store has to be said."""
    options = options_of(tmp_path, STORE)
    assert options.keep == Keep(7 * 86_400, 90 * 86_400, 365 * 86_400, 2_000_000_000, 64_000_000)
    assert options.shape == (True, 16_000, ())
    assert "there is no" not in problem_of(tmp_path, "")
    assert "store" in problem_of(tmp_path, "")


def test_all_that_can_be_said(tmp_path: Path) -> None:
    """Durations and sizes are numbers or text with units."""
    options = options_of(
        tmp_path,
        STORE
        + 'keep_success = "36h"\nkeep_failure = 86400\nkeep_incident = "2w"\nmax_bytes = "512MiB"\nmin_free = 0\n'
        + 'own_modules = ["shop", "shop.lib"]\nstore_args = false\nmax_row_bytes = "4KB"\n',
    )
    assert options.keep == Keep(36 * 3600, 86_400, 14 * 86_400, 512 * 2**20, 0)
    assert options.shape == (False, 4000, ("shop", "shop.lib"))


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ('store = "mysql://x/y"', "the store's URL is of the kind 'mysql'; expected sqlite:// and an absolute path"),
        ('store = "history.db"', "is of the kind 'no URL'"),
        ('store = "sqlite://history.db"', "names no file by an absolute path"),
        ('store = "sqlite:///var/lib/"', "names no file by an absolute path"),
        (STORE + 'keep_success = "soon"', "such as '1h 30m'"),
        (STORE + "keep_success = 0", "keep_success"),
        (STORE + 'max_bytes = "2 TB"', "such as '64MiB'"),
        (STORE + 'own_modules = ["shop/lib"]', "own_modules: 'shop/lib' is no name of a module"),
        (STORE + "max_row_bytes = 10", "max_row_bytes"),
        (STORE + "keep_sucess = 1", "Did you mean 'keep_success'?"),
        ('store = "postgresql://x/y"\nmin_free = "1GB"', "min_free is about the disk of an SQLite file"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, table: str, problem: str) -> None:
    """One sentence with the key, what was found, and what was expected."""
    assert problem in problem_of(tmp_path, table)


def test_a_password_is_in_no_error(tmp_path: Path) -> None:
    """The URL is a secret: neither the options nor an error show it."""
    options = options_of(tmp_path, 'store = "postgresql://shop:hunter2@db/history"\n')
    assert "hunter2" not in repr(options)
    assert "hunter2" not in problem_of(tmp_path, 'store = "postgresql://shop:hunter2@db/history"\nmin_free = "1GB"')
    assert "hunter2" not in problem_of(tmp_path, 'store = "mysql://shop:hunter2@db/history"')


def test_three_slashes_and_four_are_the_same(tmp_path: Path) -> None:
    """Some tools write the one, some the other."""
    assert sqlite_path("sqlite:///var/x.db") == sqlite_path("sqlite:////var/x.db") == Path("/var/x.db")


def test_a_path_is_written_as_that_of_a_stream_is(tmp_path: Path) -> None:
    """Percent signs stand for what they stand for in any URL. What is shown of a store is a URL that names the same file."""
    path = tmp_path / "my shop" / "100%?#\u00e9.db"
    path.parent.mkdir()
    for url in (sqlite_url(path), f"sqlite://{quote(str(path))}"):
        options = options_of(tmp_path, f'store = "{url}"\n')
        store = open_store(options.store.reveal())
        with Dispatcher({"history": HistoryReporter}, config={"reporters": {"history": {"store": url}}}) as dispatcher:
            dispatcher.publish(make_event("success"))
        assert path.exists()
        assert sqlite_path(store.health().url) == path
        store.close()
    assert "a question mark, which is written %3F" in problem_of(tmp_path, 'store = "sqlite:///var/x.db?mode=ro"\n')


def test_the_readmes_configs_are_right(tmp_path: Path) -> None:
    """Every table in the README is one that the options take."""
    text = README.read_text()
    blocks: list[dict[str, Any]] = [tomllib.loads(each.partition("```")[0]) for each in text.split("```toml\n")[1:]]
    tables = [block["reporters"]["history"] for block in blocks if "history" in block.get("reporters", {})]
    assert tables
    for table in tables:
        lines = "\n".join(f"{name} = {_toml(value)}" for name, value in table.items())
        options_of(tmp_path, lines + "\n")
    documented = {name for table in tables for name in table}
    assert documented == set(HistoryOptions.__struct_fields__)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return '"postgresql://db/history"'
    return repr(value).replace("'", '"')

"""The document about the config: it has every key, with type and default, and the messages that it shows are those that come."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jobreporter import JobReporterError
from jobreporter._config import parse
from jobreporter._config.wording import expected
from jobreporter._settings import CaptureSettings, LaneSettings, When
from jobreporter._setup import from_file

from .documents import CONFIG, WRONG_CONFIGS, Block, blocks, code_words, rows, section

RECORDS: dict[str, type[msgspec.Struct]] = {
    "[context]": parse._Context,
    "[dispatcher]": parse._Dispatcher,
    "[capture]": CaptureSettings,
    "[reporters.NAME]": parse._Own,
    "[reporters.NAME.when]": When,
    "[reporters.NAME.lane]": LaneSettings,
}


@pytest.mark.parametrize("heading", RECORDS)
def test_every_key_of_the_config_is_documented(heading: str) -> None:
    """Each table has the keys, types and defaults of the record that the parser fills."""
    table = {code_words(key)[0]: (kind, default) for key, kind, default, _ in rows(section(CONFIG, heading), "key")}
    tables = {key: table.pop(key) for key in ("when", "lane") if key in table}
    fields = msgspec.structs.fields(RECORDS[heading])
    types = {field.name: expected(msgspec.inspect.type_info(field.type)) for field in fields}
    defaults = {field.name: [] if field.default == () else field.default for field in fields}

    assert {key: kind for key, (kind, _) in table.items()} == types
    assert {key: toml_value(default) for key, (_, default) in table.items()} == defaults
    assert [*table, *tables] == [*types, *(parse._OWN_TABLES if tables else ())]


def toml_value(default: str) -> Any:
    """What a cell says of a default: a value as TOML writes it, or none."""
    return None if default == "none" else tomllib.loads(f"value = {default.strip('`')}")["value"]


def test_every_table_of_the_config_is_documented() -> None:
    """There is none beside those of the test above."""
    tables = {heading.strip("[]").split(".")[0] for heading in RECORDS}
    assert tables == set(parse._SECTIONS)
    assert {heading.rpartition(".")[2].strip("]") for heading in RECORDS if "NAME." in heading} == set(
        parse._OWN_TABLES
    )


@pytest.mark.parametrize(("config", "told"), WRONG_CONFIGS, ids=[config.place for config, _ in WRONG_CONFIGS])
def test_what_is_wrong_is_told_as_documented(
    app: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch, config: Block, told: Block
) -> None:
    """Each example of a wrong config, or of a broken reporter, leads to the message that stands below it."""
    monkeypatch.syspath_prepend(wheel)
    (app / "jobreporter.toml").write_text(config.text)
    with pytest.raises(JobReporterError) as caught:
        [recipe.prepare() for recipe in from_file(None).recipes]
    assert f"{caught.value}\n" == told.text


def test_a_config_without_a_file_is_taken() -> None:
    """The program of the document runs."""
    [block] = blocks(CONFIG, "python")
    exec(compile(block.text, block.place, "exec"), {})

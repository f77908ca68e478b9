"""The document about the config: it has every key, with type and default, and the messages that it shows are those that come."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec
import pytest

from jobreporter import JobReporterError, parse_duration, parse_size
from jobreporter._config.parse import TABLES
from jobreporter._config.settings import LaneSettings, ReporterSettings, Tables, When
from jobreporter._config.wording import expected
from jobreporter._dispatch.wiring import from_file
from jobreporter._stream.relay_settings import RelayOptions
from jobreporter._stream.settings import StreamOptions

from .documents import CONFIG, WRONG_CONFIGS, Block, blocks, code_words, rows, section


def own_table(field: msgspec.structs.FieldInfo) -> tuple[str, type[msgspec.Struct]]:
    """One of the core's own tables, by the heading that it has in the document. Some may be missing, or have names."""
    if get_origin(field.type) is dict:
        return f"[{field.encode_name}.NAME]", get_args(field.type)[1]
    return f"[{field.encode_name}]", (get_args(field.type) or (field.type,))[0]


RECORDS: dict[str, type[msgspec.Struct]] = {
    **dict(own_table(field) for field in msgspec.structs.fields(Tables)),
    "[stream]": StreamOptions,
    "[reporters.NAME]": ReporterSettings,
    "[reporters.NAME.when]": When,
    "[reporters.NAME.lane]": LaneSettings,
}
BELOW_A_REPORTER = ("when", "lane")
#: Keys that only some reporters' tables have, and are core's all the same.
OF_SOME = {"relay": RelayOptions}
EVERY = {**RECORDS, **OF_SOME}


@pytest.mark.parametrize("heading", EVERY)
def test_every_key_of_the_config_is_documented(heading: str) -> None:
    """Each table has the keys, types and defaults of the record that the parser fills."""
    table = {code_words(key)[0]: (kind, default) for key, kind, default, _ in rows(section(CONFIG, heading), "key")}
    tables = {key: table.pop(key) for key in BELOW_A_REPORTER if key in table}
    every = msgspec.structs.fields(EVERY[heading])
    fields = [field for field in every if field.name not in tables]
    types = {field.name: expected(msgspec.inspect.type_info(field.type)) for field in fields}
    defaults = {field.name: [] if field.default == () else field.default for field in fields}
    defaults = {name: None if default is msgspec.NODEFAULT else default for name, default in defaults.items()}

    assert {key: kind for key, (kind, _) in table.items()} == types
    assert {key: value_of(default, types[key]) for key, (_, default) in table.items()} == defaults
    assert [*table, *tables] == [field.name for field in every]


def value_of(default: str, kind: str) -> Any:
    """What a cell says of a default: a value as TOML writes it, or none."""
    if default == "none":
        return None
    value = tomllib.loads(f"value = {default.strip('`')}")["value"]
    if kind.startswith("a duration"):
        return parse_duration(value)
    return parse_size(value) if kind.startswith("a size") else value


def test_every_table_of_the_config_is_documented() -> None:
    """There is none beside those of the test above."""
    tables = {heading.strip("[]").split(".")[0] for heading in RECORDS}
    assert tables == set(TABLES)
    below = {
        key for key, value in msgspec.structs.asdict(ReporterSettings()).items() if isinstance(value, msgspec.Struct)
    }
    assert {
        heading[len("[reporters.NAME.") : -1] for heading in RECORDS if heading.startswith("[reporters.NAME.")
    } == below


@pytest.mark.parametrize(("config", "told"), WRONG_CONFIGS, ids=[config.place for config, _ in WRONG_CONFIGS])
def test_what_is_wrong_is_told_as_documented(
    app: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch, config: Block, told: Block
) -> None:
    """Each example of a wrong config, or of a broken reporter, leads to the message that stands below it."""
    monkeypatch.syspath_prepend(wheel)
    (app / "jobreporter.toml").write_text(config.text)
    with pytest.raises(JobReporterError) as caught:
        [factory.prepare() for factory in from_file(None).factories]
    assert f"{caught.value}\n".replace(f"{app}/", "/srv/shop/") == told.text


def test_a_config_without_a_file_is_taken() -> None:
    """The program of the document runs."""
    [block] = blocks(CONFIG, "python")
    exec(compile(block.text, block.place, "exec"), {})

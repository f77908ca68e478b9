"""Every config in the documents is one that a worker would start with: keys, references, and the options of reporters."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from jobreporter._config.parse import TABLES
from jobreporter._dispatch.wiring import survey
from jobreporter._plugins.installed import scan
from tests.packaging.documents import DOCUMENTS, WRONG_CONFIGS, Block, blocks

WRONG = [config for config, _ in WRONG_CONFIGS]


def is_config(block: Block) -> bool:
    """Whether all that stands in it is of a config, and right."""
    table = tomllib.loads(block.text)
    config = table.get("tool", {}).get("jobreporter", table)
    return set(config) <= set(TABLES) and block not in WRONG


CONFIGS = [block for document in DOCUMENTS for block in blocks(document, "toml") if is_config(block)]


@pytest.mark.parametrize("block", CONFIGS, ids=[block.place for block in CONFIGS])
def test_a_config_is_taken(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the reader that workers have. Reporters that aren't installed here are the documents' own, whose tests have them."""
    for name in re.findall(r'env = "(\w+)"', block.text):
        monkeypatch.setenv(name, "https://public@sentry.example.org/1")
    config = tmp_path / ("pyproject.toml" if "[tool.jobreporter" in block.text else "jobreporter.toml")
    # A reference that leads nowhere is a matter of the machine that the document is about.
    config.write_text(re.sub(r'file = ".*?"', f'file = "{tmp_path}/secret"', block.text))
    (tmp_path / "secret").write_text("https://public@sentry.example.org/1")
    (tmp_path / "secret").chmod(0o600)

    surveyed = survey(config)
    strangers = [each.name for each in surveyed.parsed.config.reporters if each.use not in scan()]
    tables = tuple(f"reporters.{name}" for name in strangers)
    faults = [fault for fault in surveyed.faults if not (fault.table or "").startswith(tables)]
    assert [str(fault) for fault in (*surveyed.parsed.faults, *faults)] == []
    assert [str(note) for note in surveyed.parsed.warnings] == []


def test_there_are_configs_of_every_reporter() -> None:
    """Each that is installed here is shown by some document."""
    assert {name for block in CONFIGS for name in tomllib.loads(block.text).get("reporters", {})} >= set(scan())

"""The directory of plugins is what its data says, and its data what the plugins are."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.packaging.documents import ROOT

from .directory import PAGE, Plugin, directory, page

SCRIPT = Path(sys.executable).with_name("jobreporter")
FOLDERS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))


def project(folder: Path) -> dict[str, Any]:
    """What a plugin's own file says of it."""
    found: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    return found


def test_the_page_is_what_the_data_says() -> None:
    """`python -m tests.docs.directory` was run."""
    assert PAGE.read_text() == page(directory())


def test_it_has_all_of_ours() -> None:
    """Each once, and nothing beside them looks like one of ours."""
    assert sorted(plugin.name for plugin in directory() if plugin.ours) == [project(each)["name"] for each in FOLDERS]


@pytest.mark.parametrize("folder", FOLDERS, ids=[folder.name for folder in FOLDERS])
def test_it_tells_of_a_plugin_what_is_so(folder: Path) -> None:
    """Its words, version and entry points as they are published, and the tier that a check finds."""
    told = project(folder)
    [core] = [each[len("jobreporter") :] for each in told["dependencies"] if re.match(r"jobreporter\b(?!-)", each)]
    groups = {group.removeprefix("jobreporter."): sorted(names) for group, names in told["entry-points"].items()}
    command = [str(SCRIPT), "plugins", "--check", str(folder), "--json"]
    checked = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)
    [listed] = [plugin for plugin in directory() if plugin.name == told["name"]]
    assert listed == Plugin(
        name=told["name"],
        says=told["description"],
        tier=checked["tier"],
        version=told["version"],
        core=core,
        link=f"../plugins/{folder.name}/README.md",
        brings=groups,
    )


def test_others_are_published_somewhere() -> None:
    """A plugin that isn't ours has an address that everybody can reach."""
    assert [plugin.name for plugin in directory() if not plugin.ours and not plugin.link.startswith("https://")] == []


def test_others_have_a_table_of_their_own() -> None:
    """What somebody else adds stands apart from ours, with the same cells."""
    [*ours, last] = directory()
    other = replace(last, name="jobreporter-slack", link="https://example.org/jobreporter-slack")
    told = page([*ours, last, other])
    assert other.row in told.partition("## Others'")[2]
    assert last.row in told.partition("## Others'")[0]
    assert "None is known yet" not in told

"""The command that the guide to writing a reporter adds: installed as it stands there, `jobreporter` lists and runs it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from .documents import GUIDE, blocks

GROUP = "jobreporter.commands"


@pytest.fixture
def installed(guide: Path, tmp_path: Path) -> Path:
    """A folder with the guide's modules, what pip leaves of its package, and a config that enables its reporter."""
    for module in guide.glob("*.py"):
        shutil.copy(module, tmp_path)
    groups: dict[str, dict[str, str]] = {}
    for block in blocks(GUIDE, "toml"):
        for name, entries in tomllib.loads(block.text).get("project", {}).get("entry-points", {}).items():
            groups.setdefault(name, {}).update(entries)
    info = tmp_path / "jobreporter_pager-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: jobreporter-pager\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(
        "".join(f"[{name}]\n" + "".join(f"{k} = {v}\n" for k, v in entries.items()) for name, entries in groups.items())
    )
    assert GROUP in groups
    (tmp_path / "jobreporter.toml").write_text('[reporters.pager]\nurl = "http://pager.test/1"\ntoken = "t"\n')
    return tmp_path


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    script = str(Path(sys.executable).with_name("jobreporter"))
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(
        [script, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_it_is_listed_and_run(installed: Path) -> None:
    """It reads the reporter's options from the config that is found, or from the one that is named."""
    other = installed / "other.toml"
    other.write_text('[reporters.desk]\nuse = "pager"\nurl = "http://pager.test/2"\ntoken = "t"\n')

    assert re.search(r"^ +pages +from jobreporter-pager 0\.1\.0$", run(installed, "--help").stdout, re.MULTILINE)
    assert run(installed, "pages").stdout == "http://pager.test/1\n"
    assert run(installed, "--config", str(other), "pages", "--reporter", "desk").stdout == "http://pager.test/2\n"


def test_a_wrong_config_is_told_as_to_a_worker(installed: Path) -> None:
    """With its file and its table."""
    (installed / "jobreporter.toml").write_text('[reporters.pager]\nurll = "http://pager.test/1"\n')
    done = run(installed, "pages")

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "jobreporter.toml" in done.stderr
    assert "[reporters.pager]" in done.stderr
    assert "'urll'" in done.stderr

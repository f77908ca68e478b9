"""What documents show for systemd and Kubernetes is what these take, by their own rules."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.missing import lacking
from tests.packaging.documents import DOCUMENTS, ROOT, Block, blocks

UNITS = [block for document in DOCUMENTS for block in blocks(document, "ini") if "[Service]" in block.text]
#: Where units have their programs.
_BIN = re.compile(r"/srv/\w+/\.venv/bin(?=/(\w+))")
#: The Kubernetes whose rules count.
VERSION = "1.33"


@pytest.fixture
def analyze() -> str:
    """The program of systemd that looks at units; it needs no systemd that runs."""
    path = shutil.which("systemd-analyze")
    if path is None:
        lacking("systemd-analyze is missing: apt-get install systemd")
    return path


def verify(analyze: str, unit: str, folder: Path) -> str:
    """What systemd says of a unit, on a machine that has the programs."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    for program in _BIN.finditer(unit):
        (programs / program[1]).write_text("#!/bin/sh\n")
        (programs / program[1]).chmod(0o755)
    path = folder / "shop.service"
    path.write_text(_BIN.sub(str(programs), unit))
    done = subprocess.run([analyze, "verify", "--man=no", str(path)], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=[unit.place for unit in UNITS])
def test_systemd_takes_every_unit(analyze: str, unit: Block, tmp_path: Path) -> None:
    """Every key is known, and every command is there."""
    assert verify(analyze, unit.text, tmp_path) == ""
    assert "ExecStrat" in verify(analyze, unit.text.replace("ExecStart=", "ExecStrat="), tmp_path)


def objects() -> list[dict[str, Any]]:
    """What Kubernetes is to make. Of the sidecar the part that matters is shown: a pod's specification."""
    page = ROOT / "docs" / "deployment.md"
    shown = [each for block in blocks(page, "yaml") for each in yaml.safe_load_all(block.text)]
    return [
        each if "kind" in each else {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "shop"}, **each}
        for each in shown
    ]


def test_kubernetes_takes_every_object() -> None:
    """Each holds to the schema of its kind, which knows no other keys."""
    shown = objects()
    assert [each["kind"] for each in shown] == ["ConfigMap", "Deployment", "Pod"]
    for each in shown:
        kubernetes_validate.validate(each, VERSION, strict=True)
    shown[2]["spec"]["initContainers"][0]["restartPolice"] = "Always"
    with pytest.raises(kubernetes_validate.ValidationError, match="restartPolice"):
        kubernetes_validate.validate(shown[2], VERSION, strict=True)


def test_every_mount_has_its_volume() -> None:
    """Which no schema says."""
    for each in objects()[1:]:
        pod = each["spec"] if each["kind"] == "Pod" else each["spec"]["template"]["spec"]
        mounted = {
            mount["name"]
            for container in pod["containers"] + pod["initContainers"]
            for mount in container["volumeMounts"]
        }
        assert mounted == {volume["name"] for volume in pod["volumes"]}

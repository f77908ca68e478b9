"""A virtual environment of its own, as somebody has it who installs wheels."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

#: Variables that belong to the environment that runs the tests.
OURS = ("PYTHON", "COVERAGE", "VIRTUAL_ENV")


class CleanEnvironment:
    """Nothing in it leads to this repository, or to what runs the tests. tools: requirements beside the wheels."""

    def __init__(self, folder: Path, wheels: list[Path], *tools: str) -> None:
        self.folder = folder
        self._environ = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        pip = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        for command in ([sys.executable, "-m", "venv", str(folder)], [*pip, *map(str, wheels), *tools]):
            subprocess.run(command, check=True, env=self._environ, timeout=300)

    def run(
        self, cwd: Path, command: str, *words: str, patience: float = 60, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Run one of its commands in a folder, with warnings as errors, for so many seconds at most."""
        return subprocess.run(
            [self.folder / "bin" / command, *words],
            cwd=cwd,
            env={**self._environ, "PYTHONWARNINGS": "error", **environ},
            capture_output=True,
            check=False,
            text=True,
            timeout=patience,
        )


def build_wheel(project: Path, folder: Path) -> Path:
    """The wheel of a project, freshly built into the folder."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=project, check=True, capture_output=True, timeout=60)
    [wheel] = folder.glob("*.whl")
    return wheel

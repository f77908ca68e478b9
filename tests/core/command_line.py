"""The real ``jobreporter`` script in a folder of its own, with reporters installed beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

#: Where pip has put it.
SCRIPT = str(Path(sys.executable).with_name("jobreporter"))


class Project:
    """A working directory; ``site`` in it is on ``sys.path``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.site = folder / "site"
        self.site.mkdir()
        self.environ = {**os.environ, "PYTHONPATH": str(self.site)}

    def config(self, text: str) -> None:
        """Write ``jobreporter.toml``."""
        (self.folder / "jobreporter.toml").write_text(text)

    def module(self, name: str, source: str) -> None:
        """An importable module."""
        (self.site / f"{name}.py").write_text(source)

    def install(self, distribution: str, version: str, reporter: str, module: str) -> None:
        """What pip leaves of a distribution with one reporter."""
        info = self.site / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[jobreporter.reporters]\n{reporter} = {module}\n")

    def run(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run ``jobreporter`` with these words."""
        return subprocess.run(
            [SCRIPT, *words],
            cwd=self.folder,
            env={**self.environ, **environ},
            capture_output=True,
            check=False,
            text=True,
            timeout=60,
        )

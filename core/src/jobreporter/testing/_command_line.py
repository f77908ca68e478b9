"""The command ``jobreporter`` in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


class CommandLine:
    """Runs ``jobreporter`` in a folder, as somebody does who has installed some reporters there::

        def test_the_config_of_the_readme_works(cli):
            cli.config('[reporters.pager]\\nurl = "https://pager.test"')
            assert cli.run("check", "--no-start").returncode == 0

    folder: the working directory. Its subfolder ``site`` is on the path of what is run, and the folder itself is not, as
    it isn't for an installed command.
    """

    def __init__(self, folder: Path) -> None:
        #: The working directory.
        self.folder = folder
        #: A folder for modules and distributions, on the path of what is run.
        self.site = folder / "site"
        self.site.mkdir()
        #: The environment of what is run: the test's own, without settings of jobreporter.
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith("JOBREPORTER_")}
        self.environ["PYTHONPATH"] = str(self.site)

    def config(self, text: str) -> Path:
        """Write ``jobreporter.toml``. Returns its path."""
        path = self.folder / "jobreporter.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def module(self, name: str, source: str) -> None:
        """Write a module that can be imported there."""
        (self.site / f"{name}.py").write_text(source, encoding="utf-8")

    def install(
        self, distribution: str, version: str, name: str, value: str, group: str = "jobreporter.reporters"
    ) -> None:
        """Write what an installer leaves of a distribution with one entry point, ``name = value``."""
        info = self.site / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n", encoding="utf-8"
        )
        (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {value}\n", encoding="utf-8")

    def run(self, *words: str, stdin: str | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run ``jobreporter`` with these words, and wait until it has ended, a minute at most.

        stdin: what it can read; by default, nothing. environ: variables that it gets beside the others. Returns its
        ``returncode``, ``stdout`` and ``stderr``. Raises `subprocess.TimeoutExpired`.
        """
        # -P: where python -m looks for modules is no part of the command's path.
        return self._run(["-P", "-m", "jobreporter", *words], stdin, environ)

    def python(self, program: str, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a program, likewise."""
        return self._run(["-c", program, *words], None, environ)

    def _run(self, words: list[str], stdin: str | None, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - a test runs what it wrote
            [sys.executable, *words],
            input=stdin or "",
            cwd=self.folder,
            env={**self.environ, **environ},
            capture_output=True,
            check=False,
            text=True,
            timeout=60,
        )

"""Runs the failing program as it is installed in several ways, and keeps what was told.

``python -m tests.plugins.history.failures.installations FILE`` writes down what this interpreter tells of the first host,
for the tests of other interpreters.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from jobreporter import Failure
from jobreporter.testing import read_calls

HERE = Path(__file__).parent
#: What the failures of Python 3.12 were, which has no frames for comprehensions any more.
RECORDED = HERE / "python-3.12.jsonl"
_CONFIG = (
    '[context]\nservice = "shop"\n\n[reporters.recorder]\nuse = "jobreporter.testing:FileRecorder"\npath = "{path}"\n'
)


def tell_all(folder: Path) -> Path:
    """Run it installed from source on two hosts, and as a wheel. Returns the file with all that was told."""
    told = folder / "told.jsonl"
    config = folder / "jobreporter.toml"
    config.write_text(_CONFIG.format(path=told))
    for host, prefix in (("host a", "a/srv/shop"), ("host b", "b/home/deploy/releases/42")):
        root = folder / prefix
        shutil.copytree(HERE / "application", root / "application")
        _run(config, root, root / "application", host)
        _run(config, root, root / "application", host, "application/script.py")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = folder / "c/opt/venv/lib" / version / "site-packages"
    with zipfile.ZipFile(_wheel(folder)) as wheel:
        wheel.extractall(packages)
    _run(config, folder / "c/opt", packages, "a wheel")
    return told


def failures(told: Path) -> list[Failure]:
    """The failures in a file of calls."""
    return [call.meta for call in read_calls(told) if isinstance(call.meta, Failure)]


def _run(config: Path, root: Path, packages: Path, installation: str, program: str = "worker/program.py") -> None:
    path = root / program
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        shutil.copy(HERE / path.name, path)
    environment = {**os.environ, "PYTHONPATH": str(packages)}
    subprocess.run([sys.executable, str(path), str(config), installation], check=True, cwd=root, env=environment)


def _wheel(folder: Path) -> Path:
    source = shutil.copytree(HERE / "application", folder / "source")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, check=True, cwd=source, capture_output=True)
    [wheel] = folder.glob("*.whl")
    return wheel


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        every = tell_all(Path(place)).read_text().splitlines(keepends=True)
        failing = [line for line in every if "handle_failure" in line and "host a" in line]
        Path(sys.argv[1]).write_text("".join(failing).replace(f"{place}/a", "").replace(sys.base_prefix, "/usr/local"))

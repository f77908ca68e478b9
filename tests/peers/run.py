"""``python -m tests.peers.run celery [--folder F] [PYTEST_ARGUMENTS...]``: one queue's own tests, without jobreporter and with it.

It ends with 0 if each difference has its reason, and something was reported.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections import Counter
from contextlib import ExitStack
from fnmatch import fnmatchcase
from importlib.metadata import version
from pathlib import Path

from tests.redis_servers import Server

from .peer import Peer

HERE = Path(__file__).parent
#: Seconds that one run of a queue's tests may take.
PATIENCE = 1800.0
#: A test that differs is run so often again, alone in its file's order: one that wavers by itself is no difference.
REPEATS = 2

CONFIG = """
[reporters.recorder]
use = "jobreporter.testing:FileRecorder"
path = {path}
"""

#: Where pytest looks for its settings.
CONFIGS = ("pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")

Outcomes = dict[str, str]


class Suite:
    """The tests of one queue's sdist, in a folder of their own."""

    def __init__(self, name: str, peer: Peer, folder: Path) -> None:
        self.name = name
        self.peer = peer
        self.release = f"{name}-{version(name)}"
        self.records = folder / "events.jsonl"
        self._folder = folder
        self._environment = os.environ | {
            "JOBREPORTER_CONFIG": str(folder / "jobreporter.toml"),
            "PYTHONPATH": str(HERE / "everywhere"),
            # Tests start commands by their bare names, and Python itself by ``python``.
            "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
        }
        self._sources = self._unpack()
        (folder / "jobreporter.toml").write_text(CONFIG.format(path=json.dumps(str(self.records))))

    def run(self, how: str, *arguments: str) -> Outcomes:
        """How each test has ended. how: ``with`` jobreporter, or ``without`` it."""
        outcomes = self._folder / f"{how}.jsonl"
        outcomes.unlink(missing_ok=True)
        # -P: without this folder on the path, where a module is called as a queue is.
        command = [
            sys.executable,
            "-P",
            str(HERE / "inside.py"),
            self.name,
            how,
            str(outcomes),
            *self.peer.options,
            *arguments,
        ]
        with (self._folder / f"{how}.log").open("ab") as log:
            subprocess.run(
                command,
                cwd=self._sources,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=PATIENCE,
                check=False,
            )
        if not outcomes.exists():
            raise SystemExit(f"{self.name}: its tests did not start; {self._folder / f'{how}.log'} says why")
        return dict(json.loads(line) for line in outcomes.read_text(encoding="utf-8").splitlines())

    def use_redis(self, port: int) -> None:
        """Whatever asks for Redis in these tests is sent to this port."""
        self._environment["PEERS_REDIS_PORT"] = str(port)

    def reported(self) -> int:
        """How many events jobreporter has reported so far."""
        return len(self.records.read_bytes().splitlines()) if self.records.exists() else 0

    def _unpack(self) -> Path:
        name, _, number = self.release.rpartition("-")
        wanted = [f"--no-binary={name}", "--no-deps", f"--dest={self._folder}", f"{name}=={number}"]
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", *wanted], check=True)
        (sdist,) = self._folder.glob("*.tar.gz")
        with tarfile.open(sdist) as file:
            file.extractall(self._folder, filter="data")
        (sources,) = (path.parent for path in self._folder.glob("*/PKG-INFO"))
        if not any("pytest" in path.read_text() for path in sources.iterdir() if path.name in CONFIGS):
            (sources / "pytest.ini").touch()  # or pytest goes on looking above, and finds ours
        if (HERE / "lacking" / name).exists():
            shutil.copytree(HERE / "lacking" / name, sources / self.peer.tests[0], dirs_exist_ok=True)
        return sources


def differences(without: Outcomes, attached: Outcomes) -> list[str]:
    """The tests that have ended differently, or in one of the runs not at all."""
    return sorted(test for test in without.keys() | attached.keys() if without.get(test) != attached.get(test))


def main() -> int:
    """Run the tests of one queue, and say in a few lines what was different."""
    parser = argparse.ArgumentParser(prog="peers", description=__doc__)
    parser.add_argument("name", help="the module of this folder")
    parser.add_argument("--folder", type=Path, required=True, help="an empty folder to work in")
    given, tests = parser.parse_known_args()
    # As a part of this package: by its bare name the queue itself would be found.
    peer: Peer = importlib.import_module(f".{given.name}", __package__).PEER
    given.folder.mkdir(parents=True, exist_ok=True)
    suite = Suite(given.name, peer, given.folder.resolve())
    began = time.monotonic()
    with ExitStack() as stack:
        if peer.needs_redis:
            server = Server("redis", given.folder.resolve() / "redis", databases=20)
            stack.callback(server.close)
            suite.use_redis(server.port)
        found = compare(suite, *(tests or peer.tests))
    return tell(suite, *found, time.monotonic() - began)


def compare(suite: Suite, *tests: str) -> tuple[Outcomes, Outcomes, list[str]]:
    """How the tests ended without jobreporter and with it, and those that ended differently each time."""
    without = suite.run("without", *tests)
    attached = suite.run("with", *tests)
    different = differences(without, attached)
    for _ in range(REPEATS if different else 0):
        again = {test.partition("[")[0] for test in different}
        once = suite.run("without", *sorted(again)), suite.run("with", *sorted(again))
        different = [test for test in different if once[0].get(test) != once[1].get(test)]
    return without, attached, different


def tell(suite: Suite, without: Outcomes, attached: Outcomes, different: list[str], seconds: float) -> int:
    """Print what was found. Returns the exit status."""
    for how, outcomes in (("without jobreporter", without), ("with it", attached)):
        counts = Counter(outcomes.values())
        say(f"{suite.release}, {how}: " + ", ".join(f"{counts[each]} {each}" for each in sorted(counts)))
    reported = suite.reported()
    say(f"lacking: {suite.peer.lacking}")
    say(f"{reported} events were reported; {seconds:.0f} s")
    unexplained = 0
    for test in different:
        reason = next((why for glob, why in suite.peer.differences.items() if fnmatchcase(test, glob)), None)
        unexplained += reason is None
        say(f"  {test}: {without.get(test)} without, {attached.get(test)} with: {reason or 'NOBODY KNOWS WHY'}")
    say(f"{len(different)} differences, {unexplained} without a reason")
    return 1 if unexplained or not reported else 0


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(f"peers: {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""Records the golden corpus anew: `python -m tests.sources.record_corpus` has real workers go through all cases.

It writes the folder of this version in core/src/jobreporter/testing/recordings, for `jobreporter replay` and for tests.
The folders of releases stay as they are. Redis has to be installed.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from pathlib import Path

# The workers import the modules beside this file by their bare names, and so does this one.
sys.path.insert(0, str(Path(__file__).parent))

import suites
from suites import Suite
from tests.redis_servers import Server
from workers import HERE, Bench

from jobreporter import __version__
from jobreporter.recording import read_recording
from jobreporter.testing import WorkerBench
from jobreporter.testing._source._meanings import CASES, UNDISTURBED

RECORDINGS = HERE.parents[1] / "core/src/jobreporter/testing/recordings"

#: What writes the corpus, beside the recorder that the cases look at.
RECORD = """
[context]
service = "shop"
environment = "production"
release = "2026.11"

[reporters.record]
path = "{path}"
"""

#: The kind of worker of each queue that has the most to tell.
RECORDED: tuple[type[Suite], ...] = (suites.CeleryPrefork, suites.DramatiqThreads, suites.HueyProcess, suites.RqFork)

#: Commands, each with what is to become of it.
COMMANDS = (
    ["true"],
    ["sh", "-c", "echo 'no space left on device' >&2; exit 3"],
    ["sh", "-c", "kill -9 $$"],
    ["pg_restore", "--password", "canary", "shop.sql"],
)


def record(suite: type[Suite], new_queue: Callable[[], str], file: Path) -> None:
    """Has a worker go through all cases that it can show."""

    class Recorded(suite):  # type: ignore[valid-type, misc]  # a class that is given
        def open(self, config: str) -> WorkerBench:
            folder = Path(tempfile.mkdtemp(dir=file.parent))
            queue = new_queue() if self.source.broker == "redis" else str(folder / "queue.db")
            return Bench(self.source, self.kind, folder, queue, config + RECORD.replace("{path}", str(file)))

    undisturbed = {case.name for case in UNDISTURBED}
    cases = ["the_job_finds_its_execution", *(name for name in CASES if name not in undisturbed)]
    for case in cases:
        run = getattr(Recorded, f"test_{case}")
        if run is not None:
            one = Recorded()
            one.setup_method()
            try:
                run(one)
            finally:
                one.teardown_method()


def record_commands(file: Path) -> None:
    """Runs some commands as jobs, at a timeout as well."""
    config = file.with_name("commands.toml")
    config.write_text(RECORD.replace("{path}", str(file)))
    command = [str(Path(sys.executable).with_name("jobreporter")), "--config", str(config), "exec"]
    for words in COMMANDS:
        subprocess.run([*command, "--", *words], check=False, capture_output=True)
    subprocess.run([*command, "--timeout", "0.2", "--", "sleep", "10"], check=False, capture_output=True)


def without_this_machine(text: str, folder: Path) -> str:
    """The text with the places of a shop's server in place of this machine's."""
    paths = sysconfig.get_paths()
    for here, there in (
        (str(folder), "/srv/shop/run"),
        (str(HERE.parents[1] / "core/src"), "/srv/shop/venv/lib/python3/site-packages"),
        (str(HERE), "/srv/shop"),
        (paths["purelib"], "/srv/shop/venv/lib/python3/site-packages"),
        (paths["stdlib"], "/usr/lib/python3"),
        (str(Path(sys.executable).parent), "/srv/shop/venv/bin"),
        (socket.gethostname(), "worker-1"),
    ):
        text = text.replace(here, there)
    return text


def main() -> None:
    target = RECORDINGS / __version__
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = Server("redis", folder / "redis", databases=10_000)
        try:
            for suite in RECORDED:
                record(suite, server.new_database, folder / f"{suite.source.name.removesuffix('_app')}.jsonl")
        finally:
            server.close()
        record_commands(folder / "command.jsonl")
        for file in sorted(folder.glob("*.jsonl")):
            written = target / file.name
            written.write_text(without_this_machine(file.read_text(), folder))
            print(f"{os.path.relpath(written)}: {len(list(read_recording(written)))} events")  # noqa: T201 - whoever records wants to know


if __name__ == "__main__":
    main()

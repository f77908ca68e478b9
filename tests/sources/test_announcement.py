"""What a real worker's log says when it starts: once, that it reports, and to whom."""

from __future__ import annotations

import pytest
from conftest import MakeBench
from every_source import SOURCES
from workers import Bench, Source, wait_for

from jobreporter import __version__

# Besides the records of jobs: a module beside the config that writes down what jobreporter logs, with the process and the
# thread; and one whose secret nobody has set.
CONFIG = """
[reporters.recorder]
use = "jobreporter.testing:FileRecorder"
path = "{path}"

[reporters.unset]
use = "listening:Unset"
token = {{ env = "NOWHERE_SET" }}

[reporters.quiet]
use = "nowhere:at_all"
enabled = false
"""

LISTENING = """
import logging, os
from jobreporter import Options, Secret, hookimpl

class Listener(logging.Handler):
    def emit(self, record):
        with open(os.path.join(os.path.dirname(__file__), "said"), "a") as file:
            file.write(f"{os.getpid()} {record.levelname} {record.getMessage()}\\n")

logger = logging.getLogger("jobreporter")
logger.addHandler(Listener())
logger.setLevel(logging.INFO)

class O(Options):
    token: Secret

class Unset:
    @hookimpl
    def reporter_start(self, options: O): ...
"""

KINDS = [
    pytest.param(source, kind, id=f"{source.name.removesuffix('_app')}-{kind}")
    for source in SOURCES
    for kind in source.kinds
    if kind not in ("gevent", "eventlet", "greenlet")  # they start as threads do
]


def said(bench: Bench) -> list[tuple[str, str, str]]:
    """The process, level and text of each line."""
    path = bench.folder / "said"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(pid, level, text) for pid, level, text in (line.split(" ", 2) for line in lines)]


@pytest.mark.parametrize(("source", "kind"), KINDS)
def test_a_worker_says_once_that_it_reports(make_bench: MakeBench, source: Source, kind: str) -> None:
    """One line, and one for a reporter that can't start here, however many processes it forks and jobs it runs."""
    bench = make_bench(source, kind, CONFIG)
    (bench.folder / "listening.py").write_text(LISTENING)
    bench.send("success")
    bench.start()
    bench.wait_for_stops({"success": 1})
    # The reporters run: whoever would tell again of the broken one has had its turn.
    wait_for(lambda: any(level == "ERROR" for _, level, _ in said(bench)), "it was told")
    bench.stop()

    name = source.name.removesuffix("_app")
    config = bench.folder / "jobreporter.toml"
    pids = {pid for pid, level, text in said(bench) if level == "INFO" and text.startswith("jobreporter ")}
    (on,) = [text for _, level, text in said(bench) if level == "INFO" and text.startswith("jobreporter ")]
    assert on == (
        f"jobreporter {__version__} reports {name} jobs to recorder, unset; config {config}; off: quiet (config)"
    )
    if source.name in ("celery_app", "dramatiq_app"):  # the other two show only what is theirs, unless the program asks
        assert on in bench.what_the_worker_said()
    # The process that has said so may remind of it half a minute later.
    errors = [(pid, text) for pid, level, text in said(bench) if level == "ERROR"]
    broken, *reminders = errors
    assert {(pid, text.partition(" (")[0]) for pid, text in reminders} <= {broken}
    assert all(" more since the last such line)" in text for _, text in reminders)
    assert broken[0] in pids
    assert broken[1] == (
        f"reporter 'unset' is broken: {config}:8, [reporters.unset]: option 'token': the environment variable "
        "NOWHERE_SET is not set; it is tried again with backoff"
    )

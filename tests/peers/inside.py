"""Run by `run` in the folder of a job queue's sdist: its tests, and a line of JSON for how each of them ended.

``python -P inside.py PEER with|without OUTCOMES PYTEST_ARGUMENTS...``
"""

from __future__ import annotations

import importlib.util
import json
import multiprocessing
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
#: This folder's name here: the queue's own tests may be called ``tests`` as well.
ALIAS = "jobreporter_peers"


class Outcomes:
    """Writes down how each test has ended. Of its parts, such as setup and call, the worst counts: it comes last."""

    RANK = ("passed", "skipped", "failed")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._worst: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Part of a test is over."""
        self._note(report.nodeid, report.outcome)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file or class was looked into, which may fail."""
        if report.outcome != "passed":
            self._note(report.nodeid, report.outcome)

    def _note(self, test: str, outcome: str) -> None:
        before = self._worst.get(test)
        if before is None or self.RANK.index(outcome) > self.RANK.index(before):
            self._worst[test] = outcome
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([test, outcome]) + "\n")


def main(peer: str, how: str, outcomes: str, *arguments: str) -> int:
    """Run pytest, with the peer attached everywhere or not."""
    # The sdist's own modules, as pytest would find them: what is attached has to be what is tested.
    sys.path.insert(0, str(Path.cwd()))
    if how == "with":
        spec = importlib.util.spec_from_file_location(
            ALIAS, HERE / "__init__.py", submodule_search_locations=[str(HERE)]
        )
        assert spec is not None
        sys.modules[ALIAS] = importlib.util.module_from_spec(spec)
        importlib.import_module(f"{ALIAS}.{peer}").PEER.attach_everywhere()
    status = pytest.main(list(arguments), plugins=[Outcomes(Path(outcomes))])
    for left in multiprocessing.active_children():  # by a test that failed half-way; they would be waited for
        left.kill()
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""The pytest plugin: its fixtures in a project of their own, as an author uses them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

TESTS = """
from urllib.request import urlopen

import pytest
from jobreporter import TryAgain, hookimpl
from jobreporter.testing import Answer, make_event


class Crashes:
    @hookimpl
    def handle_failure(self):
        raise LookupError("as told")


def test_what_is_lost_fails_the_test(dispatcher):
    dispatcher({"crashes": Crashes}).publish(make_event("failure"))


def test_what_may_be_lost_does_not(dispatcher):
    dispatcher({"crashes": Crashes}, may_lose=True).publish(make_event("failure"))


def test_what_arrives_is_kept(dispatcher, recorder, every_event):
    reporting = dispatcher({"recorder": recorder})
    for event in every_event:
        reporting.publish(event)
    assert reporting.flush(20)
    assert recorder.events == every_event


def test_time_is_stepped(dispatcher, clock):
    tries, beats = [], []

    class Heart:
        @hookimpl
        def handle_failure(self): ...

        @hookimpl
        def reporter_tick(self):
            beats.append(clock.monotonic())

    class Patient:
        @hookimpl
        def handle_failure(self):
            tries.append(clock.monotonic())
            if len(tries) < 3:
                raise TryAgain(after=1000)

    config = {"reporters": {"heart": {"lane": {"tick_interval": 5}}}}
    reporting = dispatcher({"patient": Patient, "heart": Heart}, config)
    begun = clock.monotonic()
    reporting.publish(make_event("failure"))
    clock.advance(20)
    assert [beat - begun for beat in beats] == [5, 10, 15, 20]
    assert len(tries) == 1
    assert reporting.flush(1e6)
    assert len(tries) == 3 and tries[2] - tries[0] >= 2000


def test_a_vendor_is_stood_in_for(stand_in):
    stand_in.next(Answer(202, b"later"))
    assert urlopen(stand_in.url + "/a").read() == b"later"
    assert [(each.method, each.path, each.taken) for each in stand_in.requests] == [("GET", "/a", True)]


def test_the_command_runs(cli):
    cli.config("[reporters.log]")
    done = cli.run("check")
    assert (done.returncode, done.stdout.splitlines()[0][:3]) == (0, "ok:")
"""

OWN = """
import pytest

@pytest.fixture
def recorder():
    return "our own"

def test_a_fixture_of_the_projects_own_counts(recorder):
    assert recorder == "our own"
"""

UNITTEST = """
from unittest import IsolatedAsyncioTestCase, TestCase

import pytest
from jobreporter import hookimpl
from jobreporter.testing import make_event


class Crashes:
    @hookimpl
    def handle_failure(self):
        raise LookupError("as told")


class Reporting:
    @pytest.fixture(autouse=True)
    def _reporting(self, dispatcher):
        self.reporting = dispatcher({"crashes": Crashes})


class TestPlain(Reporting, TestCase):
    def test_lost(self):
        self.reporting.publish(make_event("failure"))

    def test_nothing_lost(self):
        self.reporting.publish(make_event("success"))

    def test_its_own_fault_comes_first(self):
        self.reporting.publish(make_event("failure"))
        self.fail("its own fault")


class TestAsync(Reporting, IsolatedAsyncioTestCase):
    async def test_lost(self):
        self.reporting.publish(make_event("failure"))
"""


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a project."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-rfE", *words],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_fixtures_do_what_they_are_for(tmp_path: Path) -> None:
    """All pass, but for the test whose reporter lost something, which fails and says what and why."""
    (tmp_path / "test_plugin.py").write_text(TESTS)
    (tmp_path / "test_own.py").write_text(OWN)
    done = run(tmp_path)
    assert "1 failed, 6 passed" in done.stdout, done.stdout + done.stderr
    assert "FAILED test_plugin.py::test_what_is_lost_fails_the_test" in done.stdout
    assert "reporter 'crashes', of 1 events: 1 failed, 1 crashes and hangs" in done.stdout


def test_classes_of_unittest_are_held_to_the_same(tmp_path: Path) -> None:
    """What they lose fails them, with what the reporter logged; but what they say themselves counts first."""
    (tmp_path / "test_unittest.py").write_text(UNITTEST)
    done = run(tmp_path)
    assert "3 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    reports = {report.split()[0]: report for report in re.split(r"^_+ (?=Test)", done.stdout, flags=re.MULTILINE)[1:]}
    own = reports.pop("TestPlain.test_its_own_fault_comes_first")
    assert "AssertionError: its own fault" in own
    assert "1 failed" not in own.partition("Captured log call")[0]
    for report in reports.values():
        assert "reporter 'crashes', of 1 events: 1 failed, 1 crashes and hangs" in report
        assert "LookupError: as told" in report.partition("Captured log call")[2]


def test_nothing_is_imported_for_tests_that_ask_for_nothing(tmp_path: Path) -> None:
    """A project that only has jobreporter installed pays for no import of it."""
    (tmp_path / "test_other.py").write_text(
        textwrap.dedent("""
            import sys

            def test_it():
                assert "pytest_jobreporter" in sys.modules
                assert "jobreporter" not in sys.modules
        """)
    )
    done = run(tmp_path)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_no_worker_imports_pytest() -> None:
    """Neither does the kit itself, whose recorder a worker may have."""
    program = "import sys, jobreporter.testing; sys.exit('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0

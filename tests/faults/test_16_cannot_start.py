"""Row 16: a reporter can't be imported, or raises in ``reporter_start``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from jobreporter import Dispatcher, LaneStats
from jobreporter.testing import make_event, make_job
from tests.waiting import until

from .programs import delivered

CONFIG = """
[reporters.sick]
use = "sick_reporter:Reporter"

[reporters.recorder]
use = "jobreporter.testing:FileRecorder"
path = "calls"
"""

HEALTHY = """
from jobreporter import hookimpl

class Reporter:
    @hookimpl
    def handle_started(self):
        pass
"""

#: What is wrong with it, and a word of the reason that is shown.
SICK = {
    "no module": (None, "sick_reporter"),
    "import raises": ("raise OSError('no library')", "no library"),
    "import exits": ("raise SystemExit(3)", "SystemExit"),
    "no such name": ("reporter = None", "Reporter"),
    "an old signature": (HEALTHY.replace("(self)", "(self, task)"), "task"),
    "start raises": (HEALTHY + "\n    @hookimpl\n    def reporter_start(self): raise OSError('no route')", "no route"),
    "start exits": (HEALTHY + "\n    @hookimpl\n    def reporter_start(self): raise SystemExit(3)", "SystemExit"),
}


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an application, where its own reporter is imported from."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "sick_reporter", raising=False)
    (tmp_path / "jobreporter.toml").write_text(CONFIG)
    return tmp_path


@pytest.mark.parametrize(("source", "word"), SICK.values(), ids=SICK)
def test_it_is_broken_alone(app: Path, source: str | None, word: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is shown as broken, with the reason, logged in one line and tried again; its sibling gets every event."""
    if source is not None:
        (app / "sick_reporter.py").write_text(source)
    with Dispatcher.from_config() as dispatcher:

        def sick() -> LaneStats:
            return dispatcher.stats()["sick"]

        dispatcher.publish(make_event("started", job=make_job(id="0")))
        until(lambda: sick().status == "broken")
        dispatcher.publish(make_event("started", job=make_job(id="1")))
        until(lambda: dispatcher.stats()["recorder"].handled == 2)
        assert word in str(sick().reason)
        assert (sick().pending, sick().failed, sick().dropped) == (2, 0, {})
        tries = dispatcher._runtime.lanes[0].breaker.retry_at
        until(lambda: dispatcher._runtime.lanes[0].breaker.retry_at != tries, "another try")
        assert len([message for message in caplog.messages if "'sick' is broken" in message]) == 1
    assert delivered(app / "calls") == ["0", "1"]
    assert sick().dropped == {"closed": 2}


def test_it_works_once_it_can(app: Path) -> None:
    """When the trouble is gone, the next try finds that, and what waited is handed out."""
    (app / "trouble").touch()
    (app / "sick_reporter.py").write_text(
        HEALTHY
        + "\n    @hookimpl\n    def reporter_start(self):\n        assert not __import__('os').path.exists('trouble')"
    )
    with Dispatcher.from_config() as dispatcher:
        dispatcher.publish(make_event("started"))
        until(lambda: dispatcher.stats()["sick"].status == "broken")
        (app / "trouble").unlink()
        until(lambda: dispatcher.stats()["sick"].handled == 1)
        assert dispatcher.stats()["sick"].status == "running"

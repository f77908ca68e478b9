"""Which frames are the program's own code, as incident trackers and error trackers ask."""

from __future__ import annotations

import json
import sysconfig

import pytest

from jobreporter import Dispatcher, Failure
from jobreporter._capture.own_code import is_own
from jobreporter.testing import Recorder

STANDARD = sysconfig.get_paths()["stdlib"]
SITE = sysconfig.get_paths()["purelib"]


@pytest.mark.parametrize(
    ("module", "filename", "job", "own"),
    [
        ("shop.jobs", "/srv/shop/jobs.py", "shop.jobs.charge", True),
        ("shop.jobs", f"{SITE}/shop/jobs.py", "shop.jobs.charge", True),
        ("billing.api", "/srv/billing/api.py", "shop.jobs.charge", True),
        ("requests.api", f"{SITE}/requests/api.py", "shop.jobs.charge", False),
        ("requests.api", "/usr/lib/python3/dist-packages/requests/api.py", "shop.jobs.charge", False),
        ("celery.app.trace", "/srv/vendored/celery/app/trace.py", "shop.jobs.charge", False),
        ("celery.app.trace", f"{SITE}/celery/app/trace.py", "celery.backend_cleanup", False),
        ("json.decoder", f"{STANDARD}/json/decoder.py", "shop.jobs.charge", False),
        ("json.decoder", f"{STANDARD}/json/decoder.py", "json.tool", False),
        ("queue", "/srv/queue.py", "shop.jobs.charge", True),
        ("importlib._bootstrap", "<frozen importlib._bootstrap>", "shop.jobs.charge", False),
        ("__main__", "/srv/run.py", "nightly", True),
        (None, "/srv/run.py", "nightly", True),
        (None, f"{SITE}/thing.py", "nightly", False),
        (None, f"{STANDARD}/thing.py", "nightly", False),
        ("jobreporter._cli", f"{SITE}/jobreporter/_cli/__init__.py", "backup", False),
    ],
)
def test_a_frame_is_own_or_not(module: str | None, filename: str, job: str, own: bool) -> None:
    """The job's own package counts wherever it is installed; queues, libraries and Python itself don't."""
    assert is_own(module, filename, job) is own


def failing() -> None:
    try:
        json.loads("{")
    except ValueError as error:
        raise RuntimeError from error


def test_the_frames_of_a_failure_say_so() -> None:
    """Also those of its cause."""
    recorder = Recorder()
    with Dispatcher({"recorder": recorder}) as dispatcher:
        run = dispatcher.reported(failing, name="tests.job")
        with pytest.raises(RuntimeError):
            run()
    [failure] = [event for event in recorder.events if isinstance(event, Failure)]
    cause = failure.error.cause
    assert cause is not None
    assert [frame.in_app for frame in failure.error.frames][-1] is True
    assert [frame.in_app for frame in cause.frames] == [True, False, False, False]

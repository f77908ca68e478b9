"""What the program's client has captured outside of any execution, and which failure that was."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from sentry_sdk.utils import event_from_exception

from jobreporter import Dispatcher, ErrorInfo, Failure
from jobreporter.testing import Recorder
from jobreporter_sentry import _captured


class ApiError(Exception):
    """Says one thing as its text, and another in the attribute that the SDK asks."""

    def __init__(self, message: str) -> None:
        super().__init__(f"503: {message}")
        self.message = message


def fail(error: BaseException) -> None:
    """The one place where all of them are raised."""
    raise error


@pytest.fixture(autouse=True)
def _nothing_was_captured() -> Iterator[None]:
    yield
    _captured._outside.clear()


def raised(error: BaseException, *, captured: bool = True, **arguments: Any) -> ErrorInfo:
    """A job raises it, and what runs the job has the SDK capture it. Returns what the failure says."""
    recorder = Recorder()
    with Dispatcher({"recorder": recorder}) as dispatcher:
        try:
            with dispatcher.begin("a", kwargs=arguments):
                fail(error)
        except BaseException:
            if captured:
                event, hint = event_from_exception(sys.exc_info())  # type: ignore[arg-type]
                _captured._note(event, hint)
        assert dispatcher.flush(20)
    [failure] = [event for event in recorder.events if isinstance(event, Failure)]
    return failure.error


def is_taken(error: ErrorInfo) -> bool:
    return _captured.take("an execution", error, outside=True)


def test_one_that_another_job_raised_at_the_same_place_is_not_taken_for_it() -> None:
    """Two jobs share a client that raises; only one of them was captured."""
    silent = raised(ValueError("job 7"), captured=False)
    told = raised(ValueError("job 8"))
    assert not is_taken(silent)
    assert is_taken(told)
    assert not is_taken(told)


@pytest.mark.parametrize(
    ("error", "arguments"),
    [
        (ValueError("no funds"), {}),
        (KeyError("visa"), {}),
        (ValueError(), {}),
        (ValueError("x" * 100_000), {}),
        (ValueError("wrong pin hunter22, twice"), {"password": "hunter22"}),
        (ApiError("away"), {}),
        (ExceptionGroup("several", [ValueError("one")]), {}),
    ],
    ids=["plain", "quoted", "empty", "long", "redacted", "in an attribute", "a group"],
)
def test_the_same_one_is_known_however_it_is_written(error: BaseException, arguments: dict[str, Any]) -> None:
    """Core redacts and cuts texts, and the SDK asks for them in its own way."""
    assert is_taken(raised(error, **arguments))

"""What a reporter gets to see of one job, from a real dispatcher."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from jobreporter import Aborted, Dispatcher, Event, Failure, Success
from jobreporter.testing import Recorder

# Seconds that a reporter may take.
_PATIENCE = 30.0


class Report:
    """The events of one job."""

    def __init__(self, events: list[Event]) -> None:
        self.events = events

    @property
    def outcome(self) -> Any:
        (found,) = [event for event in self.events if isinstance(event, Success | Aborted | Failure)]
        return found

    @property
    def message(self) -> str:
        return str(self.outcome.error.message)

    def shows(self, text: str) -> bool:
        """Whether a text, or the number that it is, stands anywhere in the events."""
        return any(text in leaf for leaf in leaves(msgspec.to_builtins(self.events)))


def leaves(value: Any) -> list[str]:
    """Every text and number within plain data, as text."""
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in (*leaves(key), *leaves(item))]
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in leaves(item)]
    return [] if value is None else [str(value)]


def report(
    *args: Any,
    function: Callable[..., Any] | None = None,
    names: tuple[str, ...] = (),
    name: str = "job",
    capture: Mapping[str, Any] | None = None,
    error: BaseException | str | None = None,
    act: Callable[[], object] | None = None,
    abort: str | None = None,
    tags: Mapping[str, Any] | None = None,
    fields: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> Report:
    """Report one job with these arguments.

    error: what it fails with. act: what it does, which may raise. abort: the reason why it is given up. capture: the
    config's ``[capture]``. fields: further fields of the job.
    """
    recorder = Recorder()
    with Dispatcher({"recorder": recorder}, config={"capture": dict(capture or {})}) as dispatcher:
        execution = dispatcher.begin(
            name, function=function, args=args, kwargs=kwargs, argument_names=names, **(fields or {})
        )
        execution.tag(**(tags or {}))
        try:
            if act is not None:
                act()
        except Exception as raised:
            error = raised
        if error is not None:
            execution.fail(RuntimeError(error) if isinstance(error, str) else error)
        elif abort is not None:
            execution.abort(abort)
        else:
            execution.succeed()
        execution.stop()
        assert dispatcher.flush(_PATIENCE)
    return Report(recorder.events)

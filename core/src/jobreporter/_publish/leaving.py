"""What leaves a job and is no error: a successful exit, a cancellation."""

from __future__ import annotations

import sys

_CANCELLATIONS = (
    ("asyncio.exceptions", "CancelledError"),
    ("concurrent.futures", "CancelledError"),
    ("greenlet", "GreenletExit"),
)

_code = SystemExit.__dict__["code"].__get__


def means_success(error: object) -> bool:
    """Whether a ``SystemExit`` says that all went well. Its code may be anything, and is not asked whether it is 0."""
    code = _code(error)
    return code is None or (issubclass(type(code), int) and int.__index__(code) == 0)


def is_cancellation(kind: type) -> bool:
    """Whether exceptions of this class say that a task, a future or a greenlet was cancelled."""
    # Whoever raises one of these has imported its module; for the others that would take longer than all of jobreporter.
    return any(issubclass(kind, getattr(sys.modules.get(module), name, ())) for module, name in _CANCELLATIONS)

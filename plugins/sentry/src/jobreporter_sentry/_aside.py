"""Calls that may never come back, on a thread of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Aside:
    """One call at a time: while it is out, no other is made."""

    def __init__(self) -> None:
        self._call: _Call | None = None

    @property
    def is_out(self) -> bool:
        """Whether a call has not come back."""
        return self._call is not None and not self._call.over.is_set()

    def make(self, function: Callable[[], None]) -> None:
        """Makes a call, unless one is out."""
        if not self.is_out:
            self._call = _Call(function)

    def wait(self, timeout: float) -> bool:
        """Whether the call comes back within these seconds. Raises what it has raised."""
        call = self._call
        if call is None:
            return True
        if not call.over.wait(timeout):
            return False
        self._call = None
        if call.error is not None:
            raise call.error
        return True


class _Call:
    def __init__(self, function: Callable[[], None]) -> None:
        self.over = threading.Event()
        self.error: BaseException | None = None
        self._function = function
        threading.Thread(target=self._run, name="jobreporter-sentry-flush", daemon=True).start()

    def _run(self) -> None:
        try:
            self._function()
        except BaseException as error:
            self.error = error
        finally:
            self.over.set()

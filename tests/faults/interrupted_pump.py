"""A dispatcher whose pump is interrupted at a chosen instruction."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jobreporter._system import threads

from .interrupting import Place, watch


class Interruption(BaseException):
    """Nothing that anybody expects."""


class Interrupter:
    """Watches the first pump that starts after each `arm`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._armed = False
        self._start = threads.start
        #: Every instruction that a pump has come to, and where it is to be interrupted.
        self.places: dict[Place, None] = {}
        self._place: Place | None = None
        self._error: BaseException = Interruption()
        self.acted = False
        monkeypatch.setattr(threads, "start", self._start_watched)

    def arm(self, place: Place | None, error: BaseException) -> None:
        """The next pump is interrupted the first time that it comes there, by this; ``None``: it is only watched."""
        self._armed, self.acted, self._place, self._error = True, False, place, error

    def _start_watched(self, run: Callable[[], object], name: str, failed: Callable[[BaseException], object]) -> None:
        if name == "pump" and self._armed:
            self._armed = False
            self._start(lambda: self._run(run), name, failed)
        else:
            self._start(run, name, failed)

    def _run(self, run: Callable[[], object]) -> None:
        try:
            watch(run, self._seen)
        except type(self._error):
            pass  # it came out of the thread, which would say so on stderr

    def _seen(self, place: Place) -> None:
        self.places[place] = None
        if place == self._place and not self.acted:
            self.acted = True
            raise self._error

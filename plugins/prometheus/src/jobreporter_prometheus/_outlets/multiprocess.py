"""The mode ``multiprocess``: the processes that share a directory serve one page together.

One of them serves it. When that one ends, another takes its place at its next tick, also where no job comes.
"""

from __future__ import annotations

from contextlib import suppress

from jobreporter import BrokenReporter
from jobreporter_prometheus._clock import Clock
from jobreporter_prometheus._directory.member import Member
from jobreporter_prometheus._directory.turn import PortTaken, Turn
from jobreporter_prometheus._figures.page import Page
from jobreporter_prometheus._options import PrometheusOptions


class Multiprocess:
    """Shares what this process counts, and serves the page if nobody else does."""

    def __init__(self, options: PrometheusOptions, member: Member, clock: Clock) -> None:
        self._member = member
        self.turn = Turn(options.access, options.port, Page(member.read, clock), member.directory, clock)
        try:
            self.turn.take()
        except PortTaken as error:
            raise BrokenReporter(f"{error}: set another port") from error

    def flush(self) -> None:
        """Write what was counted into the directory, from where it is fetched.

        Where events come, it shows sooner than at the next tick that nobody serves any more. The tick tells what is wrong.
        """
        self._member.write()
        with suppress(OSError):
            self.turn.take()

    def tick(self) -> None:
        """Write what has changed without an event, and serve if nobody else does."""
        self._member.write()
        self.turn.take()

    def stop(self) -> None:
        """Free the port for another process, and leave what was counted behind."""
        try:
            self.turn.give_up()
        finally:
            self._member.leave()

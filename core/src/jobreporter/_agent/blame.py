"""Is an event at fault, or is the reporter's vendor down? What to hand out next, to find out.

In an outage every event fails, so an event that fails is not given up for that. It is tried alone; when it has failed
three times, a **probe** is handed out: events of other jobs, up to and including one of its kind. If the probe fails too,
nobody is to blame, and everything is tried again later, for as long as the stream keeps it. If the probe goes well and the
event fails once more, the event is a dead letter. Without other events there is no probe: the event is tried again, and
waits longer each time, as after any crash.

A probe may meet a second event that is at fault, so each further probe is of jobs that have been in none that failed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Literal

from jobreporter._agent.window import Handed, Suspect, Window
from jobreporter._lane.buffer import PIECE

#: How often an event must fail alone before a probe is asked.
STRIKES = 3

Phase = Literal["alone", "probe", "last chance"]


class Blame:
    """Of one reporter. All of it is called under the lock of the buffer.

    died: told of an event that is at fault, with what its handler or its flush raised.
    """

    def __init__(self, died: Callable[[Suspect, str], None]) -> None:
        self._died = died
        #: Events to hand out before the next flush; ``None``: as many as there are.
        self.limit: int | None = None
        self.suspect: Suspect | None = None
        self._phase: Phase = "alone"
        self._strikes = 0
        # The jobs of probes that failed.
        self._useless: set[str] = set()
        self._probe: list[Handed] = []

    def next(self, windows: Sequence[Window]) -> list[Handed]:
        """What to hand out now; nothing where there is nothing, or no probe to be had."""
        if self.suspect is not None:
            return self._next_in_trial(windows)
        for window in windows:
            handed = window.next(self.limit or PIECE)
            if handed is not None:
                return [handed]
        return []

    def _next_in_trial(self, windows: Sequence[Window]) -> list[Handed]:
        suspect = self.suspect
        assert suspect is not None  # noqa: S101 - who calls has looked
        if self._phase == "probe":
            # One by one: each may come from another process.
            self._probe = self._probe or self._new_probe(suspect, windows)
            if self._probe:
                return self._probe[:1]
        # Those before it, if there are some, come first.
        suspect.window.rewind()
        handed = suspect.window.next(1)
        return [] if handed is None else [handed]

    def _new_probe(self, suspect: Suspect, windows: Sequence[Window]) -> list[Handed]:
        """Events of other jobs, up to and including one of the suspect's kind. None if there is no such one."""
        probe = []
        for handed in chain.from_iterable(window.others_than(suspect) for window in windows if not window.draining):
            (event,) = handed.events
            if event.job.id in self._useless:
                continue
            probe.append(handed)
            if type(event) is type(suspect.event):
                return probe
        self._useless.clear()  # all there are have failed: it is an outage, and the next round begins anew
        return []

    def went_well(self) -> None:
        """What was handed out was handled, and the flush after it went well."""
        suspect = self.suspect
        if suspect is None:
            if self.limit is not None:
                self.limit = None if self.limit * 2 > PIECE else self.limit * 2
        elif suspect.window.void or suspect.window.is_past(suspect.offset):
            self._acquit()
        elif self._phase == "probe":
            remaining = [each for each in self._probe if not each.window.is_past(_offset(each))]
            if self._probe and not remaining:
                self._phase = "last chance"
            self._probe = remaining

    def failed(self, suspects: Sequence[Suspect], why: str, *, certain: bool, alone: bool) -> None:
        """These were not flushed, and one of them may be the reason.

        certain: there is but one, at which the reporter failed; otherwise a flush failed, with all of them. alone: nothing
        else was at stake.
        """
        if not suspects:
            return
        (first, *others) = suspects
        if self.suspect is not None and (self._phase == "probe" or _same(first, self.suspect)):
            self._failed_in_trial(why)
        elif certain or not others:
            self._acquit()
            self.suspect = first
            self._strikes = int(alone)
            self.limit = 1
        else:
            self._acquit()
            self.limit = max(1, len(suspects) // 2)

    def _failed_in_trial(self, why: str) -> None:
        suspect = self.suspect
        assert suspect is not None  # noqa: S101 - who calls has looked
        if self._phase == "probe" and not self._probe:
            return  # there was none to be had, and it failed alone again
        if self._phase == "probe":
            self._useless |= {event.job.id for handed in self._probe for event in handed.events}
            self._phase, self._probe = "alone", []
            self._strikes = STRIKES - 1
        elif self._phase == "last chance":
            self._died(suspect, why)
            self._acquit()
        else:
            self._strikes += 1
            if self._strikes >= STRIKES:
                self._phase, self._probe = "probe", []

    def _acquit(self) -> None:
        self.suspect, self._phase, self._probe = None, "alone", []
        self._strikes = 0
        self._useless.clear()

    def forget(self, window: Window) -> None:
        """A window is void: what was found out about its events counts no more."""
        if self.suspect is not None and self.suspect.window is window:
            self._acquit()
        if any(handed.window is window for handed in self._probe):
            self._phase, self._probe = "alone", []


def _same(one: Suspect, other: Suspect) -> bool:
    return one.window is other.window and one.offset == other.offset


def _offset(handed: Handed) -> int:
    return handed.chunk.offsets[handed.start]

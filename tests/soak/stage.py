"""One dispatcher of a round with its reporters, and what is asked of it while it runs."""

from __future__ import annotations

import os
import threading
import time
from functools import partial
from typing import Any

from jobreporter import ARGUMENTS, Dispatcher, LaneStats

from .log import Unreliable
from .notes import PerProcess, Sent
from .plan import Nature, Round, Scene
from .troubles import Trouble
from .witness import Witness

#: Seconds by which a deadline may be missed on a machine that has other things to do: not by more.
PATIENCE = 10.0

#: Reasons for which events are dropped that no other event suffers from.
HARMLESS = {"echo", "repeated"}


class Stage:
    """The dispatcher, the witnesses, and what was sent."""

    def __init__(
        self,
        plan: Round,
        scene: Scene,
        released: PerProcess[threading.Event],
        log: Unreliable,
    ) -> None:
        self.scene = scene
        #: A line that couldn't be logged may have cost an event.
        self.log = log
        self.sent = PerProcess(Sent)
        #: What must not happen, and did.
        self.complaints: PerProcess[list[str]] = PerProcess(list)
        self.witnesses = [self._witness(plan, nature, released) for nature in scene.natures]
        tables: dict[str, Any] = {each.name: {"lane": each.lane, "when": each.when} for each in scene.natures}
        plugins = {witness.nature.name: witness.plugin() for witness in self.witnesses}
        self.dispatcher = Dispatcher(plugins, config={"reporters": tables, "capture": {"locals": True}})

    def _witness(self, plan: Round, nature: Nature, released: PerProcess[threading.Event]) -> Witness:
        dice = plan.dice(nature.name)
        trouble = partial(
            Trouble,
            nature.troubles,
            nature.lane["timeout"],
            dice,
            released=released,
            sent=self.sent,
            dispatcher=lambda: self.dispatcher,
        )
        return Witness(nature, dice, lambda diary, lose: trouble(diary=diary, lose=lose))

    def look(self) -> dict[str, LaneStats]:
        """The ledger, which never has less than nothing pending."""
        ledger = self.dispatcher.stats()
        for name, stats in ledger.items():
            if stats.pending < 0:
                self.complaints().append(f"{name}: fewer than none pending: {stats}")
        return ledger

    def flush(self, timeout: float) -> bool:
        """Flush, within the deadline."""
        begin = time.monotonic()
        flushed = self.dispatcher.flush(timeout)
        self._check_deadline("flush", timeout, begin)
        return flushed

    def close(self, timeout: float) -> bool:
        """Close, within the deadline."""
        begin = time.monotonic()
        closed = self.dispatcher.close(timeout)
        self._check_deadline("close", timeout, begin)
        return closed

    def _check_deadline(self, what: str, timeout: float, begin: float) -> None:
        took = time.monotonic() - begin
        if took > timeout + PATIENCE:
            self.complaints().append(f"{what}({timeout}) took {took:.1f} s")

    def expect(self, publisher: str, published: int) -> None:
        """Where nothing was dropped or kept back, each reporter has seen what this publisher published."""
        ledger = self.look()
        for witness in self.witnesses:
            nature, stats = witness.nature, ledger[witness.nature.name]
            if nature.when or len(nature.hooks) < len(ARGUMENTS) or not HARMLESS.issuperset(stats.dropped):
                continue
            own = [each for each in witness.diary().handed_over if each.publisher == publisher]
            if len(own) + stats.abandoned < published:
                self.complaints().append(f"{nature.name}: flushed, but saw {len(own)} of {published}: {stats}")

    def tidy_up(self) -> None:
        """Take away what the reporters left lying about on purpose."""
        for witness in self.witnesses:
            for descriptor in witness.diary().leaked:
                os.close(descriptor)
            witness.diary().background.clear()

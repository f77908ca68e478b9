"""What a reporter does instead of its work."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from jobreporter import Dispatcher, Event, TryAgain, Undeliverable

from .litter import Litter
from .notes import Diary, PerProcess, Sent


class Hostile(Exception):  # noqa: N818 - nobody's error
    """An exception that can't be shown."""

    def __str__(self) -> str:
        raise SystemExit("no message")


ERRORS: tuple[Callable[[], BaseException], ...] = (
    lambda: ValueError("told to"),
    lambda: SystemExit(1),
    KeyboardInterrupt,
    GeneratorExit,
    RecursionError,
    MemoryError,
    StopIteration,
    asyncio.CancelledError,
    Hostile,
    lambda: BaseExceptionGroup("both", [SystemExit(), ValueError("\ud800\n")]),
)


class Trouble(NamedTuple):
    """One reporter's trouble. released: lets those that hang go on."""

    names: tuple[str, ...]
    timeout: float
    dice: random.Random
    diary: PerProcess[Diary]
    released: PerProcess[threading.Event]
    sent: PerProcess[Sent]
    dispatcher: Callable[[], Dispatcher]
    lose: Callable[[int], object]

    def make(self, event: Event | None) -> Any:
        """Make some now; what it returns is what the hook returns."""
        name = self.dice.choice(self.names)
        if name == "hang":
            self.released().wait()
        elif name == "linger":
            time.sleep(self._about_the_timeout())
        elif name == "slow":
            time.sleep(self.dice.uniform(0, 0.02))
        else:
            return self._at_once(name, event)
        return None

    async def make_async(self, event: Event | None) -> Any:
        """The same, for hooks that are awaited: some hold up their loop, and some ignore that they are cancelled."""
        name = self.dice.choice(self.names)
        if name == "hang" and self.dice.random() < 0.3:
            self.released().wait()
        elif name == "hang":
            await self._stubborn() if self.dice.random() < 0.3 else await asyncio.Event().wait()
        elif name == "linger":
            await asyncio.sleep(self._about_the_timeout())
        elif name == "slow":
            await asyncio.sleep(self.dice.uniform(0, 0.02))
        elif name == "background":
            self._background()
        else:
            return self._at_once(name, event)
        return None

    async def _stubborn(self) -> None:
        while not self.released().is_set():
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                pass

    def _background(self) -> None:
        """Leave something running that ends the loop, or goes on for ever."""

        async def collapse() -> None:
            await asyncio.sleep(self.dice.uniform(0, 0.05))
            self.diary().collapses.append(None)
            raise self.dice.choice([SystemExit, KeyboardInterrupt])

        work = collapse() if self.dice.random() < 0.3 else asyncio.sleep(3600)
        self.diary().background.append(asyncio.get_running_loop().create_task(work))

    def _at_once(self, name: str, event: Event | None) -> Any:
        if name == "raise":
            error = self.dice.choice(ERRORS)()
            raise error
        if name == "rubbish":
            return self.dice.choice([object(), 5, "state", [], self, NotImplemented, float("nan")])
        if name == "vandal" and event is not None:
            self._vandalise(event)
        elif name == "again":
            raise TryAgain(after=self.dice.choice([None, 0, 0.01, 0.05]))
        elif name == "undeliverable":
            raise Undeliverable("told to")
        elif name == "lose":
            self.diary().told_lost.append(3)
            self.lose(3)
        elif name == "echo":
            self._echo()
        elif name == "look":
            self.dispatcher().stats()
        elif name == "leak":
            self.diary().leaked.append(os.open(os.devnull, os.O_RDONLY))
            threading.Thread(target=self.released().wait, name="leaked", daemon=True).start()
        elif name == "litter":
            Litter.drop(self.dispatcher(), self.sent, "on-lane")
        return None

    def _echo(self) -> None:
        """Report on itself: none of it may come back, and waiting for itself may not hang it."""
        dispatcher = self.dispatcher()
        logging.getLogger("soak").warning("a reporter speaks")
        if dispatcher.flush(5) or dispatcher.close(5):
            self.diary().complaints.append("a reporter flushed or closed its own lane")
        self.sent().littered.append("echo")
        with dispatcher.begin("echo", id=f"{os.getpid()}/echo/0"):
            pass
        self.sent().littered += ["echo", "echo"]

    def _about_the_timeout(self) -> float:
        return self.timeout + self.dice.uniform(0, 1)  # a hang is noticed half a second after the timeout

    def _vandalise(self, event: Event) -> None:
        """Change what can't be changed, and what shouldn't be: the job's containers, which all reporters share."""
        for target, field in ((event, "at"), (event.job, "id"), (event.job, "kwargs")):
            try:
                setattr(target, field, None)
            except AttributeError:
                continue
            self.diary().complaints.append(f"{field} of an event was changed")
        event.job.kwargs["added"] = self.dice.choice([1, "text", object()])
        event.job.extra.clear()

"""The thread that asks the store, so that the screen never waits for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from jobreporter_history._top.subject import Subject
from jobreporter_history.store import Store, StoreError

#: Seconds between two looks at whether something was written.
LOOK = 1.0
#: Seconds after which it is asked again though nothing was: what ended long ago leaves the range.
_OLD = 10.0


class Question(NamedTuple):
    """What is asked. number: tells it from every other one."""

    number: int
    subject: Subject


class Answer(NamedTuple):
    """What the store says, or why it can't."""

    question: Question
    found: Any = None
    #: The store's time, and the monotonic clock's at that moment.
    at: float = 0.0
    read_at: float = 0.0
    trouble: str | None = None


class Asking:
    """Asks one question again and again, until there is another.

    tell: takes each answer; it is called on this thread. The thread is a daemon: a server that doesn't answer holds up
    nobody who wants to leave.
    """

    def __init__(self, store: Store, tell: Callable[[Answer], object]) -> None:
        self._store = store
        self._tell = tell
        self._question: Question | None = None
        self._numbers = 0
        self._changed = threading.Event()
        self._is_held = False
        self._is_ended = False
        self._thread = threading.Thread(target=self._run, name="jobreporter-top", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def want(self, subject: Subject) -> int:
        """Ask about this from now on, and at once. Returns the number of the question."""
        self._numbers += 1
        self._question = Question(self._numbers, subject)
        self._changed.set()
        return self._numbers

    def hold(self, is_held: bool) -> None:
        """Answer nothing a second time for a while, or go on."""
        self._is_held = is_held
        self._changed.set()

    def end(self) -> None:
        """End as soon as the store has answered."""
        self._is_ended = True
        self._changed.set()

    def _run(self) -> None:
        told: Question | None = None
        mark, asked = "", float("-inf")
        while not self._is_ended:
            question = self._question
            if question is not None and (question != told or not self._is_held):
                try:
                    now_mark = self._store.mark()
                    if question != told or now_mark != mark or time.monotonic() - asked > _OLD:
                        asked = time.monotonic()
                        found = question.subject.ask(self._store)
                        self._tell(Answer(question, found, self._store.now(), time.monotonic()))
                        told, mark = question, now_mark
                except StoreError as error:
                    told = None  # the next look asks again
                    self._tell(Answer(question, trouble=str(error)))
            self._changed.wait(LOOK)
            self._changed.clear()

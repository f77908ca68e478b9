"""What a reporter leaves behind in its process, and what a forked child does with what it inherited."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from jobreporter import Dispatcher
from jobreporter.testing._make import make_event
from jobreporter.testing._reporter._base import ReporterCases
from jobreporter.testing._waiting import wait_for

#: The open files and sockets of this process, where the system shows them.
_OPEN = Path("/proc/self/fd")


class LeftoverCases(ReporterCases):
    """Threads, files, sockets, and children."""

    def test_it_leaves_nothing_behind(self) -> None:
        """After closing, threads, open files and sockets are those from before its second life."""
        self._live()
        self.stand_in.close()
        self.setup_method()
        before, open_before = set(threading.enumerate()), _open_files()
        self._live()
        wait_for(
            lambda: not self._strangers(before),
            "the end of its threads",
            lambda: f"still there: {', '.join(thread.name for thread in self._strangers(before))}",
        )
        self.stand_in.release()
        wait_for(lambda: len(_open_files()) <= len(open_before), "the closing of its files and sockets", _what_is_open)

    def _live(self) -> None:
        dispatcher = self.dispatch()
        dispatcher.publish(make_event("failure"))
        self.assert_flushed(dispatcher)
        self.assert_closed(dispatcher)

    def _strangers(self, before: set[threading.Thread]) -> list[threading.Thread]:
        """New threads, but for the stand-in's, which live for as long as a connection."""
        return [
            thread
            for thread in threading.enumerate()
            if thread not in before and "process_request_thread" not in thread.name
        ]

    def test_it_works_after_a_fork(self) -> None:
        """A forked child starts its own, handles its own events, and closes in time; the parent's goes on."""
        dispatcher = self.dispatch()
        dispatcher.publish(make_event("failure"))
        self.assert_flushed(dispatcher)
        status, said = _in_a_fork(lambda: self._of_the_child(dispatcher))
        assert status == 0, f"a forked child ended with the wait status {status} in place of 0"
        assert said == "", f"in a forked child: {said}"
        dispatcher.publish(make_event("failure"))
        self.assert_flushed(dispatcher)
        self.assert_closed(dispatcher)

    def _of_the_child(self, dispatcher: Dispatcher) -> str:
        """What is wrong in a forked child; nothing where all is well."""
        dispatcher.publish(make_event("failure"))
        flushed = dispatcher.flush(20)
        stats = self.stats(dispatcher)
        dispatcher.close(5)
        # A port can be taken once only, and then it is the parent's: that is no fault of the child's.
        if flushed or (stats.status == "broken" and "in use" in str(stats.reason)):
            return ""
        return stats.reason or f"not flushed within 20 s: {stats}"


def _in_a_fork(act: Callable[[], str]) -> tuple[int, str]:
    """Do it in a forked child. Returns the child's wait status, and what it said."""
    receiving, sending = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.write(sending, act().encode()[:4096])  # less than what a pipe takes at once
            status = 0
        finally:
            os._exit(status)
    os.close(sending)
    _, status = os.waitpid(pid, 0)
    with open(receiving, "rb") as told:
        return status, told.read().decode()


def _open_files() -> set[str]:
    gc.collect()
    return set(os.listdir(_OPEN)) if _OPEN.exists() else set()


def _what_is_open() -> str:
    links = []
    for number in sorted(_open_files(), key=int):
        with suppress(OSError):  # it is closed meanwhile
            links.append(f"{number} -> {os.readlink(_OPEN / number)}")
    return "\n".join(["open in this process:", *links])

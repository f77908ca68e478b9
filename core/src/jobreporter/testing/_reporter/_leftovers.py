"""What a reporter leaves behind in its process, and what a forked child does with what it inherited."""

from __future__ import annotations

import gc
import os
import threading
from pathlib import Path

from jobreporter.testing._make import make_event
from jobreporter.testing._reporter._base import ReporterCases
from jobreporter.testing._waiting import PATIENCE, wait_for

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
        wait_for(lambda: len(_open_files()) <= len(open_before), "the closing of its files and sockets")

    def _live(self) -> None:
        dispatcher = self.dispatch()
        dispatcher.publish(make_event("failure"))
        assert dispatcher.flush(PATIENCE)
        assert dispatcher.close(PATIENCE)

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
        assert dispatcher.flush(PATIENCE)
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                dispatcher.publish(make_event("failure"))
                flushed = dispatcher.flush(20)
                # A port can be taken once only, and then it is the parent's: that is no fault of the child's.
                status = 0 if flushed or self.stats(dispatcher).status == "broken" else 2
                dispatcher.close(5)
            finally:
                os._exit(status)
        assert os.waitpid(pid, 0)[1] == 0
        dispatcher.publish(make_event("failure"))
        assert dispatcher.flush(PATIENCE)
        assert dispatcher.close(PATIENCE)


def _open_files() -> set[str]:
    gc.collect()
    return set(os.listdir(_OPEN)) if _OPEN.exists() else set()

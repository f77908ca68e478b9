"""What the queue tells of its jobs, as executions."""

from __future__ import annotations

from typing import Any

from jobreporter import Abort, Execution
from jobreporter.sourcekit import STAMP_KEY, LazyDispatcher, fields_of_stamp, harmless, new_delivery, stamped

from jobreporter_pigeon._queue import Dropped, Queue


class Source:
    """One attached queue. Whatever is marked ``@harmless`` can't hurt a job: an error in it is logged, once."""

    def __init__(self, dispatcher: LazyDispatcher) -> None:
        self._dispatcher = dispatcher
        self._runs: dict[int, Execution] = {}

    def connect(self, queue: Queue) -> None:
        """Listen to everything that the queue tells."""
        self._run = queue.run
        queue.run = self._perform
        queue.putting.append(self._putting)
        queue.at_start.append(self._starts)
        queue.before.append(self._before)
        queue.after.append(self._after)
        queue.at_end.append(self._ends)

    @staticmethod
    def is_connected(queue: Queue) -> bool:
        """Whether somebody listens to this queue already."""
        return isinstance(getattr(queue.run, "__self__", None), Source)

    @harmless
    def _putting(self, job: dict[str, Any]) -> None:
        """Where a job is enqueued: note when that was, and which job did it. There are no reporters in that process."""
        job[STAMP_KEY] = stamped(job.get(STAMP_KEY))

    def _starts(self) -> None:
        """A worker is about to take its first job. What is wrong with the config ends it here."""
        self._dispatcher.prepare()
        self._dispatcher.start()

    @harmless
    def _before(self, job: dict[str, Any]) -> None:
        """A job begins."""
        if dispatcher := self._dispatcher.get():
            fields: dict[str, Any] = {
                "name": f"{self._run.__module__}.{self._run.__qualname__}",
                "function": self._run,
                "source": "pigeon",
                "id": job["id"],
                # No other delivery of the same job has it.
                "execution_id": f"{job['id']}:{new_delivery()}",
                "args": job["args"],
                "kwargs": job["kwargs"],
                "attempt": job["attempt"],
                "max_attempts": job["tries"],
                **fields_of_stamp(job.get(STAMP_KEY)),
            }
            self._runs[id(job)] = dispatcher.begin(strict=False, **fields).enter()

    def _perform(self, *args: object, **kwargs: object) -> object:
        """The job itself: its `Abort` becomes the queue's own word, so that it isn't tried again."""
        try:
            return self._run(*args, **kwargs)
        except Abort as abort:
            raise Dropped(abort.reason) from abort

    @harmless
    def _after(self, job: dict[str, Any], error: BaseException | None, again: bool) -> None:
        """It has ended, and the queue has put it back, or not."""
        if execution := self._runs.pop(id(job), None):
            if error is None:
                execution.succeed()
            elif isinstance(error, Dropped):
                execution.abort(str(error), will_retry=False)
            else:
                execution.fail(error, will_retry=again)
            execution.stop()

    @harmless
    def _ends(self) -> None:
        """The worker ends: jobs that still run were given up, and what was reported is delivered."""
        while self._runs:
            _, execution = self._runs.popitem()
            execution.abort("shutdown")
            execution.stop()
        self._dispatcher.end()

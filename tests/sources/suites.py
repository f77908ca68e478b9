"""The kinds of workers that our sources are held to the cases with: one suite each."""

from __future__ import annotations

from typing import ClassVar

import celery
import celery_app
import dramatiq_app
import huey_app
import pytest
import rq_app
from conftest import NewQueue
from scenarios import CUT_OFF, NOTHING, SUCCEEDED, Execution
from workers import Bench, Source

from jobreporter.testing import SourceConformance


class Suite(SourceConformance):
    """One of our sources, with one kind of worker."""

    source: ClassVar[Source]

    @pytest.fixture(autouse=True)
    def _places(self, tmp_path_factory: pytest.TempPathFactory, new_queue: NewQueue) -> None:
        self._new_folder = lambda: tmp_path_factory.mktemp(type(self).__name__)
        self._new_queue = new_queue

    def open(self, config: str) -> Bench:
        folder = self._new_folder()
        return Bench(self.source, self.kind, folder, self._new_queue(self.source, folder), config)


#: Time limits that the worker doesn't keep, so that the job goes on.
UNLIMITED: tuple[Execution, ...] = (SUCCEEDED,)
NO_TIMEOUT = {"timeout": UNLIMITED}
NO_SOFT_TIMEOUT = {"soft_timeout": UNLIMITED}


def no_word_for(queue: str, *cases: str) -> dict[str, str]:
    """What jobs of the queue can't say."""
    return dict.fromkeys(cases, f"{queue} has no word for it")


def one_process(*cases: str) -> dict[str, str]:
    """What can't be seen where the worker is a single process; that none of its children is killed, by default."""
    return dict.fromkeys(cases or ("child_killed",), "the worker is one process")


class Celery(Suite):
    queue = "Celery"
    source = celery_app.Source()
    not_observable = {
        **no_word_for("Celery", "cancelled"),
        "locked": "Celery has no locks",
        "rate_limited": "a job beyond its rate limit waits",
    }


class CeleryPrefork(Celery):
    kind = "prefork"


# Celery limits the time of jobs only in processes of their own, and that of gevent's greenlets for good only.
class CeleryThreads(Celery):
    kind = "threads"
    reported_instead = NO_SOFT_TIMEOUT | NO_TIMEOUT
    not_observable = {
        **one_process(),
        "revoked_running": "a thread can't be ended",
        "cold_shutdown": "a thread can't be ended: the worker waits for it",
        "replaced_workers": "threads are not replaced",
    }


class CelerySolo(Celery):
    kind = "solo"
    reported_instead = NO_SOFT_TIMEOUT | NO_TIMEOUT
    not_observable = {
        **one_process("child_killed", "replaced_workers"),
        "revoked_running": "the worker hears of it once the job has ended",
        "concurrent": "one job runs at a time",
        "overlapping": "one job runs at a time",
        **({"cold_shutdown": "before Celery 5.7, the worker waits for its job"} if celery.VERSION < (5, 7) else {}),
    }


class CeleryGreenlets(Celery):
    reported_instead = NO_SOFT_TIMEOUT
    not_observable = {**one_process(), "replaced_workers": "greenlets are not replaced"}


class CeleryGevent(CeleryGreenlets):
    kind = "gevent"


class CeleryEventlet(CeleryGreenlets):
    kind = "eventlet"
    reported_instead = NO_TIMEOUT


class Dramatiq(Suite):
    queue = "Dramatiq"
    source = dramatiq_app.Source()
    not_observable = {
        **no_word_for("Dramatiq", "ignored", "requeued", "replaced", "cancelled"),
        "locked": "Dramatiq's locks are rate limits",
        "revoked": "Dramatiq can't revoke jobs",
        "soft_timeout": "Dramatiq has one time limit",
        "revoked_running": "Dramatiq can't revoke jobs",
        "child_killed": "Dramatiq ends as a whole when one of its processes is killed",
        "replaced_workers": "Dramatiq doesn't replace its workers",
    }


class DramatiqThreads(Dramatiq):
    kind = "threads"


class DramatiqProcesses(Dramatiq):
    kind = "processes"


class Huey(Suite):
    queue = "Huey"
    source = huey_app.Source()
    not_observable = {
        **no_word_for("Huey", "ignored", "rejected", "requeued", "replaced"),
        "soft_timeout": "Huey has one time limit",
        "revoked_running": "Huey revokes jobs that wait",
        "inherited": "Huey's messages have no room for it",
    }


class HueyThread(Huey):
    kind = "thread"
    # Huey can't interrupt a thread, so its time limits are for processes and greenlets.
    reported_instead = NO_TIMEOUT
    not_observable = one_process()


class HueyProcess(Huey):
    kind = "process"
    # The consumer starts another process, and doesn't know what the one before was doing.
    reported_instead = {"child_killed": (CUT_OFF,)}


class HueyGreenlet(Huey):
    kind = "greenlet"
    not_observable = one_process()


class Rq(Suite):
    queue = "RQ"
    source = rq_app.Source()
    # RQ takes both from the queue, and tells no worker.
    reported_instead = {"expired": NOTHING, "revoked": NOTHING}
    not_observable = {
        "retry_for_error": "a `Retry` that the job returns carries no error",
        **no_word_for("RQ", "ignored", "rejected", "requeued", "replaced"),
        "cancelled": "RQ cancels jobs that wait",
        "locked": "RQ has no locks",
        "rate_limited": "with RQ, jobs beyond their limit wait",
        "soft_timeout": "RQ has one time limit",
    }


class RqFork(Rq):
    kind = "fork"


class RqSimple(Rq):
    kind = "simple"
    not_observable = {
        **one_process("revoked_running", "child_killed"),
        "replaced_workers": "a worker that was told to end after so many jobs ends for good",
    }


SUITES: tuple[type[Suite], ...] = (
    CeleryPrefork,
    CeleryThreads,
    CelerySolo,
    CeleryGevent,
    CeleryEventlet,
    DramatiqThreads,
    DramatiqProcesses,
    HueyThread,
    HueyProcess,
    HueyGreenlet,
    RqFork,
    RqSimple,
)

"""What every source must report: one list of cases, and one way to write down what is expected.

A case says what happens to one job. `SourceConformance` makes it happen in real workers of one kind, and a table tells
people what came of it.
"""

from __future__ import annotations

from typing import NamedTuple

from jobreporter import Aborted, Event, Failure, Started, Stopped, Success

#: The events of one execution, in order, as `summary` puts them.
Execution = tuple[str, ...]


class Case(NamedTuple):
    """One thing that may happen to a job.

    name: what the application's ``send`` takes, and the id of the job. says: it as a sentence, for people.
    executions: the events of each execution, in order, as `summary` puts them. attempts: the number of each execution's
    attempt, where all job queues count alike.
    """

    name: str
    says: str
    executions: tuple[Execution, ...]
    attempts: tuple[int, ...] | None = None


def ran(outcome: str) -> Execution:
    """The events of a job that a worker took up."""
    return ("started", outcome, f"stopped {outcome.partition(' ')[0]}")


def dropped(reason: str) -> Execution:
    """The events of a job that was given up before it started."""
    return (f"aborted {reason}", "stopped aborted")


def summary(event: Event) -> str:
    """The event in the few words that the cases use."""
    match event:
        case Started():
            return "started"
        case Success():
            return "success"
        case Aborted():
            return f"aborted {event.reason}" + (" will retry" if event.will_retry else "")
        case Failure():
            return f"failure {event.kind} " + ("final" if event.final else "will retry")
        case Stopped():
            return f"stopped {event.outcome}"
    raise AssertionError(f"{event!r} is no event of an execution")


#: The job that enqueues what has to inherit from it.
PARENT = {"id": "the-parent", "root_id": "the-root", "correlation_id": "the-correlation"}

SUCCEEDED = ran("success")
FAILED = ran("failure exception final")
FAILED_AT_FIRST = ran("failure exception will retry")
SHUT_DOWN = ran("aborted shutdown")
#: Nobody is left to tell how it ended.
CUT_OFF: Execution = ("started",)
#: What a source reports of a case of which it hears nothing.
NOTHING: tuple[Execution, ...] = ()

#: What may happen to a job in a worker that nobody disturbs.
UNDISTURBED = (
    Case("success", "A job that returns has succeeded.", (SUCCEEDED,), (1,)),
    Case("exception", "A job that raises has failed, for good without retries.", (FAILED,), (1,)),
    Case("retried", "A failed attempt that another follows says so.", (FAILED_AT_FIRST, SUCCEEDED), (1, 2)),
    Case("exhausted", "The last of the retries fails for good.", (FAILED_AT_FIRST, FAILED), (1, 2)),
    Case(
        "retry_requested",
        "A job that asks for another try without an error has not failed.",
        (ran("aborted retry_requested will retry"), SUCCEEDED),
    ),
    Case(
        "retry_for_error",
        "A job that asks for another try because of an error has failed.",
        (FAILED_AT_FIRST, SUCCEEDED),
    ),
    Case("inherited", "A job that another job enqueues has its correlation.", (SUCCEEDED,)),
    Case("skipped", "A job that raises Abort is not tried again, even with retries left.", (ran("aborted skipped"),)),
    Case("ignored", "A job may ask that its outcome be ignored.", (ran("aborted ignored"),)),
    Case("rejected", "A job may reject its message.", (ran("aborted rejected"),)),
    Case(
        "requeued",
        "A job may put its message back into the queue.",
        (ran("aborted requeued will retry"), SUCCEEDED),
    ),
    Case("replaced", "A job may have another take its place, under its id.", (ran("aborted replaced"), SUCCEEDED)),
    Case("cancelled", "A job may be cancelled in the queue's own words.", (ran("aborted cancelled"),)),
    Case("locked", "A job that finds its lock taken is given up.", (ran("aborted locked"),)),
    Case("rate_limited", "A job beyond its rate limit is given up.", (ran("aborted rate_limited"),)),
    Case("expired", "A job that comes too late never starts.", (dropped("expired"),)),
    Case("revoked", "A job that was revoked while it waited never starts.", (dropped("revoked"),)),
    Case(
        "soft_timeout",
        "A time limit that the job could catch, and doesn't, is a failure.",
        (ran("failure timeout final"),),
    ),
    Case("timeout", "A job that exceeds its time limit has failed, once.", (ran("failure timeout final"),)),
)

#: What may happen to a worker, or to jobs in it, from outside.
DISTURBED = (
    Case("revoked_running", "A job that is revoked while it runs is given up.", (ran("aborted revoked"),)),
    Case("child_killed", "A process that is killed with its job ends it.", (ran("failure worker_lost final"),)),
    Case("warm_shutdown", "A worker that is asked to end finishes its job.", (SUCCEEDED,)),
    Case("cold_shutdown", "A worker that ends at once gives its job up.", (SHUT_DOWN,)),
    Case("worker_killed", "A worker that is killed as a whole can't tell.", (CUT_OFF,)),
    Case("replaced_workers", "A worker that is replaced after each job loses nothing.", (SUCCEEDED,)),
    Case("concurrent", "Jobs that run at once are told apart.", (SUCCEEDED,)),
    Case("overlapping", "So are two attempts at one job that run at once.", (SUCCEEDED, SUCCEEDED)),
)

CASES = {case.name: case for case in (*UNDISTURBED, *DISTURBED)}

"""Celery jobs whose outcome is not what their signals say, but what Celery stores and sends.

The id of a job is the name of its case: ``send(name)`` enqueues it. `CASES` says what must be reported of each.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import celery_app
from celery import VERSION, Celery, Task, chain, group
from celery.exceptions import Reject, Retry
from kombu import Connection
from scenarios import FAILED, FAILED_AT_FIRST, SUCCEEDED, ran
from scenarios import Execution as Events

from jobreporter import Abort
from jobreporter.sources.celery import attach

app = Celery("stored", broker=os.environ.get("QUEUE", "memory://"))
app.conf.update(
    result_backend=os.environ.get("QUEUE", "cache+memory://"),
    timezone="America/New_York",
    worker_prefetch_multiplier=1,
    broker_transport_options={"polling_interval": 0.1},
)
attach(app)

#: Seconds until a message that no test waits for.
LATER = 3600.0
#: Whether Celery's newer ways hold: what a hook raises after the job is logged, and no more.
LOGS_HOOKS = VERSION >= (5, 7)
#: Whether a child that ends knows at once that the worker has heard of a job whose hook for failures has failed.
COUNTS_FAILED_HOOKS = VERSION >= (5, 7)
#: What is stored of a job that has rejected its message.
REJECTED = "FAILURE" if VERSION >= (5, 7) else ""


class Source(celery_app.Source):
    """Celery's worker with this app."""

    name = "celery_stored_app"


class Case(NamedTuple):
    """One thing that may become of a job.

    send: enqueues it under the id that it is given. executions: what must be reported. error: the last failure's, as
    ``type: message``. attempts: each execution's attempt and the most that there may be. state: what Celery stores last.
    """

    send: Callable[[str], object]
    executions: tuple[Events, ...]
    state: str
    error: str = ""
    attempts: tuple[tuple[int, int | None], ...] = ((1, 4),)


CASES: dict[str, Case] = {}


def case(name: str, state: str, *executions: Events, **more: Any) -> Callable[[Callable[[str], object]], None]:
    """Take a function that enqueues a job for a case."""

    def take(send: Callable[[str], object]) -> None:
        CASES[name] = Case(send, executions, state, **more)

    return take


class BusyError(Exception):
    """Not yet."""


@app.task
def give(value: object = 1) -> object:
    return value


@app.task
def give_what_cannot_be_sent() -> object:
    return object()


def broken(task: Task) -> Any:
    """A link that can't be sent."""
    return task.si().set(serializer="of nobody")


# The job returns, and Celery fails it

NO_SERIALIZER = "kombu.exceptions.SerializerNotInstalled: No encoder installed for of nobody"


@case("the next link can't be sent", "FAILURE", FAILED, error=NO_SERIALIZER)
def _(name: str) -> None:
    chain(give.si().set(task_id=name), broken(give)).apply_async()


@case("a callback can't be sent", "FAILURE", FAILED, error=NO_SERIALIZER)
def _(name: str) -> None:
    give.apply_async(task_id=name, link=[give.si(), broken(give)])


@case("a group after it can't be sent", "FAILURE", FAILED, error=NO_SERIALIZER)
def _(name: str) -> None:
    give.apply_async(task_id=name, link=group(broken(give), broken(give)))


@case("the result can't be stored", "FAILURE", FAILED)
def _(name: str) -> None:
    give_what_cannot_be_sent.apply_async(task_id=name)


class Hooked(Task):
    """A task whose hooks raise: those that the job names among its arguments."""

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        raise_in("before_start", args)

    def on_success(self, retval: object, task_id: str, args: Any, kwargs: Any) -> None:
        raise_in("on_success", args)

    def on_failure(self, exc: object, task_id: str, args: Any, kwargs: Any, einfo: object) -> None:
        raise_in("on_failure", args)

    def on_retry(self, exc: object, task_id: str, args: Any, kwargs: Any, einfo: object) -> None:
        raise_in("on_retry", args)

    def after_return(self, status: str, retval: object, task_id: str, args: Any, kwargs: Any, einfo: object) -> None:
        raise_in("after_return", args)


def raise_in(hook: str, args: Any) -> None:
    if hook in args:
        raise LookupError(hook)


@app.task(base=Hooked, bind=True, default_retry_delay=LATER)
def hooked(self: Task, end: str, *_hooks: str) -> None:
    if end == "raise":
        raise BusyError(end)
    if end == "retry":
        raise self.retry(exc=BusyError(end))


@case("before_start raises", "FAILURE", FAILED, error="builtins.LookupError: before_start")
def _(name: str) -> None:
    hooked.apply_async(["return", "before_start"], task_id=name)


for hook in ("on_success", "after_return"):

    @case(
        f"{hook} raises",
        "SUCCESS",
        SUCCEEDED if LOGS_HOOKS else FAILED,
        error="" if LOGS_HOOKS else f"builtins.LookupError: {hook}",
    )
    def _(name: str, hook: str = hook) -> None:
        hooked.apply_async(["return", hook], task_id=name)


# A retry that was not sent


@app.task(bind=True)
def retry_unsent(self: Task, how: str) -> None:
    later: dict[str, Any] = {"countdown": LATER}
    if how == "argument":
        later["args"] = [object()]
    elif how == "broker":
        later |= {"connection": Connection("redis://127.0.0.1:1", transport_options={"max_retries": 0}), "retry": False}
    elif how == "options":
        later |= {"time_limit": 1, "soft_time_limit": 2, "serializer": "of nobody"}
    if how == "no error":
        raise self.retry(args=[object()])
    if how == "handled":
        handle(self)
    raise self.retry(exc=BusyError("the job's"), **later)


def handle(task: Task) -> None:
    """The error is handled, and not named."""
    try:
        raise_it()
    except BusyError:
        task.retry(args=[object()])


def raise_it() -> None:
    raise BusyError("the job's")


for how in ("argument", "broker", "options", "handled"):

    @case(f"a retry can't be sent: {how}", REJECTED, FAILED, error="celery_stored_app.BusyError: the job's")
    def _(name: str, how: str = how) -> None:
        retry_unsent.apply_async([how], task_id=name)


@case("a retry without an error can't be sent", REJECTED, FAILED)
def _(name: str) -> None:
    retry_unsent.apply_async(["no error"], task_id=name)


@app.task(autoretry_for=(BusyError,), retry_kwargs={"args": [object()], "countdown": 0})
def retry_itself_unsent() -> None:
    raise BusyError("the job's")


@case("Celery's own retry can't be sent", REJECTED, FAILED, error="celery_stored_app.BusyError: the job's")
def _(name: str) -> None:
    retry_itself_unsent.apply_async(task_id=name)


@app.task
def raise_retry(how: str) -> None:
    if how == "error":
        raise Retry("later", exc=BusyError("the job's"), when=1)
    if how == "eager":
        ask_again.apply(throw=True)
    if how == "called":
        ask_again()
    raise Retry("later", when=1)


@app.task(bind=True)
def ask_again(self: Task) -> None:
    raise self.retry(countdown=LATER)


@case("a Retry that nobody sent, for an error", "RETRY", FAILED, error="celery_stored_app.BusyError: the job's")
def _(name: str) -> None:
    raise_retry.apply_async(["error"], task_id=name)


for how in ("bare", "eager", "called"):

    @case(f"a Retry that nobody sent: {how}", "RETRY", ran("aborted retry_requested"))
    def _(name: str, how: str = how) -> None:
        raise_retry.apply_async([how], task_id=name)


# A retry that was sent, whatever came after


@case("on_retry raises", "FAILURE", FAILED_AT_FIRST, error="builtins.LookupError: on_retry")
def _(name: str) -> None:
    hooked.apply_async(["retry", "on_retry"], task_id=name)


@app.task(bind=True)
def send_again(self: Task, end: str) -> None:
    """Another attempt was sent, and the job ends in some other way."""
    with suppress(Retry):
        self.retry(countdown=LATER)
    if end == "raise":
        raise BusyError("the job's")
    if end == "reject":
        raise Reject("no", requeue=False)
    if end == "abort":
        raise Abort("enough")


@case("it raises after its retry was sent", "FAILURE", FAILED_AT_FIRST, error="celery_stored_app.BusyError: the job's")
def _(name: str) -> None:
    send_again.apply_async(["raise"], task_id=name)


@case("it returns after its retry was sent", "SUCCESS", SUCCEEDED)
def _(name: str) -> None:
    send_again.apply_async(["return"], task_id=name)


@case("it rejects its message after its retry was sent", REJECTED, ran("aborted rejected will retry"))
def _(name: str) -> None:
    send_again.apply_async(["reject"], task_id=name)


@case("it aborts after its retry was sent", "", ran("aborted enough will retry"))
def _(name: str) -> None:
    send_again.apply_async(["abort"], task_id=name)


class SendsInHook(Task):
    """A program's own way to try again."""

    def after_return(self, *_: object) -> None:
        self.apply_async(task_id=self.request.id, countdown=LATER)


@app.task(base=SendsInHook)
def send_in_hook() -> None:
    raise BusyError("the job's")


@case("a hook sends it again", "FAILURE", FAILED_AT_FIRST, error="celery_stored_app.BusyError: the job's")
def _(name: str) -> None:
    send_in_hook.apply_async(task_id=name)


@app.task
def requeue_too_late() -> None:
    raise Reject("no", requeue=True)


@case("its message is gone when it asks to be requeued", "", ran("aborted requeued"))
def _(name: str) -> None:
    requeue_too_late.apply_async(task_id=name)


# How often


@app.task(autoretry_for=(BusyError,), retry_kwargs={"max_retries": 5, "countdown": 0})
def retry_five_times() -> None:
    raise BusyError


@case(
    "Celery retries it as often as its retry_kwargs say",
    "FAILURE",
    *[FAILED_AT_FIRST] * 5,
    FAILED,
    attempts=tuple((number, 6) for number in range(1, 7)),
)
def _(name: str) -> None:
    retry_five_times.apply_async(task_id=name)


@app.task(bind=True)
def retry_as_it_likes(self: Task) -> None:
    raise self.retry(exc=BusyError(), countdown=0, max_retries=5)


@case(
    "it says itself how often",
    "FAILURE",
    *[FAILED_AT_FIRST] * 5,
    FAILED,
    attempts=tuple((number, None) for number in range(1, 7)),
)
def _(name: str) -> None:
    retry_as_it_likes.apply_async(task_id=name)


@app.task(bind=True)
def retry_by_a_helper(self: Task) -> None:
    again(self)


def again(task: Task) -> None:
    raise task.retry(exc=BusyError(), countdown=0, max_retries=4)


@case(
    "its limit shows only once it is passed",
    "FAILURE",
    *[FAILED_AT_FIRST] * 4,
    FAILED,
    attempts=(*((number, 4) for number in range(1, 5)), (5, None)),
)
def _(name: str) -> None:
    retry_by_a_helper.apply_async(task_id=name)


# When, and for which error


@app.task(bind=True, max_retries=1)
def retry_at(self: Task) -> None:
    raise self.retry(exc=BusyError("not yet"), eta=datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=LATER))


@case(
    "a time without a zone", "RETRY", FAILED_AT_FIRST, error="celery_stored_app.BusyError: not yet", attempts=((1, 2),)
)
def _(name: str) -> None:
    retry_at.apply_async(task_id=name)


class PickyError(Exception):
    """Can't be made without its arguments."""

    def __init__(self, one: object, two: object) -> None:
        super().__init__(one, two)


@app.task(bind=True, ignore_result=True)  # Celery can't store a class in an error's place
def retry_for(self: Task, how: str) -> None:
    if how == "class":
        raise self.retry(exc=BusyError, countdown=LATER)
    if how == "picky class":
        raise self.retry(exc=PickyError, countdown=LATER)
    if how == "text":
        raise self.retry(exc="busy", countdown=LATER)
    try:
        int("seven")
    except ValueError as error:
        raise self.retry(exc=ValueError, countdown=LATER) from error


@case("for a class of errors", "", FAILED_AT_FIRST, error="celery_stored_app.BusyError: ")
def _(name: str) -> None:
    retry_for.apply_async(["class"], task_id=name)


@case("for a class that can't be made", "", FAILED_AT_FIRST, error="celery_stored_app.PickyError: ")
def _(name: str) -> None:
    retry_for.apply_async(["picky class"], task_id=name)


@case(
    "for the class of what it handles",
    "",
    FAILED_AT_FIRST,
    error="builtins.ValueError: invalid literal for int() with base 10: 'seven'",
)
def _(name: str) -> None:
    retry_for.apply_async(["handled"], task_id=name)


@case("for a text", "", ran("aborted retry_requested will retry"))
def _(name: str) -> None:
    retry_for.apply_async(["text"], task_id=name)


# Abort, wherever a task's own code runs


class AbortsInCall(Task):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise Abort("in its call")


class AbortsBefore(Task):
    def before_start(self, *_: object) -> None:
        raise Abort("before its start")


class Class(AbortsBefore):
    name = "celery_stored_app.Class"

    def before_start(self, *_: object) -> None:
        return None

    def run(self) -> None:
        raise Abort("in a class")


@app.task(base=AbortsInCall, autoretry_for=(Exception,))
def abort_in_call() -> None: ...


@app.task(base=AbortsBefore)
def abort_before() -> None: ...


app.register_task(Class())


@case("Abort in __call__", "", ran("aborted in its call"))
def _(name: str) -> None:
    abort_in_call.apply_async(task_id=name)


@case("Abort in before_start", "", ran("aborted before its start"))
def _(name: str) -> None:
    abort_before.apply_async(task_id=name)


@case("Abort in the run of a class", "", ran("aborted in a class"))
def _(name: str) -> None:
    app.tasks[Class.name].apply_async(task_id=name)


@case(
    "an unknown task",
    "FAILURE",
    ("failure exception final", "stopped failure"),
    error="celery.exceptions.NotRegistered: 'nobody.knows'",
    attempts=((1, None),),
)
def _(name: str) -> None:
    app.send_task("nobody.knows", ["acme"], {"api_key": "canary"}, task_id=name)


#: Not one of the cases: where jobs run in the worker's own process, Celery lets it end that.
ENDS_THE_WORKER = "on_failure raises"


def send(name: str) -> None:
    """Enqueue the job of a case."""
    if name == ENDS_THE_WORKER:
        hooked.apply_async(["raise", "on_failure"], task_id=name)
    else:
        CASES[name].send(name)

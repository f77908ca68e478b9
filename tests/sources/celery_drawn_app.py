"""Random Celery jobs: how each attempt ends, under which options, what breaks meanwhile. Each is drawn from its number alone.

So the sender, the worker and the test know the same of it. What Celery does with a job, a log in Redis says: each attempt
that ran, each state that was stored, each message that was sent under the job's id, or was cut off by a time limit.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple

import celery_app
from celery import Celery, Task, chain, current_task, group
from celery.backends.base import Backend
from celery.exceptions import Ignore, Reject, Retry, SoftTimeLimitExceeded
from drawn import numbers, pick
from kombu import Producer
from redis import Redis

from jobreporter import Abort, Execution
from jobreporter.sources.celery import attach

QUEUE = os.environ.get("QUEUE", "memory://")
app = Celery("drawn", broker=QUEUE)
app.conf.update(
    result_backend=os.environ.get("QUEUE", "cache+memory://"),
    worker_prefetch_multiplier=1,
    broker_transport_options={"polling_interval": 0.1},
)
attach(app)

#: Seconds until a message that no test waits for.
LATER = 3600.0
#: Attempts that any job has in the end, whatever its options say.
MOST = 8


class Source(celery_app.Source):
    """Celery's worker with this app."""

    name = "celery_drawn_app"


class BusyError(Exception):
    """Not yet."""


class PickyError(Exception):
    """Can be made of nothing that Celery has."""

    def __init__(self, *, only: object) -> None:
        super().__init__(only)


class ExpectedError(Exception):
    """What a task's ``throws`` names."""


End = Callable[[Any], Any]


def raising(make: Callable[[], BaseException]) -> End:
    def end(_task: Any) -> None:
        raise make()

    return end


def retrying(**options: Any) -> End:
    def end(task: Any) -> Any:
        return task.retry(**{"countdown": 0, **options})

    return end


def after_its_retry(end: End) -> End:
    """Another attempt is sent, and then the job goes on."""

    def both(task: Any) -> Any:
        with suppress(Retry):
            task.retry(countdown=LATER)
        return end(task)

    return both


def give(_task: Any = None) -> int:
    return 42


def handle(task: Any) -> None:
    try:
        int("seven")
    except ValueError:
        task.retry(countdown=0)


def be_replaced(task: Any) -> Any:
    return task.replace(follow.si())


def ask_another(_task: Any) -> None:
    ask_again.apply(throw=True)


#: How an attempt may end, and how often.
ENDS: dict[str, tuple[int, End]] = {
    "returns": (25, give),
    "returns what can't be stored": (4, lambda _task: object()),
    "raises": (20, raising(lambda: BusyError("the job's"))),
    "raises what it throws": (4, raising(lambda: ExpectedError("expected"))),
    "raises what can't be sent": (4, raising(lambda: PickyError(only=object()))),
    "is overdue": (3, raising(SoftTimeLimitExceeded)),
    "retries for an error": (14, retrying(exc=BusyError("the job's"))),
    "retries for a class": (4, retrying(exc=BusyError)),
    "retries for what can't be made": (2, retrying(exc=PickyError)),
    "retries for what it handles": (4, handle),
    "retries for a text": (2, retrying(exc="busy")),
    "retries without an error": (6, retrying()),
    "retries and goes on": (4, retrying(exc=BusyError("the job's"), throw=False)),
    "retries with a limit of its own": (5, retrying(exc=BusyError("the job's"), max_retries=2)),
    "retries later": (3, retrying(exc=BusyError("the job's"), countdown=LATER)),
    "retries with what can't be sent": (4, retrying(exc=BusyError("the job's"), args=[object()])),
    "retries without an error, with what can't be sent": (2, retrying(kwargs={"a": object()})),
    "says Retry": (3, raising(lambda: Retry("later", when=1))),
    "says Retry for an error": (3, raising(lambda: Retry("later", exc=BusyError("the job's"), when=1))),
    "passes on another's Retry": (3, ask_another),
    "retries and returns": (3, after_its_retry(give)),
    "retries and raises": (3, after_its_retry(raising(lambda: BusyError("the job's")))),
    "retries and rejects": (2, after_its_retry(raising(lambda: Reject("no", requeue=False)))),
    "retries and ignores": (2, after_its_retry(raising(Ignore))),
    "retries and aborts": (2, after_its_retry(raising(lambda: Abort("enough")))),
    "ignores": (4, raising(Ignore)),
    "rejects": (4, raising(lambda: Reject("no", requeue=False))),
    "requeues": (3, raising(lambda: Reject("no", requeue=True))),
    "is replaced": (4, be_replaced),
    "aborts": (5, raising(lambda: Abort("enough"))),
    "aborts for now": (3, raising(lambda: Abort("not_yet", will_retry=True))),
}

#: What a task's own hooks are called, and those that may raise.
HOOKS = ["before_start", "on_success", "on_failure", "on_retry", "after_return"]
#: What may follow a job: one or more that can be sent, or not.
FOLLOWERS = ["link", "chain", "group", "link_error", "unsent link", "unsent chain", "unsent group", "unsent link_error"]


class Drawn(NamedTuple):
    """One job. Attempts are counted from 1.

    ends: of its attempts, one after the other. task: which of `TASKS`. hooks: what raises, at which attempt. unsent,
    unstored: at which attempts the broker takes no message, or the backend no result. cut: at which attempts a time limit
    comes while a message for the job is sent, and whether the broker has it then. follower: of `FOLLOWERS`.
    """

    id: str
    ends: list[str]
    task: int
    hooks: dict[int, str]
    unsent: list[int]
    unstored: list[int]
    cut: dict[int, bool]
    follower: str | None
    eager: bool
    options: dict[str, Any]


def draw(name: str) -> Drawn:
    """The job of this id."""
    chance = numbers(f"celery {name}")
    ends = [pick(chance, {end: weight for end, (weight, _) in ENDS.items()}) for _ in range(MOST - 1)]
    attempts = range(1, 4)
    options = {"expires": LATER, "priority": 5, "ignore_result": True, "shadow": "shade"}
    return Drawn(
        id=name,
        # The last ends it for good.
        ends=[*ends, "aborts"],
        task=chance.randrange(len(TASKS)),
        hooks={attempt: chance.choice(HOOKS) for attempt in attempts if chance.random() < 0.07},
        unsent=[attempt for attempt in attempts if chance.random() < 0.06],
        unstored=[attempt for attempt in attempts if chance.random() < 0.05],
        cut={attempt: chance.random() < 0.5 for attempt in attempts if chance.random() < 0.06},
        follower=chance.choice(FOLLOWERS) if chance.random() < 0.25 else None,
        eager=chance.random() < 0.15,
        options={option: value for option, value in options.items() if chance.random() < 0.1},
    )


class Log:
    """What Celery did with the jobs, each of them a list in Redis."""

    def __init__(self, url: str) -> None:
        self._redis: Any = Redis.from_url(url)

    def note(self, job: str, *words: object) -> None:
        self._redis.rpush(f"log:{job}", json.dumps(words))
        self._redis.incr("noted")

    def noted(self) -> int:
        """How much is in it."""
        return int(self._redis.get("noted") or 0)

    def close(self) -> None:
        """Nothing more happens by itself."""
        self._redis.set("closed", 1)

    def is_closed(self) -> bool:
        return bool(self._redis.exists("closed"))

    def of(self, job: str) -> list[list[Any]]:
        return [json.loads(line) for line in self._redis.lrange(f"log:{job}", 0, -1)]

    def attempts(self, job: str) -> int:
        return sum(words[0] == "ran" for words in self.of(job))


#: Of the processes that have this app.
log = Log(os.environ.get("QUEUE", "redis://"))


def under_way() -> tuple[Drawn, int] | None:
    """The drawn job that runs now, and the number of its attempt."""
    job = str(current_task.request.id) if current_task else ""
    return (draw(job), log.attempts(job)) if job.startswith("job-") else None


def current_execution() -> str | None:
    """The id of the execution in which this is done; ``None`` in the main process."""
    execution = Execution.current()
    return execution.job.execution_id if execution else None


class Hooked(Task):
    """A task whose hooks raise where its job was drawn so."""

    def before_start(self, task_id: str, *_: Any) -> None:
        log.note(task_id, "ran", current_execution(), self.name, self.request.retries)
        self._enter("before_start")

    def on_success(self, *_: Any) -> None:
        self._enter("on_success")

    def on_failure(self, *_: Any) -> None:
        self._enter("on_failure")

    def on_retry(self, *_: Any) -> None:
        self._enter("on_retry")

    def after_return(self, *_: Any) -> None:
        self._enter("after_return")

    def _enter(self, hook: str) -> None:
        found = under_way()
        if found is not None and found[0].hooks.get(found[1]) == hook:
            raise LookupError(hook)


def options_of(number: int) -> dict[str, Any]:
    """Those of a task."""
    chance = numbers(f"celery task {number}")
    options: dict[str, Any] = {"max_retries": pick(chance, {0: 2, 1: 3, 2: 3, 3: 2, None: 1})}
    if chance.random() < 0.4:
        options["autoretry_for"] = pick(chance, {(BusyError,): 3, (Exception,): 2})
        options["retry_backoff"] = False
        options["retry_kwargs"] = {"countdown": 0} | pick_limit(chance.random())
        if chance.random() < 0.2:
            options["dont_autoretry_for"] = (ExpectedError,)
    for option in ("acks_late", "ignore_result", "track_started", "store_errors_even_if_ignored"):
        if chance.random() < 0.2:
            options[option] = True
    if chance.random() < 0.5:
        options["throws"] = (ExpectedError,)
    return options


def pick_limit(number: float) -> dict[str, int]:
    return {"max_retries": 2} if number < 0.4 else {}


def make(number: int) -> Task:
    @app.task(bind=True, base=Hooked, name=f"drawn.task_{number}", **options_of(number))
    def work(self: Task) -> Any:
        job, attempt = under_way() or (None, 0)
        assert job is not None
        return ENDS[job.ends[min(attempt, MOST) - 1]][1](self)

    return work


TASKS = [make(number) for number in range(40)]


@app.task(base=Hooked)
def follow(*_: object) -> None:
    """What comes after a job, or in its place."""


@app.task(bind=True)
def ask_again(self: Task) -> None:
    raise self.retry(countdown=LATER)


@app.task
def run_eagerly(name: str) -> None:
    """Runs a drawn job here and now, and notes what its caller gets of it."""
    try:
        found = signature(draw(name)).apply(task_id=name).state
    except Exception as error:  # whatever the caller gets is what counts
        found = f"raised {type(error).__name__}"
    log.note(name, "eager", found)


@app.task
def close_when_quiet(noted: int) -> None:
    """Comes after all that waits, and again until nothing has happened in between."""
    if log.noted() == noted:
        log.close()
    else:
        close_when_quiet.apply_async([log.noted()], priority=9)


def signature(job: Drawn) -> Any:
    """The job, with what follows it."""
    work = TASKS[job.task].si().set(task_id=job.id, **job.options)
    follower, unsent = follow.si(), follow.si().set(serializer="of nobody")
    match job.follower:
        case "link":
            work.link(follower)
        case "chain":
            return chain(work, follower)
        case "group":
            work.link(group(follower, follow.si()))
        case "link_error":
            work.link_error(follower)
        case "unsent link":
            work.link(unsent)
        case "unsent chain":
            return chain(work, unsent)
        case "unsent group":
            work.link(group(unsent, unsent.clone()))
        case "unsent link_error":
            work.link_error(unsent)
    return work


def send(name: str) -> None:
    """Enqueue the job of this id, or so many (``150 jobs``) and the one that looks whether they are done."""
    if name.endswith(" jobs"):
        for number in range(int(name.removesuffix(" jobs"))):
            send(f"job-{number}")
        close_when_quiet.apply_async([-1], priority=9)
        return
    job = draw(name)
    if job.eager:
        run_eagerly.apply_async([name])
    else:
        signature(job).apply_async()


# What is noted, and broken


def watch_publishing() -> None:
    inside = Producer.publish

    def publish(self: Producer, *args: Any, **kwargs: Any) -> Any:
        found = under_way()
        if found is None:
            return inside(self, *args, **kwargs)
        job, attempt = found
        headers = kwargs.get("headers") or {}
        own = headers.get("id") == job.id
        has_come = job.cut.get(attempt) if own else None
        if attempt in job.unsent:
            raise RuntimeError("the broker's")
        if has_come is False:
            log.note(job.id, "cut", current_execution(), headers.get("task"))
            raise SoftTimeLimitExceeded
        result = inside(self, *args, **kwargs)
        if own:
            log.note(job.id, "sent", current_execution(), headers.get("task"), delay_of(headers.get("eta")))
        if has_come:
            log.note(job.id, "cut", current_execution(), headers.get("task"))
            raise SoftTimeLimitExceeded
        return result

    Producer.publish = publish


def delay_of(eta: str | None) -> float:
    """Seconds until then."""
    return 0.0 if eta is None else (datetime.fromisoformat(eta) - datetime.now(UTC)).total_seconds()


def watch_storing() -> None:
    inside = Backend.store_result

    def store_result(self: Backend, task_id: str, result: Any, state: str, **kwargs: Any) -> Any:
        found = under_way()
        # STARTED is stored before the attempt counts as one.
        if found is not None and task_id == found[0].id and found[1] in found[0].unstored and state != "STARTED":
            raise RuntimeError("the backend's")
        stored = inside(self, task_id, result, state, **kwargs)
        if task_id.startswith("job-"):
            log.note(task_id, "stored", current_execution(), state)
        return stored

    Backend.store_result = store_result


watch_publishing()
watch_storing()

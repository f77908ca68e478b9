"""What Celery knows of a job, as the fields of `Job`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from celery import Celery, Task
from celery.app.task import Context

from jobreporter.sourcekit import STAMP_KEY, new_delivery
from jobreporter.sources.celery._message import DELIVERY, NODE, seconds, shown_instead, stamp_of
from jobreporter.sources.celery._tasks import most_attempts, own

logger = logging.getLogger("jobreporter")

#: A name under which values are secret.
_HIDDEN = "secret"


def delivery_of(request: Any) -> str:
    """What tells this delivery from any other; made up where no worker has written it, as for a job that runs eagerly."""
    return str(request.get(DELIVERY) or new_delivery())


def node_of(request: Any) -> Any:
    """The name of the worker that runs it."""
    return request.get(NODE) or request.hostname


def job_fields(task: Task, request: Any, delivery: str) -> dict[str, Any]:
    """The fields of `Job`. What a message or a caller has in a form of its own is left out, field by field.

    request: a `celery.app.task.Context`, as a task has it and as signals bring it. delivery: what `delivery_of` says.
    """
    app = task.app
    job_id = str(request.id)
    attempt = attempt_of(request)
    root_id = _text(request.root_id) or job_id
    parent_id = _text(request.parent_id)
    stamp = stamp_of(request.headers)
    delivered = _mapping(request.delivery_info)
    priority = delivered.get("priority")
    args, kwargs = request.args, request.kwargs
    fields = {
        "name": task.name,
        "function": own(task).function,
        "source": "celery",
        "id": job_id,
        "execution_id": f"{job_id}:{attempt}:{delivery}",
        "queue": _queue(app, delivered),
        # What is neither may be read only once, and is for the job to read.
        "args": tuple(args) if isinstance(args, list | tuple) else () if args is None else (args,),
        "kwargs": kwargs or {},
        "attempt": attempt,
        "max_attempts": most_attempts(task, attempt),
        "enqueued_at": stamp.get("enqueued_at"),
        "scheduled_at": seconds(request.eta),
        "priority": priority if type(priority) is int else None,
        "correlation_id": stamp.get("correlation_id") or root_id,
        "root_id": root_id,
        "parent_id": None if parent_id == job_id else parent_id,  # Celery says so of a first job's retry
        "extra": _extra(task, request, delivered),
    }
    _hide(fields, request)
    return fields


def unknown_job_fields(app: Celery, message: Any) -> dict[str, Any]:
    """The fields of `Job` for a message whose task isn't registered."""
    task = app.Task()
    task.max_retries = None
    facts = dict(message.headers)
    args: Any = ()
    kwargs: Any = {}
    try:
        if "task" in facts:
            args, kwargs, _ = message.payload
        else:  # of Celery's older protocol
            facts |= message.payload
            args, kwargs = facts.get("args"), facts.get("kwargs")
    except Exception:
        logger.debug("the arguments of an unknown task can't be read", exc_info=True)
    task.name = str(facts.get("task"))
    delivered = _mapping(message.delivery_info) | {"priority": message.properties.get("priority")}
    request = Context(facts, args=args, kwargs=kwargs, delivery_info=delivered, properties=message.properties)
    return job_fields(task, request, delivery_of(request))


def attempt_of(request: Any) -> int:
    """Which attempt at its job this is, from 1."""
    retries = request.retries
    return retries + 1 if isinstance(retries, int) else 1


def _queue(app: Celery, delivered: Mapping[str, Any]) -> str | None:
    """The name of the queue. Messages name an exchange and a routing key, which mostly is that name.

    Of the exchange without a name it always is: AMQP 0-9-1, 3.1.3.1.
    """
    exchange, key = delivered.get("exchange"), _text(delivered.get("routing_key"))
    if not exchange:
        return key
    queues = app.amqp.queues
    if key is not None and key not in queues:
        for name, queue in queues.items():
            if queue.routing_key == key and queue.exchange.name == exchange:
                return str(name)
    return key


def _extra(task: Task, request: Any, delivered: Mapping[str, Any]) -> dict[str, Any]:
    limits = request.timelimit
    hard, soft = limits if isinstance(limits, list | tuple) and len(limits) == 2 else (None, None)
    known = {
        "node": node_of(request),
        "group": request.group,
        "shadow": request.shadow,
        "expires_at": seconds(request.expires),
        "timeout": hard or task.time_limit,
        "soft_timeout": soft or task.soft_time_limit,
        # A message that isn't acknowledged before its job is over is given out again if its worker is lost.
        "redelivered": bool(task.acks_late) or None,
        "delivered_before": delivered.get("redelivered") or None,
        "eager": None,
    }
    if request.is_eager:
        known |= {"eager": True, "redelivered": None}
    return {name: value for name, value in known.items() if value is not None}


def _hide(fields: dict[str, Any], request: Any) -> None:
    """Show no more of the arguments than the program does, which has a text of its own for Celery's log and monitors.

    What isn't in there counts as secret: the job's error doesn't show it either.
    """
    stamp = request.headers.get(STAMP_KEY) if isinstance(request.headers, Mapping) else None
    instead = shown_instead(stamp, request.properties)
    if not instead:
        return
    if (text := instead.get("argsrepr")) is not None:
        fields["argument_names"] = tuple("shown" if _is_in(text, each) else _HIDDEN for each in fields["args"])
    if (text := instead.get("kwargsrepr")) is not None and isinstance(fields["kwargs"], Mapping):
        shown = {name: value for name, value in fields["kwargs"].items() if _is_in(text, value)}
        hidden = {name: value for name, value in fields["kwargs"].items() if name not in shown}
        fields["kwargs"] = shown | ({_HIDDEN: hidden} if hidden else {})
    fields["extra"] |= instead


def _is_in(text: str, value: object) -> bool:
    """Whether the text shows this very value: in quotes, since a number may be there by chance."""
    return type(value) is str and repr(value) in text


def _mapping(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _text(value: object) -> str | None:
    """An id or a key as text; anything but text and numbers is none."""
    return value if isinstance(value, str) else str(value) if type(value) is int else None

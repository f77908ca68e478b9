"""What Celery knows of a job, as the fields of `Job`, and what is written on its message to know the rest."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from celery import Celery, Task

from jobreporter.sources._delivery import new_delivery
from jobreporter.sources._stamp import KEY, fields_of, stamped

#: Under this name a request carries what tells this delivery of a message from any other of it. The worker's main
#: process writes it, and the pool's child reads it: brokers may use a delivery tag twice, and don't tell it the child.
DELIVERY = "jobreporter_delivery"

#: What Celery's headers have no room for; the others of a stamp they have themselves.
_STAMPED = ("enqueued_at", "correlation_id")


def stamp(headers: dict[str, Any]) -> None:
    """Write on a message when it is sent, and which request or job it goes back to."""
    stamp = stamped(headers.get(KEY))
    headers[KEY] = {field: stamp[field] for field in _STAMPED if field in stamp}
    headers.pop(DELIVERY, None)  # a retry brings along all headers of the attempt before


def delivery_of(request: Any) -> str:
    """What tells this delivery from any other; made up where no worker has written it, as for a job that runs eagerly."""
    return str(request.get(DELIVERY) or new_delivery())


def describe(task: Task, request: Any, delivery: str) -> dict[str, Any]:
    """The fields of `Job`.

    request: a `celery.app.task.Context`, as a task has it and as signals bring it. delivery: what `delivery_of` says.
    """
    app = task.app
    job_id = str(request.id)
    attempt = (request.retries or 0) + 1
    root_id = request.root_id or job_id
    stamp = fields_of((request.headers or {}).get(KEY))
    delivered = request.delivery_info or {}
    priority = delivered.get("priority")
    return {
        "name": task.name,
        "function": getattr(task.run, "__wrapped__", task.run),  # mostly without what is ours around it
        "source": "celery",
        "id": job_id,
        "execution_id": f"{job_id}:{attempt}:{delivery}",
        "queue": _queue(app, delivered),
        "args": tuple(request.args or ()),
        "kwargs": request.kwargs or {},
        "attempt": attempt,
        "max_attempts": None if task.max_retries is None else task.max_retries + 1,
        "enqueued_at": stamp.get("enqueued_at"),
        "scheduled_at": seconds(app, request.eta),
        "priority": priority if isinstance(priority, int) else None,
        "correlation_id": stamp.get("correlation_id") or root_id,
        "root_id": root_id,
        "parent_id": None
        if request.parent_id == job_id
        else request.parent_id,  # Celery says so of a first job's retry
        "extra": _extra(task, request, app, delivered),
    }


def seconds(app: Celery, moment: datetime | str | None) -> float | None:
    """Unix time of one of Celery's times; without a zone it is in the app's."""
    if not moment:
        return None
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=app.timezone)
    return moment.astimezone(UTC).timestamp()


def _queue(app: Celery, delivered: dict[str, Any]) -> str | None:
    """The name of the queue. Messages name an exchange and a routing key, which mostly is that name.

    Of the exchange without a name it always is: AMQP 0-9-1, 3.1.3.1.
    """
    exchange, key = delivered.get("exchange"), delivered.get("routing_key")
    if not exchange:
        return key
    queues = app.amqp.queues
    if key is not None and key not in queues:
        for name, queue in queues.items():
            if queue.routing_key == key and queue.exchange.name == exchange:
                return str(name)
    return key


def _extra(task: Task, request: Any, app: Celery, delivered: dict[str, Any]) -> dict[str, Any]:
    hard, soft = request.timelimit or (None, None)
    known = {
        "node": request.hostname,
        "group": request.group,
        "shadow": request.shadow,
        "expires_at": seconds(app, request.expires),
        "timeout": hard or task.time_limit,
        "soft_timeout": soft or task.soft_time_limit,
        "redelivered": delivered.get("redelivered") or None,
        "eager": request.is_eager or None,
    }
    return {name: value for name, value in known.items() if value is not None}

"""What Dramatiq's messages say of a job, and what is written on them."""

from __future__ import annotations

from typing import Any

from dramatiq import Actor, Broker, Message, MessageProxy
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import Retries

from jobreporter import Execution
from jobreporter.sourcekit import STAMP_KEY, count_of, fields_of_stamp, moment_of, new_delivery, stamped

#: In the stamp of a message that waits in a worker's memory until it is due.
_DELAYED = "delayed"


def stamp(message: Message[Any]) -> None:
    """Write on a message that it is enqueued now, and by which job.

    When a delayed message is due, its worker enqueues it a second time: what it says of itself is kept.
    """
    former = _stamp_on(message)
    if former.pop(_DELAYED, False):
        message.options[STAMP_KEY] = former
        return
    execution = Execution.current()
    if execution is not None and execution.job.id == message.message_id:
        # For another attempt. What it descends from is known, even where the message doesn't say it.
        job = execution.job
        former = {"correlation_id": job.correlation_id, "root_id": job.root_id, "parent_id": job.parent_id}
    # With a root of its own, a message can be told from one that is new.
    message.options[STAMP_KEY] = {"root_id": message.message_id, **stamped(former)}


def delayed(message: MessageProxy) -> None:
    """Write on a message when it is due: its `eta` will be gone by then."""
    message.options[STAMP_KEY] = {
        "enqueued_at": _enqueued_at(message),
        **_stamp_on(message),
        "scheduled_at": _seconds(message.options.get("eta")),
        _DELAYED: True,
    }


def job_fields(broker: Broker, message: MessageProxy) -> dict[str, Any]:
    """The fields of `Job`, before a retry counts them up."""
    actor = broker.get_actor(message.actor_name)
    return {
        **_message_fields(broker, message, actor.options),
        "function": actor.fn,
        "args": tuple(message.args),
        "max_attempts": _max_attempts(broker, actor, message),
        "priority": actor.priority,
    }


def undeclared_fields(broker: Broker, message: MessageProxy) -> dict[str, Any]:
    """The fields of `Job` for a message that has no actor here: without positional arguments, any of which may be a secret."""
    return _message_fields(broker, message, {})


def _message_fields(broker: Broker, message: MessageProxy, options: dict[str, Any]) -> dict[str, Any]:
    """What the message says by itself. It comes from outside, with anything among its options. options: the actor's."""
    said = _stamp_on(message)
    attempt = (count_of(message.options.get("retries")) or 0) + 1
    return {
        "name": message.actor_name,
        "source": "dramatiq",
        "id": message.message_id,
        # A message may be delivered twice with the same number.
        "execution_id": f"{message.message_id}:{attempt}:{new_delivery()}",
        "queue": message.queue_name,
        "kwargs": message.kwargs,
        "attempt": attempt,
        "enqueued_at": _enqueued_at(message),
        "scheduled_at": moment_of(said.get("scheduled_at")),
        "extra": _extra(broker, {**options, **message.options}),
        "correlation_id": message.message_id,
        "root_id": message.message_id,
        **fields_of_stamp(said),
    }


def _extra(broker: Broker, options: dict[str, Any]) -> dict[str, Any]:
    limits = {name: _seconds(options.get(name)) for name in ("time_limit", "max_age")}
    extra: dict[str, Any] = {name: seconds for name, seconds in limits.items() if seconds}
    if not isinstance(broker, StubBroker):  # which is gone with its process
        # A message that wasn't acknowledged is delivered again.
        extra["redelivered"] = True
    return extra


def _stamp_on(message: Message[Any] | MessageProxy) -> dict[str, Any]:
    """A copy. Messages come from outside, with anything under this name."""
    said = message.options.get(STAMP_KEY)
    return dict(said) if isinstance(said, dict) else {}


def _enqueued_at(message: MessageProxy) -> float | None:
    """By what Dramatiq keeps: when it was made, or tried again."""
    return _seconds(message.options.get("requeue_timestamp")) or _seconds(message.message_timestamp)


def _seconds(milliseconds: object) -> float | None:
    number = moment_of(milliseconds)
    return None if number is None else number / 1000


def _max_attempts(broker: Broker, actor: Actor[Any, Any], message: MessageProxy) -> int | None:
    """As `Retries` finds it. A predicate that decides instead knows no number."""
    for middleware in broker.middleware:
        if isinstance(middleware, Retries):
            if actor.options.get("retry_when", middleware.retry_when):
                return None
            most = message.options.get("max_retries", actor.options.get("max_retries", middleware.max_retries))
            return None if count_of(most) is None else most + 1
    return 1

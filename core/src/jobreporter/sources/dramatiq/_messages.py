"""What Dramatiq's messages say of a job, and what is written on them."""

from __future__ import annotations

from typing import Any

from dramatiq import Broker, Message, MessageProxy
from dramatiq.middleware import Retries

from jobreporter import Execution
from jobreporter.sources._delivery import new_delivery
from jobreporter.sources._stamp import KEY, fields_of, stamped

#: In the stamp of a message that waits in a worker's memory until it is due.
_DELAYED = "delayed"


def stamp(message: Message[Any]) -> None:
    """Write on a message that it is enqueued now, and by which job.

    When a delayed message is due, its worker enqueues it a second time: what it says of itself is kept.
    """
    former = _stamp_on(message)
    if former.pop(_DELAYED, False):
        message.options[KEY] = former
        return
    execution = Execution.current()
    if execution is not None and execution.job.id == message.message_id:
        # For another attempt. What it descends from is known, even where the message doesn't say it.
        job = execution.job
        former = {"correlation_id": job.correlation_id, "root_id": job.root_id, "parent_id": job.parent_id}
    # With a root of its own, a message can be told from one that is new.
    message.options[KEY] = {"root_id": message.message_id, **stamped(former)}


def delayed(message: MessageProxy) -> None:
    """Write on a message when it is due: its `eta` will be gone by then."""
    message.options[KEY] = {
        "enqueued_at": _enqueued_at(message),
        **_stamp_on(message),
        "scheduled_at": message.options["eta"] / 1000,
        _DELAYED: True,
    }


def describe(broker: Broker, message: MessageProxy) -> dict[str, Any]:
    """The fields of `Job`, before a retry counts them up."""
    actor = broker.get_actor(message.actor_name)
    options = {**actor.options, **message.options}
    said = _stamp_on(message)
    attempt = options.get("retries", 0) + 1
    return {
        "name": message.actor_name,
        "function": actor.fn,
        "source": "dramatiq",
        "id": message.message_id,
        # A message may be delivered twice with the same number.
        "execution_id": f"{message.message_id}:{attempt}:{new_delivery()}",
        "queue": message.queue_name,
        "args": tuple(message.args),
        "kwargs": message.kwargs,
        "attempt": attempt,
        "max_attempts": _max_attempts(broker, options),
        "enqueued_at": _enqueued_at(message),
        "scheduled_at": said.get("scheduled_at"),
        "priority": actor.priority,
        "extra": {name: options[name] / 1000 for name in ("time_limit", "max_age") if options.get(name)},
        "correlation_id": message.message_id,
        "root_id": message.message_id,
        **fields_of(said),
    }


def _stamp_on(message: Message[Any] | MessageProxy) -> dict[str, Any]:
    """A copy. Messages come from outside, with anything under this name."""
    said = message.options.get(KEY)
    return dict(said) if isinstance(said, dict) else {}


def _enqueued_at(message: MessageProxy) -> float:
    """By what Dramatiq keeps: when it was made, or tried again."""
    milliseconds: int = message.options.get("requeue_timestamp") or message.message_timestamp
    return milliseconds / 1000


def _max_attempts(broker: Broker, options: dict[str, Any]) -> int | None:
    """As `Retries` finds it. A predicate that decides instead knows no number."""
    for middleware in broker.middleware:
        if isinstance(middleware, Retries):
            most = options.get("max_retries", middleware.max_retries)
            return None if most is None or options.get("retry_when", middleware.retry_when) else most + 1
    return 1

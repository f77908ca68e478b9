"""What is written on a message when it is sent, and read from it: the stamp, and which job it is for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from jobreporter.sourcekit import STAMP_KEY, fields_of_stamp, stamped

#: Under this name a request carries what tells this delivery of a message from any other of it. The worker's main
#: process writes it, and the pool's child reads it: brokers may use a delivery tag twice, and don't tell it the child.
DELIVERY = "jobreporter_delivery"

#: And under this one the name of the worker that has taken the message. Where a process has several workers, or one that a
#: program has made itself, Celery tells a job another one's name, or the machine's.
NODE = "jobreporter_node"

#: What Celery's headers have no room for; the others of a stamp they have themselves.
_STAMPED = ("enqueued_at", "correlation_id")

#: Options of a message with which a program hides its arguments, and shows a text of its own.
SHOWN_INSTEAD = ("argsrepr", "kwargsrepr")


class Sent(NamedTuple):
    """A message that was sent for another attempt. eta: the Unix time at which a worker may run it, if not at once."""

    eta: float | None

    @classmethod
    def of(cls, headers: Any, body: Any) -> Sent:
        """The message of Celery's signals."""
        return cls(seconds(_facts(headers, body).get("eta")))


def job_of(headers: Any, body: Any) -> tuple[object, object]:
    """Which job a message is for: its id, and the name of its task."""
    facts = _facts(headers, body)
    return facts.get("id"), facts.get("task")


def _facts(headers: Any, body: Any) -> Mapping[str, Any]:
    # Celery's older protocol has everything in the body.
    return headers if "id" in headers else body if isinstance(body, Mapping) else {}


def stamp(headers: dict[str, Any], properties: Any = None) -> None:
    """Write on a message when it is sent, which request or job it goes back to, and what its program shows of it."""
    former = headers.get(STAMP_KEY)
    stamp = stamped(former)
    headers[STAMP_KEY] = {field: stamp[field] for field in _STAMPED if field in stamp} | shown_instead(
        former, properties
    )
    for name in (DELIVERY, NODE):
        headers.pop(name, None)  # a retry brings along all headers of the attempt before


def shown_instead(*places: object) -> dict[str, str]:
    """The texts that a program shows instead of arguments, by their option's name.

    They are among a message's properties only if the program gave them; its headers always have some. A retry has them
    in the stamp alone.
    """
    return {
        name: place[name]
        for place in places
        if isinstance(place, Mapping)
        for name in SHOWN_INSTEAD
        if isinstance(place.get(name), str)
    }


def stamp_of(headers: object) -> Mapping[str, Any]:
    """The fields of `Job` that a message's stamp tells. headers: the request's, which come from outside."""
    return fields_of_stamp(headers.get(STAMP_KEY)) if isinstance(headers, Mapping) else {}


def seconds(moment: object) -> float | None:
    """Unix time of one of Celery's times. One without a zone is in UTC, whatever the app's zone is, as Celery has it."""
    try:
        if isinstance(moment, str):
            moment = datetime.fromisoformat(moment)
        if not isinstance(moment, datetime):
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None

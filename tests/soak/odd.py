"""Things that are no events, and answer whoever asks them anything with an exception."""

from __future__ import annotations

from typing import Any, NoReturn

from jobreporter.testing import make_event, make_job


def _refuse(*_arguments: object) -> NoReturn:
    raise SystemExit("asked")


class _OddClass(type):
    __hash__ = __eq__ = __bool__ = __instancecheck__ = _refuse  # type: ignore[assignment]


class Odd(metaclass=_OddClass):
    """Neither it nor its class can be hashed, compared, looked into or shown."""

    __getattribute__ = __hash__ = __eq__ = __bool__ = __len__ = __iter__ = __repr__ = __str__ = _refuse  # type: ignore[assignment]


class OddText(str):
    """A text that can't be used as one."""

    __slots__ = ()
    __hash__ = __eq__ = __len__ = encode = isascii = _refuse  # type: ignore[assignment]


def odd_items(id: str) -> list[Any]:
    """What may be published by mistake. id: that of the jobs in them."""
    return [
        None,
        object(),
        Exception,
        Odd,
        Odd(),
        OddText("started"),
        make_job(id=id),
        make_event("started", job=make_job(id=id, kwargs={"it": object()})),
        make_event("started", job=make_job(id=id, args=(Odd(),))),
        make_event("success", job=make_job(id=id), tags={"it": OddText("x")}),
        make_event("stopped", job=make_job(id=id, name=OddText("x"))),
        make_event("failure", job=make_job(id=id), error=Odd()),
    ]

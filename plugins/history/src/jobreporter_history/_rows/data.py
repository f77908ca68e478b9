"""The part of a row that nothing is looked up by: one text of JSON."""

from __future__ import annotations

from typing import Any

import msgspec


class Texts(msgspec.Struct, frozen=True, omit_defaults=True, array_like=True):
    """What is unique in one error of a chain or group: it is left out of the body that alike errors share."""

    message: str = ""
    notes: tuple[str, ...] = ()
    #: The local variables of its frames, if they were captured.
    locals: tuple[dict[str, Any] | None, ...] = ()


class Data(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything about an execution that has no column."""

    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}
    tags: dict[str, str] = {}
    extra: dict[str, Any] = {}
    correlation: str | None = None
    priority: int | None = None
    #: The type of the error.
    type: str | None = None
    #: Of the error and all that it refers to, in the order of `error_body.walk`. The first's message has a column.
    texts: tuple[Texts, ...] = ()
    #: Whether something was left out or shortened.
    shortened: bool = False
    #: The fields of its series, where it is counted in the one for all that are too many.
    job: dict[str, str] | None = None


_decoder = msgspec.json.Decoder(Data)
_encoder = msgspec.json.Encoder()


def decode(stored: str) -> Data:
    """What `encode` made."""
    return _decoder.decode(stored)


def encode(data: Data) -> str:
    """As it is stored."""
    return _encoder.encode(data).decode()

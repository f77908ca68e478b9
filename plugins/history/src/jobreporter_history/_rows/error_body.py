"""An error in two parts: the body that all alike errors share, and the texts that are unique."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from jobreporter import ErrorInfo, Frame
from jobreporter_history._rows.data import Texts

# Bytes of a body, before it is compressed. Where it is longer, each error keeps fewer frames, and then the group fewer
# members and the chain fewer links.
_LONGEST = 256 * 1024
_FRAMES = (40, 10, 4)
_DEPTH = 5

_decoder = msgspec.json.Decoder(ErrorInfo)


class Body(NamedTuple):
    """What is stored once for all errors that are alike."""

    hash: str
    #: As JSON, not compressed yet: it may be stored already.
    json: bytes

    @property
    def stored(self) -> bytes:
        """As it is stored."""
        return zlib.compress(self.json, 6)


def split(error: ErrorInfo) -> tuple[Body, tuple[Texts, ...]]:
    """The body of an error, and its texts in the order of `walk`."""
    bounded = _bounded(error)
    texts = tuple(_texts(each) for each in walk(bounded))
    encoded = msgspec.json.encode(_bare(bounded))
    return Body(blake2b(encoded, digest_size=16).hexdigest(), encoded), texts


def joined(stored: bytes, message: str, texts: Sequence[Texts]) -> ErrorInfo:
    """The error of a stored body and its texts. message: that of the first. Texts that are missing are empty."""
    bare = _decoder.decode(zlib.decompress(stored))
    waiting = iter(texts)
    whole = _dressed(bare, waiting)
    return replace(whole, message=message)


def walk(error: ErrorInfo) -> Iterator[ErrorInfo]:
    """The error, then its cause, its context and its members, each with all that it refers to."""
    yield error
    for other in (error.cause, error.context, *error.exceptions):
        if other is not None:
            yield from walk(other)


def _texts(error: ErrorInfo) -> Texts:
    variables = tuple(frame.locals for frame in error.frames)
    return Texts(message=error.message, notes=error.notes, locals=variables if any(variables) else ())


def _bare(error: ErrorInfo) -> ErrorInfo:
    frames = error.frames
    if any(frame.locals is not None for frame in frames):
        frames = tuple(replace(frame, locals=None) for frame in frames)
    return replace(
        error,
        message="",
        notes=(),
        frames=frames,
        cause=None if error.cause is None else _bare(error.cause),
        context=None if error.context is None else _bare(error.context),
        exceptions=tuple(map(_bare, error.exceptions)),
    )


def _dressed(bare: ErrorInfo, texts: Iterator[Texts]) -> ErrorInfo:
    own = next(texts, Texts())
    frames = bare.frames
    if len(own.locals) == len(frames):
        frames = tuple(replace(frame, locals=each) for frame, each in zip(frames, own.locals, strict=True))
    return replace(
        bare,
        message=own.message,
        notes=own.notes,
        frames=frames,
        cause=None if bare.cause is None else _dressed(bare.cause, texts),
        context=None if bare.context is None else _dressed(bare.context, texts),
        exceptions=tuple(_dressed(member, texts) for member in bare.exceptions),
    )


def _bounded(error: ErrorInfo) -> ErrorInfo:
    """The error itself, or so much of it that its body isn't too long."""
    for frames in _FRAMES:
        if _size(error) <= _LONGEST:
            return error
        error = _with_fewer(error, frames, _DEPTH)
    return error if _size(error) <= _LONGEST else replace(error, cause=None, context=None, exceptions=())


def _size(error: ErrorInfo) -> int:
    """About how long the body is."""
    return sum(200 + sum(map(len, each.mro)) + sum(map(_frame_size, each.frames)) for each in walk(error))


def _frame_size(frame: Frame) -> int:
    return 60 + len(frame.filename) + len(frame.function) + len(frame.module or "") + len(frame.line or "")


def _with_fewer(error: ErrorInfo, frames: int, depth: int) -> ErrorInfo:
    kept, omitted = error.frames, error.frames_omitted
    if len(kept) > frames:
        omitted += len(kept) - frames
        kept = kept[: frames // 2] + kept[-(frames // 2) :]
    deeper = depth > 0
    return replace(
        error,
        frames=kept,
        frames_omitted=omitted,
        cause=_with_fewer(error.cause, frames, depth - 1) if error.cause is not None and deeper else None,
        context=_with_fewer(error.context, frames, depth - 1) if error.context is not None and deeper else None,
        exceptions=tuple(_with_fewer(member, frames, depth - 1) for member in error.exceptions[:10]) if deeper else (),
    )

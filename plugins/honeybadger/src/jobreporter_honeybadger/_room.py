"""Making a notice fit: what is given up first, and what last."""

from __future__ import annotations

from typing import Any, NamedTuple

from jobreporter_honeybadger._data import cut, short, texts, to_json

#: Honeybadger's limit: 256 KB, in bytes of the body.
MOST_BYTES = 262_144

_MANY = 1_000_000


class Room(NamedTuple):
    """How much of a notice may stay."""

    #: Characters of a text; the error's message may have ten times as many.
    text: int = _MANY
    #: Items of each list and table of the job's.
    items: int = _MANY
    #: How deep lists and tables of the job's may be nested.
    depth: int = _MANY
    #: Calls of a backtrace: mostly the innermost, a quarter of them the outermost.
    frames: int = _MANY
    causes: int = _MANY
    #: What of the job's own data goes altogether.
    without: frozenset[str] = frozenset()


_LOCALS = frozenset({"local_variables"})
_ARGUMENTS = _LOCALS | {"params"}

#: From everything to what always fits. What was raised, where, and by which job, goes last.
ROOMS = (
    Room(),
    Room(without=_LOCALS),
    Room(text=4_000, items=200, depth=10, causes=10, without=_LOCALS),
    Room(text=1_000, items=50, depth=5, frames=40, causes=5, without=_LOCALS),
    Room(text=500, items=20, depth=3, frames=20, causes=3, without=_ARGUMENTS),
    Room(text=150, items=10, depth=1, frames=12, causes=1, without=_ARGUMENTS | {"extra", "tags"}),
)


def encoded(notice: dict[str, Any], limit: int = MOST_BYTES) -> bytes:
    """The notice as JSON of at most ``limit`` bytes, as much of it as fits. The notice itself stays as it is.

    One that had to be trimmed says so in its context. A limit below `MOST_BYTES` may be exceeded: the last of the rooms is all
    that can be done.
    """
    body = to_json(notice)
    for room in ROOMS[1:]:
        if len(body) <= limit:
            break
        body = to_json(trimmed(notice, room))
    return body


def trimmed(notice: dict[str, Any], room: Room) -> dict[str, Any]:
    """What of the notice has a place in the room."""
    found: dict[str, Any] = texts(
        notice | {"error": _error(notice["error"], room), "request": _request(notice["request"], room)}, room.text
    )
    found["error"]["message"] = cut(notice["error"]["message"], room.text * 10)
    return found


def _error(error: dict[str, Any], room: Room) -> dict[str, Any]:
    causes = [cause | {"backtrace": _calls(cause, room)} for cause in error["causes"][: room.causes]]
    return error | {"backtrace": _calls(error, room), "causes": causes, "tags": error["tags"][: room.items]}


def _calls(error: dict[str, Any], room: Room) -> list[Any]:
    calls: list[Any] = error["backtrace"]
    if len(calls) <= room.frames:
        return calls
    outermost = room.frames // 4
    return calls[: room.frames - outermost] + calls[len(calls) - outermost :]


def _request(request: dict[str, Any], room: Room) -> dict[str, Any]:
    context = _data(request["context"], room, "tags")
    context["job"] = _data(context["job"], room, "extra")
    return _data(request, room, "params", "local_variables") | {"context": context | {"trimmed": True}}


def _data(table: dict[str, Any], room: Room, *names: str) -> dict[str, Any]:
    """The table with the job's own data in it, which stands under these names, made smaller or left out."""
    kept = {name: value for name, value in table.items() if name not in room.without}
    return kept | {name: short(kept[name], room.items, room.depth) for name in names if name in kept}

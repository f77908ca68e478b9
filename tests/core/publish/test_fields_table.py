"""The table of what a field may be: it is the one of the guide to writing a source, and each cell of it is tried."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from jobreporter import Aborted, Dispatcher, Failure, Job, Success
from jobreporter._publish import fields as table
from jobreporter.testing import Recorder, make_error
from tests.packaging.documents import code_words, rows

GUIDE = Path(__file__).parents[3] / "docs/writing-a-source.md"
ROWS = rows(inspect.getdoc(table) or "", "fields")
MOMENT = datetime(2026, 1, 2, tzinfo=UTC)
SOME_ID = UUID("12345678123456781234567812345678")
ODD = object()


class Tried(NamedTuple):
    """Values for the fields of one row, by its first field. turned: each with what becomes of it."""

    taken: tuple[Any, ...] = ()
    turned: tuple[tuple[Any, Any], ...] = ()
    refused: tuple[Any, ...] = ()


TRIED = {
    "name": Tried(("mail",), (), (7, b"mail", ODD)),
    "queue": Tried(("mail", None), (), (7, b"mail", ODD)),
    "id": Tried(("a",), ((7, "7"), (SOME_ID, str(SOME_ID))), (1.5, b"a", True, ODD)),
    "attempt": Tried((1, 3), (), (0, True, "3", 10**400, 1.0, ODD)),
    "priority": Tried((-3, 0, None), (), (True, "high", 10**400, ODD)),
    "enqueued_at": Tried(
        (12.0, None),
        ((MOMENT, MOMENT.timestamp()),),
        (math.nan, math.inf, "now", True, MOMENT.replace(tzinfo=None), ODD),
    ),
    "args": Tried((), ((({1: MOMENT},), ({"1": repr(MOMENT)},)),), ()),
    "extra": Tried(({"a": 1},), (({"a": MOMENT}, {"a": repr(MOMENT)}),), ([1], "text", ODD)),
    "tags": Tried(("a",), ((7, "7"), (MOMENT, str(MOMENT))), ()),
    "reason": Tried(("skipped",), ((7, "7"),), ()),
    "error": Tried((make_error(),), (), ("boom", ValueError, ODD)),
    "will_retry": Tried((True, False, None), (), (1, "no", ODD)),
    "retry_delay": Tried((0.0, 2.5, None), ((timedelta(minutes=2), 120.0),), (-1, math.nan, True, "3", ODD)),
    "exit_status": Tried((-9, 1, None), (), (True, 1.5, "1", ODD)),
    "kind": Tried(("exception", "timeout", "worker_lost", "exit_code"), (), ("tiemout", 3, ODD)),
}


def said(dispatcher: Dispatcher, recorder: Recorder, field: str, value: Any, *, strict: bool) -> Any:
    """What reporters get for the field where this was said."""
    running = dispatcher.begin("a", strict=strict) if field not in Job.__struct_fields__ else None
    match field:
        case "name":
            running = dispatcher.begin(value, strict=strict)
        case "tags":
            assert running is not None
            running.tag(tag=value)
        case "reason":
            assert running is not None
            running.abort(value)
        case "error":
            assert running is not None
            running.fail(value)
        case _ if running is not None:
            running.fail(ValueError("x"), **{field: value})
        case _:
            running = dispatcher.begin("a", strict=strict, **{field: value})
    if field == "tags":
        running.succeed()
    running.stop()
    assert dispatcher.flush(20)
    [outcome] = [each for each in recorder.events if isinstance(each, Success | Aborted | Failure)]
    if field == "tags":
        return outcome.tags["tag"]
    return getattr(outcome if field not in Job.__struct_fields__ else outcome.job, field)


def test_the_guide_has_the_same_table() -> None:
    """Word for word: whoever writes a source reads it there."""
    assert rows(GUIDE, "fields") == ROWS


def test_it_has_every_field() -> None:
    """Of a job, and of an outcome as far as a program says it; each row is tried."""
    fields = [field for row in ROWS for field in code_words(row[0])]
    assert sorted(fields) == sorted([*Job.__struct_fields__, *table.OUTCOME, "tags", "reason", "error"])
    assert list(TRIED) == [code_words(row[0])[0] for row in ROWS]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_cell_is_so(row: list[str]) -> None:
    """What is taken stays as it is, what is turned becomes that, and what is refused reaches no reporter."""
    first, _, taken, turned, refused = row
    tried = TRIED[code_words(first)[0]]
    assert bool(tried.taken) == (taken != "anything" or "tags" in first or "reason" in first)
    assert bool(tried.turned) == ("become" in turned)
    assert bool(tried.refused) == bool(refused)
    for field in code_words(first):
        pairs = [*((value, value) for value in tried.taken), *tried.turned]
        if field == "kwargs":
            pairs = [(value[0], expected[0]) for value, expected in pairs]
        for value, expected in pairs:
            found = with_dispatcher(lambda d, r, f=field, v=value: said(d, r, f, v, strict=True))
            assert found == expected, (field, value, found)
        for value in tried.refused:
            check_refusal(field, value)


def check_refusal(field: str, value: Any) -> None:
    """It is raised where a program says it, and left out where a source has it from outside."""
    with pytest.raises((TypeError, ValueError), match=rf"^(job )?{field}: "):
        with_dispatcher(lambda d, r: said(d, r, field, value, strict=True))
    if field != "name":  # there is no job without one
        found = with_dispatcher(lambda d, r: said(d, r, field, value, strict=False))
        assert found is not value


def with_dispatcher(call: Callable[[Dispatcher, Recorder], Any]) -> Any:
    recorder = Recorder()
    with Dispatcher({"recorder": recorder}) as dispatcher:
        return call(dispatcher, recorder)

"""How options may be declared, and the words for each kind of type."""

from __future__ import annotations

import dataclasses
import datetime
import sys
from collections.abc import Sequence
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, TypeVar

import msgspec
import pytest

from jobreporter._config.plugin_options import check_options, describe_options, resolve_options
from jobreporter.errors import PluginError
from jobreporter.options import Options, Secret

from .configs import reporter
from .particular_options import CANARY, faults_of, one_option

Port = NewType("Port", int)
Item = TypeVar("Item")


class Pair(msgspec.Struct, Generic[Item]):
    left: Item


class Mail(msgspec.Struct, tag="mail"):
    to: str


class Chat(msgspec.Struct, tag="chat"):
    room: int


@dataclasses.dataclass
class Point:
    x: int

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError("x lies outside")


class Span(NamedTuple):
    start: int
    end: int


class Odd:
    """A class that msgspec knows nothing of."""


@pytest.mark.parametrize(
    ("declared", "value", "result"),
    [
        (Port, 3, 3),
        (Pair[int], {"left": 1}, Pair(1)),
        (Annotated[list[Port], msgspec.Meta(min_length=1)], [3], [3]),
        (Sequence[str], ["a"], ["a"]),
        (tuple[str, ...], ["a"], ("a",)),
        (tuple[int, str], [1, "a"], (1, "a")),
        (set[int], [1, 1], {1}),
        (list, [1, "a"], [1, "a"]),
        (dict, {"a": 1}, {"a": 1}),
        (dict[str, list[int]], {"a": [1]}, {"a": [1]}),
        (int | str, "a", "a"),
        (int | list[int], [1], [1]),
        (Mail | Chat, {"type": "chat", "room": 1}, Chat(1)),
        (Mail, {"type": "mail", "to": "a"}, Mail("a")),
        (Point, {"x": 1}, Point(1)),
        (Span, [1, 2], Span(1, 2)),
        (datetime.date, datetime.date(2026, 1, 1), datetime.date(2026, 1, 1)),
        (datetime.timedelta, "PT30S", datetime.timedelta(seconds=30)),
        (Any, {"x": [1]}, {"x": [1]}),
        (Any, {"env": "PATH", "x": 1}, {"env": "PATH", "x": 1}),
        (Secret, Secret("passed by a program"), Secret("passed by a program")),
        (Odd | None, None, None),
    ],
)
def test_options_may_be_declared_as_msgspec_allows(declared: Any, value: Any, result: Any) -> None:
    """Nested records, generics, unions, collections, dates, constraints."""
    options = resolve_options(one_option(declared), reporter(it=value), environ={})
    assert options.it == result  # type: ignore[union-attr]
    assert type(options.it) is type(result)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("declared", "value", "problem"),
    [
        (
            Annotated[list[int], msgspec.Meta(min_length=2)],
            [3],
            "expected a list of at least 2 items, found another list",
        ),
        (
            Annotated[str, msgspec.Meta(min_length=1, max_length=3)],
            "abcd",
            "expected text of at least 1 and at most 3 ch",
        ),
        (Annotated[str, msgspec.Meta(pattern="^a")], "b", "expected text that matches ^a, found other text"),
        (Annotated[int, msgspec.Meta(gt=0)], 0, "expected a whole number above 0, found another whole number"),
        (
            Annotated[float, msgspec.Meta(ge=0, lt=1)],
            1,
            "expected a number of at least 0 and below 1, found another num",
        ),
        (Annotated[float, msgspec.Meta(le=1)], 1.5, "expected a number up to 1, found another number"),
        (
            Annotated[int, msgspec.Meta(ge=1, title="how many")],
            "a",
            "expected a whole number of at least 1, found text",
        ),
        (dict[str, int], {1: 2}, "expected a table, found another table"),
        (
            Annotated[dict[str, int], msgspec.Meta(max_length=1)],
            {"a": 1, "b": 2},
            "expected a table of at most 1 key, fo",
        ),
        (tuple[int, str], [1, 2], "expected a list, found another list"),
        (int | str, 1.5, "expected a whole number or text, found a number"),
        (Literal[1, 2], 3, "expected 1 or 2, found another whole number"),
        (Literal["a"], "q", "expected 'a', found other text"),
        (Mail | Chat, {"type": "male", "to": "a"}, "expected a table or a table, found another table"),
        (Point, {"x": "a"}, "expected a table, found another table"),
        (Point, {"x": -1}, "x lies outside"),
        (datetime.datetime, "soon", "expected a date and time, found text"),
        (datetime.time, datetime.time, "expected a time, found a type"),
        (bytes, "ä", "expected base64 text, found text"),
        (Odd, "a", "expected a Odd, found text"),
        (int, None, "expected a whole number, found nothing"),
        (None, 3, "expected nothing, found a whole number"),
        (int, Secret(CANARY), "expected a whole number, found a secret"),
        (msgspec.Raw | None, 3, "expected another type of value, found a whole number"),
    ],
)
def test_every_kind_of_type_has_words(declared: Any, value: Any, problem: str) -> None:
    """A user reads no annotations."""
    (fault,) = faults_of(one_option(declared), it=value)
    assert fault.startswith(f"option 'it': {problem}")


if sys.version_info >= (3, 12):  # the type statement is from Python 3.12

    def test_a_type_statement_means_what_it_names() -> None:
        """An alias is looked through, also for a reference in it."""
        names: dict[str, Any] = {}
        exec("type Ports = list[int]", names)
        declared = one_option(names["Ports"])
        options = resolve_options(declared, reporter(it=[1, {"env": "PORT"}]), environ={"PORT": "2"})
        assert options.it == [1, 2]  # type: ignore[union-attr]
        assert faults_of(declared, it=["a"]) == ["option 'it[0]': expected a whole number, found text"]


def test_an_options_class_that_cant_be_used_is_the_plugins_fault() -> None:
    """The error says which class, and what msgspec or Python has against it."""

    class Misdeclared(Options):
        name: Nowhere  # type: ignore[name-defined]  # noqa: F821 - what is tested

    for broken, words in ((Misdeclared, "name 'Nowhere' is not defined"), (one_option(str | bytes), "not supported")):
        for use in (check_options, resolve_options, describe_options):
            with pytest.raises(PluginError, match=words) as caught:
                use(broken, reporter(name="a"))
            assert caught.value.plugin == "x"
            assert broken.__name__ in caught.value.problem


def test_a_plugin_cant_have_an_option_that_is_the_cores_own() -> None:
    """Nobody could ever set it."""

    class ClashingOptions(Options):
        when: str = "always"

    with pytest.raises(PluginError, match="its option 'when' can't be set, since that key is jobreporter's own"):
        check_options(ClashingOptions, reporter())

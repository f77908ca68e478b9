"""What an object is made of is read without running any of its code."""

from __future__ import annotations

import dataclasses
import reprlib
from collections import ChainMap, UserDict, UserList
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

import attrs
import msgspec
import pydantic
import pytest

from jobreporter._capture.bounds import NARROW
from jobreporter._capture.plain import plain
from jobreporter._capture.redaction import Redaction
from jobreporter._capture.walk import Walk
from jobreporter._foreign.containers import is_light
from jobreporter._foreign.fields import attributes, fields, inside


@dataclasses.dataclass
class Data:
    name: str
    password: str = "pw-1-abc"  # noqa: S105 - made up
    hidden: str = dataclasses.field(default="not shown", repr=False)


@dataclasses.dataclass(slots=True)
class SlottedData:
    name: str


@dataclasses.dataclass
class OwnRepr:
    name: str

    def __repr__(self) -> str:
        return "mine"


@dataclasses.dataclass
class RecursiveRepr:
    name: str

    @reprlib.recursive_repr()
    def __repr__(self) -> str:
        return "mine"


@dataclasses.dataclass(repr=False)
class NoRepr:
    name: str


@attrs.define
class Attributes:
    name: str
    hidden: str = attrs.field(default="not shown", repr=False)
    masked: str = attrs.field(default="not shown", repr=lambda _value: "***")


class Struct(msgspec.Struct):
    name: str


class Model(pydantic.BaseModel):
    name: str
    secret: pydantic.SecretStr = pydantic.SecretStr("pw-1-abc")
    hidden: str = pydantic.Field("not shown", repr=False)


class Headers(MutableMapping[str, str]):
    """A mapping as HTTP clients have them: it keeps the names as they were given."""

    def __init__(self, given: dict[str, str]) -> None:
        self._store = {name.lower(): (name, value) for name, value in given.items()}

    def __getitem__(self, name: str) -> str:
        return self._store[name.lower()][1]

    def __setitem__(self, name: str, value: str) -> None:
        raise NotImplementedError

    def __delitem__(self, name: str) -> None:
        raise NotImplementedError

    def __iter__(self) -> Iterator[str]:
        raise SystemExit("asked")

    def __len__(self) -> int:
        raise SystemExit("asked")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Data("kim"), [("name", "kim"), ("password", "pw-1-abc")]),
        (SlottedData("kim"), [("name", "kim")]),
        (Attributes("kim"), [("name", "kim")]),
        (Struct("kim"), [("name", "kim")]),
        (Model(name="kim"), [("name", "kim"), ("secret", pydantic.SecretStr("pw-1-abc"))]),
        (ChainMap({"a": 1}, {"b": 2}), [("", {"a": 1}), ("", {"b": 2})]),
        (OwnRepr("kim"), None),
        (RecursiveRepr("kim"), None),
        (NoRepr("kim"), None),
        (object(), None),
        (pydantic.SecretStr("x"), None),
    ],
)
def test_the_fields_that_a_generated_repr_shows(value: Any, shown: Any) -> None:
    """Those that its author hid are not among them, and a class that shows itself in its own way is left to do so."""
    assert fields(value, type(value)) == shown


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (Data("kim"), "Data(name='kim', password=[redacted])"),
        (Attributes("kim"), "Attributes(name='kim')"),
        (Struct("kim"), "Struct(name='kim')"),
        (Model(name="kim"), "Model(name='kim', secret=[redacted])"),
        (OwnRepr("kim"), "mine"),
        (UserDict({"a": 1, "token": "pw-1-abc"}), {"a": 1, "token": "[redacted]"}),
        (UserList([1, 2]), [1, 2]),
        (Headers({"Accept": "a/b", "X-Api-Key": "pw-1-abc"}), {"accept": ("Accept", "a/b"), "x-api-key": "[redacted]"}),
        (ChainMap({"a": 1}, {"token": "pw-1-abc"}), "ChainMap({'a': 1}, {'token': '[redacted]'})"),
        ([Data([1, Data("x")])], ["Data(name=[1, \"Data(name='x', password=[redacted])\"], password=[redacted])"]),  # type: ignore[arg-type]
    ],
)
def test_an_object_is_shown_by_its_fields(value: Any, kept: Any) -> None:
    """Within bounds, and without what their names say to be secret."""
    walk = Walk(NARROW, Redaction())
    assert walk.value(value) == kept
    assert "pw-1-abc" not in repr(walk.value(value))


class Trap:
    """A class that declares fields, and whose every answer is an error."""

    def __getattribute__(self, name: str) -> Any:
        raise SystemExit(name)

    __repr__ = __str__ = __eq__ = __hash__ = __len__ = __iter__ = __getattribute__  # type: ignore[assignment]


def trap(**declared: Any) -> Any:
    made = type("Trapped", (Trap,), declared)()
    object.__setattr__(made, "name", "kim")
    return made


@pytest.mark.parametrize(
    "declared",
    [
        {"__dataclass_fields__": {"name": Trap()}},
        {"__dataclass_fields__": Trap()},
        {"__attrs_attrs__": (Trap(),)},
        {"__struct_fields__": ("name", 5, Trap())},
        {"__pydantic_fields__": {"name": Trap()}, "__pydantic_fields_set__": 1},
        {"model_fields": {Trap: 1}},
        {"__dict__": property(lambda _self: {"name": "lie"})},
    ],
)
def test_a_hostile_class_is_not_asked(declared: dict[str, Any]) -> None:
    """Whatever it says of its fields, none of its code runs but one ``repr``."""
    value = trap(**declared)
    assert dict(attributes(value, type(value))).get("name") in {"kim", None}
    found = plain(value)
    assert found.startswith(("<unrepresentable", "Trapped("))


def big() -> Any:
    """Three million numbers, which nobody keeps beyond a test."""
    return list(range(3_000_000))


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(lambda: Data(big()), id="a dataclass"),
        pytest.param(lambda: SlottedData(big()), id="with slots"),
        pytest.param(lambda: Attributes(big()), id="attrs"),
        pytest.param(lambda: Struct(big()), id="msgspec"),
        pytest.param(lambda: UserDict(enumerate(big())), id="UserDict"),
        pytest.param(lambda: UserList(big()), id="UserList"),
        pytest.param(lambda: ChainMap(dict(enumerate(big()))), id="ChainMap"),
        pytest.param(lambda: Headers({str(number): "" for number in range(300_000)}), id="another mapping"),
        pytest.param(lambda: Model.model_construct(name=big()), id="pydantic"),
        pytest.param(lambda: [Data(big())] * 50, id="a list of them"),
    ],
)
def test_however_large_an_object_is(made: Callable[[], Any], cpu: Any) -> None:
    """What it holds is looked at as far as the bounds go, in an argument and in an error's message."""
    value = made()
    with cpu(0.5):
        plain(value, NARROW)
        Walk(NARROW, Redaction()).value(value)
        assert not is_light(value)


@pytest.fixture
def cpu() -> Any:
    """A limit for the seconds of this thread alone."""
    import contextlib
    import time

    @contextlib.contextmanager
    def limit(seconds: float) -> Iterator[None]:
        begin = time.thread_time()
        yield
        assert time.thread_time() - begin < seconds

    return limit


def test_attributes_are_read_where_python_keeps_them() -> None:
    """The instance's own dict, then its slots; what nothing was put into is not there."""

    class Base:
        __slots__ = ("__dict__", "one", "two")

    value: Any = Base()
    value.one, value.other = 1, 2
    assert dict(attributes(value, Base)) == {"one": 1, "other": 2}
    assert list(attributes(5, int)) == []
    assert inside(value, Base) is None

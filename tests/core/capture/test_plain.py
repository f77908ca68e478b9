"""Any value becomes bounded plain data, whatever it is and whatever it does."""

from __future__ import annotations

import array
import enum
import gc
import math
import sys
import time
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from types import MappingProxyType, MethodType, SimpleNamespace
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobreporter._capture.bounds import NARROW, WIDE, Bounds
from jobreporter._capture.plain import plain
from jobreporter._capture.redaction import Redaction
from jobreporter._capture.walk import Walk
from jobreporter._dispatch.measure import NOT_PLAIN, measure
from jobreporter._foreign.containers import is_light

SCALARS: list[Any] = [None, True, 0, -(2**63), 2**63 - 1, 1.5, "", "text", "tëxt", "\U0001f600"]


@pytest.mark.parametrize("value", SCALARS)
def test_plain_scalars_stay_as_they_are(value: Any) -> None:
    """What is plain already is kept."""
    assert plain(value) == value
    assert type(plain(value)) is type(value)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (2**63, str(2**63)),
        (-(2**63) - 1, str(-(2**63) - 1)),
        (1 << 2_100, "<int of 2101 bits>"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        ("\ud83d", "\ufffd"),
        ("\ud83d\ude00", "\U0001f600"),
        (b"ab\x00", "b'ab\\x00'"),
        (bytearray(b"ab"), "bytearray(b'ab')"),
        ({1}, "{1}"),
        (set(), "set()"),
        (frozenset({"a"}), "frozenset({'a'})"),
        (deque([1, "a"]), [1, "a"]),
        ({1: 2}.keys(), [1]),
        ({1: 2}.items(), [(1, 2)]),
        (range(3), "range(0, 3)"),
        (1 + 2j, "(1+2j)"),
        (int, "<class 'int'>"),
        ({1: "a", None: "b", (1, 2): "c", b"k": "d"}, {"1": "a", "None": "b", "(1, 2)": "c", "b'k'": "d"}),
        ((1, [2, {"a": (3,)}]), (1, [2, {"a": (3,)}])),
    ],
)
def test_other_values_become_plain(value: Any, kept: Any) -> None:
    """Numbers that don't fit, broken text, and containers of other kinds have a plain form."""
    assert plain(value) == kept


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise AssertionError("asked")

    __len__ = __getitem__ = __iter__ = __eq__ = encode = __str__  # type: ignore[assignment]
    __hash__ = str.__hash__


class Number(int):
    def __int__(self) -> int:
        raise AssertionError("asked")

    __index__ = __repr__ = __le__ = __ge__ = __lt__ = bit_length = __int__  # type: ignore[assignment]


class Fraction(float):
    def __float__(self) -> float:
        raise AssertionError("asked")

    __repr__ = __float__  # type: ignore[assignment]


class Mapping(dict[Any, Any]):
    def __iter__(self) -> Any:
        raise AssertionError("asked")

    items = keys = values = __len__ = __repr__ = __iter__


class Sequence(list[Any]):
    def __iter__(self) -> Any:
        raise AssertionError("asked")

    __len__ = __getitem__ = __repr__ = __iter__  # type: ignore[assignment]


class Point(NamedTuple):
    x: int
    y: int


class Color(enum.IntEnum):
    RED = 1


class Size(enum.StrEnum):
    BIG = "big"


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (Text("abc"), "abc"),
        (Number(5), 5),
        (Number(2**70), str(2**70)),
        (Fraction(1.5), 1.5),
        (Fraction("inf"), "inf"),
        (Mapping(a=1), {"a": 1}),
        ({Text("abc"): 1}, {"abc": 1}),
        (Sequence([1, 2]), [1, 2]),
        (Color.RED, 1),
        (Size.BIG, "big"),
        (OrderedDict(a=1), {"a": 1}),
        (defaultdict(list, a=[1]), {"a": [1]}),
        (Counter("aa"), {"a": 2}),
        (Point(1, 2), (1, 2)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_subclasses_become_the_real_type_without_being_asked(value: Any, kept: Any) -> None:
    """A subclass of a builtin is read as what it derives from, and its own methods don't run."""
    found = plain(value)
    assert found == kept
    assert type(found) is type(kept)


class Liar(type):
    """A metaclass that gives no straight answer."""

    def __hash__(cls) -> int:
        raise SystemExit

    def __eq__(cls, other: object) -> bool:
        raise SystemExit

    def __getattribute__(cls, name: str) -> Any:
        raise SystemExit(name)


def hostile() -> Any:
    """An object that nobody but the code under test may look at, pytest neither: so it is made within a test."""

    class Hostile(metaclass=Liar):
        @property  # type: ignore[misc]
        def __class__(self) -> Any:
            raise SystemExit

        def __repr__(self) -> str:
            raise SystemExit

    return Hostile()


class NoText:
    def __repr__(self) -> Any:
        return 5


class TextOfOwnKind:
    def __repr__(self) -> str:
        return Text("mine")


class Endless:
    def __iter__(self) -> Any:
        while True:
            yield self

    def __len__(self) -> int:
        raise AssertionError("asked")

    def __repr__(self) -> str:
        return "x" * 1_000_000


class Adding:
    def __init__(self, container: list[Any]) -> None:
        self.container = container

    def __repr__(self) -> str:
        self.container.append(3)
        return "adding"


@dataclass
class Order:
    number: int
    note: Any = None


def of_no_module() -> Any:
    """A class that was made where no module has a name."""
    scope: dict[str, Any] = {"asked": lambda _: 1 / 0}
    exec("Homeless = type('Homeless', (), {'__repr__': asked})", scope)
    return scope["Homeless"]


Homeless = of_no_module()


class Nowhere:
    __module__ = 5  # type: ignore[assignment]

    def __repr__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (NoText(), f"<unrepresentable {__name__}.NoText>"),
        (Nowhere(), "<unrepresentable <unknown>.Nowhere>"),
        (Homeless(), "<unrepresentable <unknown>.Homeless>"),
        (TextOfOwnKind(), "mine"),
        (Endless(), "x" * 1_000 + "... (1000000 characters)"),
        (Order(5), "Order(number=5, note=None)"),
        (Order(5, NoText()), f"Order(number=5, note='<unrepresentable {__name__}.NoText>')"),
        ({NoText(): 1}, {f"<unrepresentable {__name__}.NoText>": 1}),
        (array.array("b", bytes(10_001)), "<array.array of 10001 items>"),
        (array.array("b", b"a"), "array('b', [97])"),
        (ChainMap({"a": 1}), "ChainMap({'a': 1})"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_objects_become_their_bounded_repr(value: Any, kept: Any) -> None:
    """An object becomes what its repr says, cut, or a placeholder, and is asked for nothing else."""
    assert plain(value, NARROW) == kept


class QuietError(ValueError):
    """An error that says what it wants."""

    def __repr__(self) -> str:
        return "Quiet()"


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (KeyError("name", 5), "KeyError('name', 5)"),
        (ExceptionGroup("all", [ValueError(1)]), "ExceptionGroup('all', ['ValueError(1)'])"),
        (QuietError("x" * 5_000), "Quiet()"),
        (
            partial(Order, 5, note="x"),
            "partial(\"<class 'tests.core.capture.test_plain.Order'>\", (5,), {'note': 'x'})",
        ),
        (MethodType(Order, 5), "method(\"<class 'tests.core.capture.test_plain.Order'>\", 5)"),
        (SimpleNamespace(a=1), "SimpleNamespace({'a': 1})"),
        (MappingProxyType({"a": 1}), "mappingproxy({'a': 1})"),
        ([[[[[[ValueError(1)]]]]]], [[[[[["<ValueError>"]]]]]]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_objects_whose_repr_is_made_of_others_are_walked(value: Any, kept: Any) -> None:
    """Exceptions and a few more become what they hold, within the bounds of it, unless a class has a repr of its own."""
    assert plain(value, NARROW) == kept


def test_what_an_exception_holds_has_no_end() -> None:
    """Its arguments may be lists of lists of long texts: terabytes, if its `repr` were asked for."""
    argument: Any = "x" * 1_000
    for _ in range(6):
        argument = [argument] * 60
    for value in (ValueError(argument), SimpleNamespace(it=ValueError(argument)), partial(print, argument)):
        assert len(plain(value, NARROW)) <= NARROW.text + 50


@pytest.mark.parametrize(
    "within", [list, tuple, dict.fromkeys, SimpleNamespace], ids=["list", "tuple", "dict", "object"]
)
def test_reprs_take_no_longer_in_all_than_a_few_slow_ones(within: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of a model's instances may ask the database for each: after a tenth of a second they are told by class."""
    now = [0.0]
    monkeypatch.setattr("jobreporter._capture.walk.monotonic", lambda: now[0])

    class Slow:
        def __repr__(self) -> str:
            now[0] += 0.04
            return "asked"

    slow = [Slow() for _ in range(5)]
    value = (
        within(**{f"a{number}": each for number, each in enumerate(slow)})
        if within is SimpleNamespace
        else within(slow)
    )
    text = str(plain(value, NARROW))
    assert (text.count("asked"), text.count("Slow>")) == (3, 2)
    assert now[0] < 0.13, "one repr can't be bounded, but the next one is not begun"
    assert plain([*slow, Decimal("1.5")], NARROW)[-1] == "Decimal('1.5')"


@pytest.mark.parametrize("within", [enum.Enum, type], ids=["an enum", "a class"])
def test_members_and_classes_are_asked_no_longer_than_objects(within: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their ``repr`` may be somebody's own too."""
    now = [0.0]
    monkeypatch.setattr("jobreporter._capture.walk.monotonic", lambda: now[0])

    def slow(_self: object) -> str:
        now[0] += 0.2
        return "asked"

    if within is type:
        several: list[Any] = [type("Slow", (type,), {"__repr__": slow})(name, (), {}) for name in "ab"]
    else:

        class Slow(enum.Enum):
            A = 1
            B = 2
            __repr__ = slow

        several = list(Slow)
    assert [text == "asked" for text in plain(several, NARROW)] == [True, False]


def test_neither_an_object_nor_its_class_can_hurt() -> None:
    """An object that answers nothing, of a class that answers nothing, costs a placeholder."""
    assert plain(hostile()) == f"<unrepresentable {__name__}.hostile.<locals>.Hostile>"


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("x" * 1_001, "x" * 1_000 + "... (1001 characters)"),
        (b"x" * 2_000, "b'" + "x" * 998 + "... (2000 bytes)"),
        (list(range(51)), [*range(50), "... (51 items)"]),
        (tuple(range(51)), (*range(50), "... (51 items)")),
        ({str(i): i for i in range(51)}, {**{str(i): i for i in range(50)}, "...": "(51 items)"}),
        ([[[[[[[1, 2]]]]]]], [[[[[["<list of 2 items>"]]]]]]),
        ({"k" * 300: 1}, {"k" * 200 + "... (300 characters)": 1}),
    ],
)
def test_what_is_cut_says_how_much_there_was(value: Any, kept: Any) -> None:
    """Long text, long containers and deep ones leave a mark."""
    assert plain(value, NARROW) == kept


def test_the_budget_is_for_all_of_it() -> None:
    """Many values within each bound share one budget."""
    found = plain([["x" * 900] * 40] * 40, NARROW)
    assert 0 < measure(found) < NARROW.total * 1.2
    assert found[-1] == "... (40 items)"
    assert plain({str(i): "x" * 90 for i in range(50)}, Bounds(text=100, items=50, depth=2, total=500))["..."]


@pytest.mark.parametrize("redaction", [None, Redaction()])
def test_names_and_redacted_values_count_too(redaction: Redaction | None) -> None:
    """A multitude of small values, or of redacted ones, is bounded as well."""
    values = {f"password{number}": 1 for number in range(50)}
    found = Walk(NARROW, redaction).value([[values] * 50] * 50)
    assert NARROW.total / 2 < measure(found) < NARROW.total * 1.2


def test_recursive_data_ends() -> None:
    """Data within itself is followed as far as the depth goes."""
    own: dict[str, Any] = {}
    own["own"] = [own, own]
    assert measure(plain(own, NARROW)) > 0
    assert measure(plain(own, WIDE)) > 0


def test_a_container_that_changes_under_its_items_is_read_once() -> None:
    """An item that changes its own container, when it is asked for its repr, changes nothing of what is kept."""
    found: list[Any] = []
    found += [Adding(found), 2]
    assert plain(found, NARROW) == ["adding", 2, "... (3 items)"]


if sys.version_info < (3, 12):  # a collection no longer interrupts what is written in C

    def test_a_container_that_keeps_changing_is_given_up() -> None:
        """A container that a garbage collection changes whenever it is read costs a mark."""
        # More than Python keeps of the pairs that were freed before: the reading needs new memory, which has it collect.
        size = 3 * 2_000
        changing: dict[int, None] = dict.fromkeys(range(size))

        def change(phase: str, info: dict[str, int]) -> None:
            changing[len(changing)] = None

        threshold = gc.get_threshold()
        gc.callbacks.append(change)
        gc.set_threshold(1)
        try:
            kept = plain(changing, Bounds(text=100, items=size, depth=2, total=64 * size))
        finally:
            gc.set_threshold(*threshold)
            gc.callbacks.remove(change)
        assert list(kept) == ["..."]


def test_size_does_not_matter() -> None:
    """Enormous builtin values take no longer than small ones."""
    values = {
        "text": "x" * 10_000_000,
        "items": [[]] * 10_000_000,
        "pairs": dict.fromkeys(range(1_000_000)),
        "members": set(range(1_000_000)),
        "bytes": bytes(10_000_000),
        "digits": 1 << 40_000_000,
    }
    plain(values, NARROW)
    begin = time.thread_time()
    plain(values, NARROW)
    assert time.thread_time() - begin < 0.5, "seconds of this thread alone; to copy all of it takes several"


FOREIGN = [NoText, TextOfOwnKind, Nowhere, object]
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.text(st.characters(categories=["Cs", "L"]))
    | st.binary()
    | st.sampled_from(FOREIGN).map(lambda kind: kind()),
    lambda inner: (
        st.lists(inner, max_size=80)
        | st.lists(inner).map(tuple)
        | st.lists(inner).map(deque)
        | st.dictionaries(st.text(max_size=100) | st.integers() | st.binary() | st.floats() | st.none(), inner)
        | st.builds(Order, st.integers(), inner)
        | st.frozensets(st.text() | st.integers())
    ),
    max_leaves=100,
)
TIGHT = Bounds(text=20, items=3, depth=2, total=200)


@given(anything, st.sampled_from([NARROW, WIDE, TIGHT]))
def test_anything_becomes_plain_and_bounded(value: Any, bounds: Bounds) -> None:
    """Whatever goes in, plain data comes out, which every codec takes, within the bounds."""
    found = plain(value, bounds)
    size = measure(found)
    assert size != NOT_PLAIN
    # What comes on top is one more item: a key, a mark, or a text that began within the budget.
    assert size <= bounds.total + 1_000
    assert_bounded(found, bounds, bounds.depth)
    msgspec.json.encode(found)
    msgspec.msgpack.encode(found)


def assert_bounded(value: Any, bounds: Bounds, depth: int) -> None:
    if isinstance(value, str):
        assert len(value) <= max(bounds.text, 60) + 60
    elif isinstance(value, (list, tuple, dict)):
        assert depth > 0
        assert len(value) <= bounds.items + 1
        for each in value.values() if isinstance(value, dict) else value:
            assert_bounded(each, bounds, depth - 1)


@given(anything)
def test_plain_data_stays_as_it_is(value: Any) -> None:
    """What has become plain is not changed by doing it again."""
    once = plain(value, WIDE)
    assert plain(once, Bounds(text=10**9, items=10**9, depth=100, total=10**9)) == once


@pytest.mark.parametrize(
    ("value", "light"),
    [
        (array.array("b", bytes(100_000)), False),
        (array.array("b", b"ab"), True),
        ("x" * 9_000, True),
        ("x" * 11_000, False),
        (Text("x" * 11_000), False),
        (bytes(11_000), False),
        (1 << 11_000, False),
        (Number(3), True),
        ([[1] * 100] * 40, True),
        ([[1] * 100] * 110, False),
        ({"a": ["x" * 11_000]}, False),
        (object(), True),
        ([None, 1.5] * 2_000, True),
        ([object()] * 10, True),
        ([object()] * 30, False),
        (ValueError("x", [1] * 100), True),
        (ValueError(ValueError([1] * 11_000)), False),
        (partial(print, end="x" * 11_000), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_light_is_what_repr_does_quickly(value: Any, light: bool) -> None:
    """The weight of a value is that of all the builtin values in it; what the others would say isn't known."""
    assert is_light(value) is light


def test_walk_keeps_the_names_of_a_named_tuple_only_if_they_are_names() -> None:
    """A tuple with strange fields is a tuple."""

    class Odd(tuple[int, ...]):
        __slots__ = ()
        _fields = ("a", 5)

    assert Walk(NARROW).value(Odd((1, 2))) == (1, 2)


ACTS: list[Callable[[], Any]] = [lambda: plain(object), lambda: plain(plain), lambda: plain(msgspec)]


@pytest.mark.parametrize("act", ACTS)
def test_functions_classes_and_modules_are_named(act: Callable[[], Any]) -> None:
    """What a program is made of becomes a short text."""
    assert act().startswith("<")

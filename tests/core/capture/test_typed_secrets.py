"""Secrets that are objects: what they hold is remembered, and none is asked to show itself."""

from __future__ import annotations

import enum
import functools
import io
import time
from array import array
from collections import UserString, deque
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from http.cookies import SimpleCookie
from pathlib import Path, PureWindowsPath
from types import SimpleNamespace
from typing import Any, NamedTuple
from uuid import UUID

import attrs
import msgspec
import numpy
import pydantic
import pytest

from jobreporter import Secret
from jobreporter._capture.held import LONGEST, texts
from jobreporter._capture.redaction import Redaction
from jobreporter._capture.secrets import Secrets

from .reports import report

SECRET = "typed-7f3a"  # noqa: S105 - made up


class Hidden:
    """As libraries make them: an object that shows anything but what it holds."""

    def __init__(self, value: str) -> None:
        self._secret_value = value

    def __repr__(self) -> str:
        return "Hidden('**********')"


@dataclass
class Credentials:
    user: str
    key: str


@dataclass(slots=True)
class Slotted:
    key: str


class Key(enum.Enum):
    MAIN = SECRET


class TextKey(enum.StrEnum):
    MAIN = SECRET


class Login(NamedTuple):
    user: str
    word: str


@attrs.define
class Attributes:
    key: str


class Struct(msgspec.Struct):
    key: str


class Session(dict[str, Any]):
    """A dict with an attribute besides its items."""

    def __init__(self, password: str) -> None:
        super().__init__(user="kim")
        self.password = password


class Steps(list[int]):
    """A list with one."""

    def __init__(self, password: str) -> None:
        super().__init__([1, 2])
        self.password = password


class Model(pydantic.BaseModel):
    key: pydantic.SecretStr


class Untouchable:
    """An object whose every answer is an error."""

    def __init__(self, value: str) -> None:
        object.__setattr__(self, "value", value)

    def __getattribute__(self, name: str) -> Any:
        raise SystemExit(name)

    __repr__ = __str__ = __hash__ = __eq__ = __bool__ = __getattribute__  # type: ignore[assignment]


TYPED = {
    "SecretStr": pydantic.SecretStr(SECRET),
    "SecretBytes": pydantic.SecretBytes(SECRET.encode()),
    "our own Secret": Secret(SECRET),
    "an object of a class of its own": Hidden(SECRET),
    "a dataclass": Credentials("kim", SECRET),
    "a dataclass with slots": Slotted(SECRET),
    "an enum": Key.MAIN,
    "a text enum": TextKey.MAIN,
    "a named tuple": Login("kim", SECRET),
    "attrs": Attributes(SECRET),
    "msgspec": Struct(SECRET),
    "pydantic": Model(key=pydantic.SecretStr(SECRET)),
    "a path": Path(SECRET),
    "a path of Windows": PureWindowsPath(SECRET),
    "a memoryview": memoryview(SECRET.encode()),
    "a slice of a memoryview": memoryview(b"x" * 100_000 + SECRET.encode())[100_000:],
    "a bytearray": bytearray(SECRET.encode()),
    "an array": array("b", SECRET.encode()),
    "a file in memory": io.StringIO(SECRET),
    "a file of bytes": io.BytesIO(SECRET.encode()),
    "a user's string": UserString(SECRET),
    "a partial": functools.partial(print, SECRET),
    "a namespace": SimpleNamespace(key=SECRET),
    "an exception": ValueError(SECRET),
    "a deque": deque([SECRET]),
    "a dict with an attribute": Session(SECRET),
    "a list with an attribute": Steps(SECRET),
    "cookies": SimpleCookie({"sid": SECRET}),
    "a text of numpy's": numpy.bytes_(SECRET.encode()),
    "nested": [{"a": (Hidden(SECRET),)}],
    "what answers nothing": Untouchable(SECRET),
}


@pytest.mark.parametrize("kind", TYPED)  # by name: pytest asks a value for its class
def test_what_a_secret_object_holds_is_secret(kind: str) -> None:
    """Under a secret name, whatever an object holds is in no message."""
    found = report(password=TYPED[kind], error=f"{SECRET} was refused")
    assert found.outcome.job.kwargs == {"password": "[redacted]"}
    assert found.message == "[redacted] was refused"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (UUID(int=7), str(UUID(int=7))),
        (UUID(int=7), f"{7:032x}"),
        (Decimal("48151.62"), "48151.62"),
        (1 << 70, str(1 << 70)),
        (numpy.int64(48151623), "48151623"),
        (numpy.uint32(48151623), "np.uint32(48151623)"),
        (numpy.datetime64("1987-06-05"), "1987-06-05"),
        (date(1987, 6, 5), "1987-06-05"),
        (date(1987, 6, 5), repr(date(1987, 6, 5))[-13:]),
        (datetime(1987, 6, 5, 4, 3, tzinfo=UTC), "1987-06-05 04:03:00"),
        (datetime(1987, 6, 5, 4, 3, tzinfo=UTC), "1987-06-05T04:03:00"),
        (datetime(1987, 6, 5, 4, 3, tzinfo=UTC), "1987-06-05"),
        (b"\xff\xfe-raw-key", "b'\\xff\\xfe-raw-key'"),
    ],
)
def test_what_a_secret_value_looks_like_as_text(value: Any, text: str) -> None:
    """Values of the standard library are remembered as they are written."""
    assert not report(secret=value, error=f"got {text}").shows(text.strip("b'"))


def test_a_secret_type_needs_no_secret_name() -> None:
    """What a library's type for secrets holds is secret whatever it is called."""
    assert report(value=pydantic.SecretStr(SECRET), error=SECRET).message == "[redacted]"
    assert report([Hidden(SECRET)], error=SECRET).message == "[redacted]"


@pytest.mark.parametrize(
    "given", [Session(SECRET), Steps(SECRET), [Session(SECRET)] * 60], ids=["dict", "list", "many"]
)
def test_a_container_may_hold_more_than_its_items(given: Any) -> None:
    """An attribute with a secret name is one, also of a dict or a list of a class of its own."""
    assert report(given, error=f"{SECRET} was refused").message == "[redacted] was refused"


def test_what_stands_beside_a_secret_is_not_taken() -> None:
    """Of a connection's credentials, user and host are no secrets."""
    credentials = {"user": "kim-the-user", "host": "db.internal", "password": "db-pw-77", "database": "orders"}
    found = report(credentials=credentials, error="kim-the-user@db.internal/orders refused db-pw-77")
    assert found.message == "kim-the-user@db.internal/orders refused [redacted]"


@pytest.mark.parametrize("kind", ["text", "items within items", "numbers"])
def test_a_secret_of_any_size_takes_no_time(kind: str) -> None:
    """Only its beginning is looked at, however it is made up."""
    numbers = list(range(1_000_000))
    sizes: dict[str, Any] = {
        "text": "x" * 100_000_000,
        "items within items": [[[[numbers] * 50] * 50] * 50],
        "numbers": array("q", numbers),
    }
    begin = time.thread_time()
    Redaction().conceal("password", sizes[kind], Secrets())
    assert time.thread_time() - begin < 0.3, "seconds of this thread alone; to look at all of it takes one or more"


def test_the_texts_of_a_value_are_bounded() -> None:
    """Neither their number nor their length nor their depth has to be trusted."""
    own: list[Any] = ["x" * 1_000_000]
    own.append(own)
    assert [len(text) for text in texts(own)][:1] == [LONGEST]
    assert len(list(texts([[str(number) for number in range(100)]] * 1_000))) <= 5_000
    assert list(texts([None, True, float("nan"), float("inf"), 1 << 2_000, object(), print])) == []
    assert list(texts(io.StringIO())) == [""]
    closed = io.BytesIO(b"x")
    closed.close()
    released = memoryview(b"x")
    released.release()
    assert list(texts([closed, released])) == [""]

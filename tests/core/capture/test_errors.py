"""Exceptions become plain data in two steps, whatever they are."""

from __future__ import annotations

import linecache
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobreporter._capture.errors import capture_error
from jobreporter._capture.held import LONGEST
from jobreporter._capture.redaction import Redaction
from jobreporter._capture.secrets import REDACTED
from jobreporter._capture.source_lines import source_line
from jobreporter._capture.stack import line_number
from jobreporter._dispatch.measure import NOT_PLAIN, measure
from jobreporter.error_info import ErrorInfo

CANARY = "canary-5f2e"


def caught(act: Callable[[], Any]) -> BaseException:
    try:
        act()
    except BaseException as error:
        return error
    raise AssertionError("it should have raised")


def raising(error: BaseException, cause: BaseException | None = None) -> BaseException:
    def act() -> None:
        raise error from cause

    return caught(act)


def info(error: BaseException, **options: Any) -> ErrorInfo:
    return capture_error(error, **options).complete()


class Shop:
    class Expected(ValueError):  # noqa: N818 - expected is no error
        pass

    def sell(self) -> None:
        raise self.Expected("sold out")  # here


def test_an_exception_with_its_type_message_and_frames() -> None:
    """Type, bases, message, and each call with file, line, function and module."""
    error = info(caught(Shop().sell))
    assert (error.type, error.message) == (f"{__name__}.Shop.Expected", "sold out")
    builtins = ("ValueError", "Exception", "BaseException", "object")
    assert error.mro == (error.type, *(f"builtins.{name}" for name in builtins))
    assert [(frame.function, frame.line) for frame in error.frames] == [
        ("caught", "act()"),
        ("Shop.sell", 'raise self.Expected("sold out")  # here'),
    ]
    for frame in error.frames:
        assert (frame.filename, frame.module, frame.locals) == (__file__, __name__, None)
        assert linecache.getline(__file__, frame.lineno).strip() == frame.line
    assert (error.cause, error.context, error.notes, error.exceptions, error.frames_omitted) == (None, None, (), (), 0)


def test_an_exception_that_was_never_raised() -> None:
    """It has no frames."""
    assert info(ValueError("x")).frames == ()
    assert info(ValueError()).message == ""


def test_causes_contexts_and_notes() -> None:
    """What led to an exception is kept as far as it was given."""

    def act() -> None:
        try:
            {}["a"]  # type: ignore[index]
        except KeyError as error:
            error.add_note("first")
            error.add_note("second")
            raise ValueError("x") from error

    error = info(caught(act))
    assert (error.suppress_context, error.context) == (True, None)
    assert error.cause is not None
    assert (error.cause.type, error.cause.message, error.cause.notes) == (
        "builtins.KeyError",
        "'a'",
        ("first", "second"),
    )

    def without_from() -> None:
        try:
            raise OSError(2, "no such file", "a.txt")  # noqa: TRY301 - as jobs do
        except OSError:
            raise ValueError("x") from None

    error = info(caught(without_from))
    assert (error.cause, error.suppress_context) == (None, True)
    assert error.context is not None
    assert error.context.message == "[Errno 2] no such file: 'a.txt'"


def test_members_of_groups() -> None:
    """A group has its members, which may be groups."""
    inner = ExceptionGroup("inner", [ValueError("a"), TypeError("b")])
    error = info(raising(ExceptionGroup("outer", [inner, KeyError("c")])))
    assert error.message == "outer (2 sub-exceptions)"
    assert [member.type for member in error.exceptions] == ["builtins.ExceptionGroup", "builtins.KeyError"]
    assert [member.message for member in error.exceptions[0].exceptions] == ["a", "b"]


def recursion(depth: int) -> None:
    if not depth:
        raise ValueError("deep")
    recursion(depth - 1)


@pytest.mark.parametrize(("depth", "kept", "omitted"), [(98, 100, 0), (99, 100, 1), (300, 100, 203)])
def test_of_a_long_stack_both_ends_are_kept(depth: int, kept: int, omitted: int) -> None:
    """100 frames are kept, the first and the last 50."""
    error = info(caught(lambda: recursion(depth)) if depth == 300 else caught_directly(depth))
    assert (len(error.frames), error.frames_omitted) == (kept, omitted)
    assert error.frames[0].function.startswith("caught")
    assert error.frames[-1].line == 'raise ValueError("deep")'


def caught_directly(depth: int) -> BaseException:
    try:
        recursion(depth)
    except ValueError as error:
        return error
    raise AssertionError("it should have raised")


def test_an_enormous_stack_is_walked_quickly() -> None:
    """A traceback of 100,000 calls, as recursion makes it, costs milliseconds and keeps 100."""
    error = caught(lambda: recursion(0))
    traceback = error.__traceback__
    assert traceback is not None
    for _ in range(100_000):
        traceback = TracebackType(traceback, traceback.tb_frame, traceback.tb_lasti, traceback.tb_lineno)
    error.__traceback__ = traceback
    begin = time.thread_time()
    raw = capture_error(error)
    assert time.thread_time() - begin < 5, "seconds of this thread alone"
    assert raw.complete().frames_omitted == 100_000 + 3 - 100
    while traceback is not None:  # from the front: to free it recursively would be deep
        traceback.tb_next, traceback = None, traceback.tb_next


def test_chains_and_groups_are_bounded() -> None:
    """15 causes and contexts and 50 members are kept in all."""
    error: BaseException = ValueError("0")
    for number in range(1, 40):
        error = raising(ValueError(str(number)), error)
    found: ErrorInfo | None = info(error)
    messages = []
    while found is not None:
        messages.append(found.message)
        found = found.cause
    assert messages == [str(number) for number in range(39, 23, -1)]

    members = [ExceptionGroup("m", [ValueError(str(i)) for i in range(30)]) for _ in range(60)]
    group = info(ExceptionGroup("g", members))
    assert group.message == "g (60 sub-exceptions)"
    assert len(group.exceptions) + sum(len(member.exceptions) for member in group.exceptions) == 50


def test_cycles_are_cut() -> None:
    """Exceptions that refer to each other are each taken once."""
    one, other = ValueError("one"), ValueError("other")
    one.__cause__ = one.__context__ = other
    other.__cause__ = one
    other.__context__ = other
    error = info(ExceptionGroup("g", [one, one, other]))
    assert [member.message for member in error.exceptions] == ["one", "other"]
    assert all((member.cause, member.context) == (None, None) for member in error.exceptions)
    assert info(one).cause == info(one).cause
    assert str(info(one))


class Odd(Exception):  # noqa: N818 - it is odd
    pass


class HostileText(Odd):
    def __str__(self) -> str:
        raise SystemExit


class NoText(Odd):
    def __str__(self) -> Any:
        return None  # noqa: PLE0307 - on purpose


class Unreadable(Odd):
    def __getattribute__(self, name: str) -> Any:
        raise SystemExit(name)


LIE: Any = property(lambda self: 1 / 0)


class Lying(Odd):
    __cause__ = __context__ = __traceback__ = __suppress_context__ = args = LIE
    __class__ = LIE
    __notes__ = LIE


class LyingGroup(ExceptionGroup[ValueError]):
    exceptions = LIE


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (HostileText(), f"<unrepresentable {__name__}.HostileText>"),
        (NoText(), f"<unrepresentable {__name__}.NoText>"),
        (Unreadable("x"), "x"),
        (Lying("x"), "x"),
        (LyingGroup("g", [ValueError("m")]), "g (1 sub-exception)"),
    ],
    ids=["text", "no text", "unreadable", "lying", "group"],
)
def test_a_hostile_exception_costs_a_placeholder(error: BaseException, message: str) -> None:
    """An exception whose attributes raise, lie or are no text is captured all the same."""
    found = info(raising(error))
    assert (found.message, found.notes, len(found.frames)) == (message, (), 2)
    assert len(found.exceptions) == (type(error) is LyingGroup)


def test_a_hostile_class_of_exceptions() -> None:
    """A class that raises whatever it is asked for has its name all the same."""

    class Meta(type):
        def __getattribute__(cls, name: str) -> Any:
            raise SystemExit(name)

        def __hash__(cls) -> int:
            raise SystemExit

    class Hostile(Exception, metaclass=Meta):  # noqa: N818 - it is hostile
        pass

    error = info(raising(Hostile("x" * 20_000)))
    assert error.type.endswith(".<locals>.Hostile")
    assert error.message == "x" * LONGEST + "... (20000 characters)"


class Wordy:
    """Says a lot, and counts how often."""

    said = 0

    def __repr__(self) -> str:
        type(self).said += 1
        return "x" * 100_000


@pytest.mark.parametrize("place", ["argument", "note", "notes"])
def test_many_wordy_objects_are_not_all_asked(place: str) -> None:
    """A list of objects in an exception is looked at within bounds: all that they say might not fit into memory."""
    Wordy.said = 0
    many = [[[Wordy()] * 60] * 60] * 60
    error = ValueError(many) if place == "argument" else ValueError("x")
    if place != "argument":
        error.__notes__ = many if place == "notes" else [many]  # type: ignore[assignment]  # on purpose
    found = info(error)
    assert max(map(len, (found.message, *found.notes))) < LONGEST + 60
    assert Wordy.said < 200


@pytest.mark.parametrize(
    ("notes", "kept"),
    [
        (["a", 5, "x" * 20_000], ("a", "5", "x" * LONGEST + "... (20000 characters)")),
        (("a", "b"), ("a", "b")),
        ("abc", ("'abc'",)),
        (5, ("5",)),
        ([HostileText()], (f"{HostileText.__name__}()",)),
        ({"a": 5}, ("{'a': 5}",)),
        (["n"] * 100, ("n",) * 20),
        ([], ()),
    ],
)
def test_odd_notes(notes: Any, kept: tuple[str, ...]) -> None:
    """Notes that are no list of strings are shown as they are."""
    error = ValueError("x")
    error.__notes__ = notes
    assert info(error).notes == kept


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("x" * 20_000), "x" * LONGEST + "... (20000 characters)"),
        (KeyError("x" * 20_000), None),
        (ValueError("a", list(range(100_000))), None),
        (ValueError({"a": "x" * 20_000}), None),
        (ValueError(1 << 100_000), "<int of 100001 bits>"),
        (OSError(2, "x" * 20_000), "[Errno 2] " + "x" * (LONGEST - 10) + "... (20010 characters)"),
        (ValueError([1, 2]), "[1, 2]"),
        (ValueError("a", 2), "('a', 2)"),
        (ValueError(b"x"), "b'x'"),
        (ValueError("\ud800"), "\ufffd"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_messages_are_bounded(error: BaseException, message: str | None) -> None:
    """A message has 10,000 characters at most, and is not made of more than that first."""
    found = info(error).message
    assert len(found) <= LONGEST + 40
    assert message is None or found == message


def test_enormous_arguments_of_an_exception_take_no_time() -> None:
    """A message of 10 million items is never written."""
    error = KeyError({"items": list(range(3_000_000)), "text": "x" * 10_000_000})
    begin = time.thread_time()
    message = info(error).message
    assert time.thread_time() - begin < 1, "seconds of this thread alone; to write all of it takes several"
    assert message.startswith("{'items': [0, 1, 2")


def test_what_was_secret_in_the_arguments_is_secret_in_the_error() -> None:
    """Secrets go from messages, notes, causes, lines of source and locals."""
    cause = raising(KeyError(CANARY))

    def act(value: str) -> None:
        raise ValueError(f"no user {CANARY}" if value else "canary-5f2e") from cause

    error = caught(lambda: act(CANARY))
    error.add_note(f"it was {CANARY!r}")
    found = info(error, secrets=(CANARY,), locals=True)
    assert (found.message, found.notes) == (f"no user {REDACTED}", (f"it was '{REDACTED}'",))
    assert found.frames[-1].line == f'raise ValueError(f"no user {{CANARY}}" if value else "{REDACTED}") from cause'
    assert CANARY not in repr(found)


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ("cannot reach postgres://bob:canary-5f2e@db/x", "cannot reach postgres://[redacted]@db/x"),
        ("401 for https://host/?access_token=canary-5f2e", "401 for https://host/?access_token=[redacted]"),
        ("sent {'X-Api-Key': 'canary-5f2e', 'a': 1}", "sent {'X-Api-Key': [redacted], 'a': 1}"),
        ("iban=canary-5f2e", "iban=[redacted]"),
    ],
)
def test_what_a_message_says_to_be_secret_goes(message: str, kept: str) -> None:
    """URLs, headers and assignments in a message lose their secrets, and what one text tells, all texts lose."""
    cause = KeyError(f"again: {CANARY}")
    found = info(raising(ValueError(message), cause), redaction=Redaction(["iban"]))
    assert found.message == kept
    assert CANARY not in repr(found)


def test_a_secret_that_was_cut_off_goes_too() -> None:
    """The beginning of a secret at the end of a long message is no less secret."""
    error = info(ValueError("x" * (LONGEST - 8) + CANARY), secrets=(CANARY,))
    assert error.message.endswith(f"x{REDACTED}... (10003 characters)")


def with_locals(order: int, password: str, url: str, hostile: Any) -> None:
    nested = {"api_key": CANARY, "b": [password]}
    __tracebackhide__ = True
    raise ValueError(len(nested))


def test_locals_are_captured_when_asked() -> None:
    """Locals are plain, redacted by name and by value, and without the interpreter's own."""
    error = caught(lambda: with_locals(5, CANARY, f"https://u:{CANARY}@h/", HostileText()))
    assert all(frame.locals is None for frame in info(error).frames)
    found = info(error, locals=True)
    assert found.frames[-1].locals == {
        "order": 5,
        "password": REDACTED,
        "url": "https://[redacted]@h/",
        "hostile": "HostileText()",
        "nested": {"api_key": REDACTED, "b": [REDACTED]},
    }
    assert CANARY not in repr(found)
    assert measure(found) != NOT_PLAIN


def test_the_jobs_own_view_of_its_locals_is_left_alone() -> None:
    """What a function got from ``locals()`` is still there after its frame was captured."""
    seen: list[dict[str, Any]] = []

    def act(order: int) -> None:
        seen.append(locals())
        raise ValueError(order)

    found = info(caught(lambda: act(5)), locals=True)
    assert found.frames[-1].locals is not None
    assert found.frames[-1].locals["order"] == 5
    assert seen[0]["order"] == 5


def executed(source: str, scope: Any) -> BaseException:
    return caught(lambda: exec(compile(source, "<shop>", "exec"), scope))


def test_locals_of_modules_and_classes() -> None:
    """A module's variables count as locals; the body of a class, which may be any mapping, doesn't."""
    frames = info(executed("a = 1\nb = 1 / 0", {"__name__": "shop"}), locals=True).frames
    assert (frames[-1].module, frames[-1].function, frames[-1].locals) == ("shop", "<module>", {"a": 1})

    scope = {"Scope": type("Scope", (dict,), {"items": None}), "__name__": "shop"}
    source = "class Meta(type):\n  def __prepare__(*_): return Scope()\nclass A(metaclass=Meta):\n  a = 1 / 0"
    frame = info(executed(source, scope), locals=True).frames[-1]
    assert (frame.function, frame.locals) == ("A", None)


def test_locals_share_one_budget_and_the_innermost_come_first() -> None:
    """Where the locals are too much, those of the outer calls are missing."""

    def deep(depth: int) -> None:
        text = ["x" * 900] * 40
        if not depth:
            raise ValueError(len(text))
        deep(depth - 1)

    found = info(caught(lambda: deep(20)), locals=True)
    assert measure(found) < 200_000
    inner, outer = found.frames[-1].locals, found.frames[3].locals
    assert inner is not None
    assert len(inner["text"]) == 40
    assert not outer or len(str(outer)) < 500


def test_code_of_no_module_has_none() -> None:
    """What was executed in a dict without a name, or with a strange one, has no module."""
    for scope in ({}, {"__name__": 5}):
        frame = info(executed("1 / 0", {"__builtins__": {}, **scope})).frames[-1]
        assert (frame.filename, frame.lineno, frame.module, frame.line) == ("<shop>", 1, None, None)


def test_lines_of_code_that_is_not_pythons() -> None:
    """A call without an instruction has the line where its code begins, and an instruction without a line has 0."""
    code = compile("\n\n1 / 0", "<shop>", "exec")
    assert line_number(code, -1) == code.co_firstlineno
    assert line_number(code, 1_000_000) == 0
    assert line_number(code.replace(co_linetable=b""), 4) == 0


def test_lines_are_read_only_from_reasonable_files(tmp_path: Path) -> None:
    """A file name may be anything: what is no file of reasonable size is not opened."""
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "huge.py").open("wb") as file:
        file.truncate(1 << 30)
    (tmp_path / "small.py").write_text("\n  x = 1 \n")
    for name in ("pipe", "huge.py", "missing.py", "\0", ""):
        assert source_line(str(tmp_path / name) if name else "", 1) is None
    assert source_line(str(tmp_path / "small.py"), 2) == "x = 1"
    assert source_line(str(tmp_path / "small.py"), 1) is None
    linecache.cache["<cell 1>"] = (7, None, ["x = 1\n"], "<cell 1>")
    try:
        assert source_line("<cell 1>", 1) == "x = 1"
    finally:
        del linecache.cache["<cell 1>"]


def noted(error: BaseException, notes: Any) -> BaseException:
    if type(error) not in (Unreadable, Lying):
        error.__notes__ = notes
    return error


texts = st.text(st.characters(), max_size=30)
kinds = st.sampled_from(
    [ValueError, KeyError, OSError, HostileText, NoText, Unreadable, Lying, SystemExit, SyntaxError]
)
errors = st.recursive(
    st.builds(lambda kind, *args: kind(*args), kinds, texts | st.integers() | st.lists(texts)),
    lambda inner: (
        st.builds(raising, inner, inner)
        | st.builds(BaseExceptionGroup, texts, st.lists(inner, min_size=1, max_size=3))
        | st.builds(noted, inner, texts | st.none() | st.lists(texts | st.integers()))
    ),
    max_leaves=8,
)


@given(errors, st.booleans())
def test_any_exception_becomes_plain(error: BaseException, variables: bool) -> None:
    """Whatever was raised, what is kept is plain, can be shown, and can become an exception again."""
    found = info(error, locals=variables)
    assert measure(found) != NOT_PLAIN
    assert str(found)
    assert str(info(found.to_exception())) == str(found)


@pytest.mark.parametrize("asked", ["__getattr__", "__getattribute__", "__notes__"])
def test_an_exception_is_not_asked_for_its_notes(asked: str) -> None:
    """Its class may fetch attributes from wherever it likes, for as long as it likes: notes are what it holds itself."""
    names: list[object] = []
    looked_up = property(names.append) if asked == "__notes__" else lambda _error, name: names.append(name)
    error = type("Remote", (Exception,), {asked: looked_up})("away")
    vars(BaseException)["__dict__"].__get__(error)["__notes__"] = ["while it was asked"]
    assert (info(error).message, info(error).notes, names) == ("away", ("while it was asked",), [])


def test_frames_of_a_rebuilt_exception_are_captured_again() -> None:
    """An exception that came from another process, rebuilt and raised on, keeps its first frames."""
    first = info(caught(Shop().sell))
    again = info(caught(lambda: raise_on(first.to_exception())))
    assert [frame.function for frame in again.frames[-2:]] == ["caught", "sell"]
    assert [(frame.filename, frame.lineno, frame.line, frame.module) for frame in again.frames[-2:]] == [
        (frame.filename, frame.lineno, frame.line, frame.module) for frame in first.frames
    ]


def raise_on(error: BaseException) -> None:
    raise error

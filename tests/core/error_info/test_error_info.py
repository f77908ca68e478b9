"""An error as data: what it matches, how it reads, and how it becomes an exception again."""

from __future__ import annotations

import asyncio
import linecache
import subprocess
import sys
import traceback
from collections.abc import Callable
from typing import Any, Self

import msgspec
import pytest

from jobreporter._capture.errors import capture_error
from jobreporter.error_info import ErrorInfo, Frame


class Expected(ValueError):  # noqa: N818 - expected is no error
    """A job's own error."""

    class Inner(OSError):  # noqa: N818 - a name is all that it has
        """One within it."""


def info(error: BaseException, **options: Any) -> ErrorInfo:
    return capture_error(error, **options).complete()


class TestMatches:
    """``matches`` answers like isinstance."""

    @pytest.mark.parametrize(
        "asked",
        [
            Expected,
            ValueError,
            Exception,
            object,
            f"{__name__}.Expected",
            "ValueError",
            "Exception",
            "builtins.ValueError",
        ],
    )
    def test_own_type_and_bases(self, asked: type | str) -> None:
        """The type and all its bases match, as classes and by name."""
        assert info(Expected("x")).matches(asked)

    @pytest.mark.parametrize(
        "asked", [KeyError, "KeyError", "Expected", "shop.Expected", f"{__name__}.Expected.Inner", "", "."]
    )
    def test_other_types(self, asked: type | str) -> None:
        """Anything else doesn't, and a bare name is a builtin's."""
        assert not info(Expected("x")).matches(asked)

    def test_any_of_several(self) -> None:
        """One that matches is enough; none never does."""
        error = info(Expected("x"))
        assert error.matches(KeyError, "ValueError")
        assert not error.matches(KeyError, "OSError")
        assert not error.matches()

    def test_aliases(self) -> None:
        """A type that has several names matches by each of them."""
        assert info(OSError("x")).matches("IOError")
        assert info(OSError("x")).matches("EnvironmentError", "builtins.EnvironmentError")
        assert info(TimeoutError("x")).matches("asyncio.TimeoutError")
        assert info(TimeoutError("x")).matches(asyncio.TimeoutError)
        assert info(Expected.Inner("x")).matches(Expected.Inner, f"{__name__}.Expected.Inner")

    def test_errors_of_other_processes(self) -> None:
        """Names are compared: an error of a module that isn't here matches by its names, and by builtin ones."""
        error = ErrorInfo(type="shop.errors.SoldOut", mro=("shop.errors.SoldOut", "shop.Base", "builtins.OSError"))
        assert error.matches("shop.errors.SoldOut")
        assert error.matches("shop.Base")
        assert error.matches(OSError, "IOError")
        assert not error.matches("SoldOut")
        assert ErrorInfo(type="ExitCode").matches("ExitCode")

    def test_nothing_is_imported(self) -> None:
        """A name of a module that isn't imported stays so."""
        assert not info(Expected("x")).matches("this.Zen", "email.mime.audio.MIMEAudio")
        assert "this" not in sys.modules

    def test_names_that_are_no_classes(self) -> None:
        """A name of something else than a class of a module is compared as it is."""
        sys.modules["shop_that_is_no_module"] = Expected("x")  # type: ignore[assignment]
        try:
            assert not info(Expected("x")).matches("sys.path", "sys.path.x", "shop_that_is_no_module.Expected")
        finally:
            del sys.modules["shop_that_is_no_module"]

    @pytest.mark.parametrize("asked", [5, None, (ValueError, KeyError), ValueError("x")])
    def test_what_is_neither_type_nor_name_is_refused(self, asked: Any) -> None:
        """It says what it takes and what it got."""
        with pytest.raises(TypeError, match="takes types and names of types, not"):
            info(Expected("x")).matches(asked)


def caught(act: Callable[[], Any]) -> BaseException:
    try:
        act()
    except BaseException as error:
        return error
    raise AssertionError("it should have raised")


def deep(depth: int) -> None:
    if not depth:
        raise Expected("deep")
    deep(depth - 1)


def with_cause() -> None:
    try:
        deep(1)
    except Expected as error:
        raise KeyError("x") from error


def with_context() -> None:
    try:
        with_cause()
    except KeyError:
        error = RuntimeError("two\nlines")
        error.add_note("a note\nof two lines")
        error.add_note("")
        raise error  # noqa: B904 - without a cause, on purpose


def without_context() -> None:
    try:
        deep(0)
    except Expected:
        raise RuntimeError from None


def group_of(*errors: Any) -> None:
    raise BaseExceptionGroup("some", errors)


def group_with_cause() -> None:
    try:
        group_of(ValueError("a"), KeyError("b"))
    except ExceptionGroup as error:
        raise ValueError("after a group") from error


def nested_group() -> None:
    inner = caught(lambda: group_of(caught(with_cause), ExceptionGroup("never raised", [ValueError("x")])))
    group_of(caught(with_context), inner, KeyboardInterrupt())


def nested_group_at_the_end() -> None:
    group_of(ValueError("a"), caught(lambda: group_of(caught(lambda: deep(0)))))


def group_caused_by_a_group() -> None:
    try:
        group_of(ValueError("a"), ExceptionGroup("b", [ValueError("c")]))
    except ExceptionGroup as error:
        raise BaseExceptionGroup("outer", [TypeError("d"), caught(group_with_cause)]) from error


TRACEBACKS = [
    lambda: deep(0),
    lambda: deep(3),
    lambda: deep(30),
    with_cause,
    with_context,
    without_context,
    lambda: group_of(ValueError("a"), KeyError("b")),
    group_with_cause,
    nested_group,
    nested_group_at_the_end,
    group_caused_by_a_group,
    lambda: exec("1 / 0", {}),
    lambda: sys.exit(3),
    lambda: exec(compile("def f():\n  1 / 0\nf()", "<shop>", "exec"), {"__name__": "__main__"}),
]


def without_marks(formatted: str) -> str:
    """A traceback without the lines that underline a part of the line above."""
    lines = formatted.removesuffix("\n").split("\n")
    return "\n".join(line for line in lines if not (set("^~") & set(line) and not line.strip(" |^~")))


class TestText:
    """``str(error)`` is the usual formatted traceback."""

    @pytest.mark.parametrize("act", TRACEBACKS)
    def test_it_reads_like_pythons_own(self, act: Callable[[], Any]) -> None:
        """Frames, repetitions, causes, contexts, notes and groups are written as Python writes them."""
        error = caught(act)
        assert str(info(error)) == without_marks("".join(traceback.format_exception(error)))

    def test_it_reads_like_pythons_own_without_frames(self) -> None:
        """So is an exception that was never raised, and a group of them."""
        for error in (ValueError("x"), ValueError(), ExceptionGroup("g", [ValueError("x")])):
            assert str(info(error)) == "".join(traceback.format_exception(error)).removesuffix("\n")

    def test_calls_that_are_missing_are_counted(self) -> None:
        """In the middle of a long stack it says how much is missing."""
        error = info(caught(lambda: deep(200)))
        assert "\n  [103 more calls]\n" in str(error)

    def test_all_members_are_shown(self) -> None:
        """Where Python stops after 15 members, all that were kept are shown."""
        text = str(info(ExceptionGroup("g", [ValueError(str(number)) for number in range(20)])))
        assert all(f"| ValueError: {number}\n" in text for number in range(20))

    def test_fields_are_enough(self) -> None:
        """An error of another process reads alike."""
        frame = Frame(filename="shop.py", lineno=3, function="Shop.sell", line="sell()")
        error = ErrorInfo(type="shop.SoldOut", message="no", frames=(frame,))
        text = 'Traceback (most recent call last):\n  File "shop.py", line 3, in sell\n    sell()\nshop.SoldOut: no'
        assert str(error) == text
        assert str(msgspec.json.decode(msgspec.json.encode(error), type=ErrorInfo)) == text


class Demanding(OSError):  # noqa: N818 - a name is all that it has
    """Wants what nobody has any more, and gives only what nobody wants."""

    def __init__(self, code: int, *, customer: str) -> None:
        super().__init__(code, "demanding")
        self.customer = customer

    def __new__(cls, code: int, *, customer: str) -> Self:
        return super().__new__(cls, code, customer)

    def __str__(self) -> str:
        return f"customer {self.customer}"

    def __repr__(self) -> str:
        return f"Demanding({self.customer})"

    def __getattr__(self, name: str) -> Any:
        return getattr(self.response, name)  # asks itself, for ever, where __init__ didn't run

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "customer":
            raise AttributeError(name)
        super().__setattr__(name, value)

    __hash__ = None  # type: ignore[assignment]


LIE: Any = property(lambda self: 1 / 0)


class Lying(ExceptionGroup[Exception]):
    """Has something else wherever one looks."""

    __class__ = __dict__ = __cause__ = __traceback__ = args = exceptions = message = LIE
    __notes__ = ["a class's note"]  # noqa: RUF012 - it is what the test is about
    add_note = with_traceback = split = LIE


class Registered(Exception):  # noqa: N818 - a name is all that it has
    """Notices every class that derives from it."""

    classes: list[type] = []  # noqa: RUF012 - filled by the classes that follow

    def __init_subclass__(cls) -> None:
        Registered.classes.append(cls)


class Meta(type):
    pass


class WithMeta(Exception, metaclass=Meta):  # noqa: N818 - a name is all that it has
    pass


class OwnGroup(ExceptionGroup[Exception]):
    pass


class TestToException:
    """``to_exception`` makes an exception of it."""

    @pytest.mark.parametrize("act", TRACEBACKS)
    def test_it_reads_as_the_error_does(self, act: Callable[[], Any]) -> None:
        """What Python formats of the exception is what the error says."""
        error = info(caught(act))
        exception = error.to_exception()
        assert "".join(traceback.format_exception(exception)).removesuffix("\n") == str(error)

    def test_its_class_derives_from_the_real_one(self) -> None:
        """The class has the real one's names and is caught like it, and equal errors have the same class."""
        error = info(caught(lambda: deep(0)))
        exception = error.to_exception()
        assert isinstance(exception, Expected)
        kind = type(exception)
        assert (kind.__module__, kind.__qualname__, kind.__name__) == (__name__, "Expected", "Expected")
        assert type(error.to_exception()) is kind
        assert (str(exception), repr(exception), exception.args) == ("deep", "Expected('deep')", ("deep",))
        inner = info(Expected.Inner("x")).to_exception()
        assert isinstance(inner, Expected.Inner)
        assert (type(inner).__qualname__, type(inner).__name__) == ("Expected.Inner", "Inner")

    def test_frames_have_names_lines_and_locals(self) -> None:
        """Each frame has the file, line, name, module and locals of the real one."""

        def act(order: int) -> None:
            raise Expected(order)

        error = info(caught(lambda: act(5)), locals=True)
        frames = [(frame.f_code, line, frame) for frame, line in traceback.walk_tb(error.to_exception().__traceback__)]
        assert [(code.co_filename, code.co_name, line) for code, line, _ in frames] == [
            (frame.filename, frame.function.rpartition(".")[2], frame.lineno) for frame in error.frames
        ]
        code, line, frame = frames[-1]
        assert linecache.getline(code.co_filename, line).strip() == "raise Expected(order)"
        assert (frame.f_globals["__name__"], frame.f_lineno) == (__name__, line)
        assert frame.f_locals["order"] == 5

    def test_all_it_refers_to_is_restored(self) -> None:
        """Cause, context, their suppression, notes and members are there again."""
        exception = info(caught(with_context)).to_exception()
        assert exception.__notes__ == ["a note\nof two lines", ""]
        assert isinstance(exception.__context__, KeyError)
        assert isinstance(exception.__context__.__cause__, Expected)
        assert (exception.__suppress_context__, exception.__context__.__suppress_context__) == (False, True)
        group = info(caught(nested_group)).to_exception()
        assert isinstance(group, BaseExceptionGroup)
        assert [type(member).__name__ for member in group.exceptions] == [
            "RuntimeError",
            "ExceptionGroup",
            "KeyboardInterrupt",
        ]
        assert info(caught(without_context)).to_exception().__suppress_context__

    def test_no_code_of_the_real_class_runs(self) -> None:
        """A class that wants arguments, refuses attributes and computes its text is stood in for all the same."""
        error = info(Demanding(5, customer="acme"))
        error = msgspec.structs.replace(error, notes=("note",), cause=ErrorInfo(type="a.B"))
        exception: Any = error.to_exception()
        assert isinstance(exception, Demanding)
        assert (str(exception), repr(exception)) == ("customer acme", "Demanding('customer acme')")
        assert exception.__notes__ == ["note"]
        assert getattr(exception, "retries", 0) == 0
        exception.attempt = 5
        assert {exception} == {exception}

    def test_nothing_that_a_class_overrides_is_in_the_way(self) -> None:
        """What every exception and group has works as usual, whatever the real class makes of it."""
        error = ErrorInfo(
            type=f"{__name__}.Lying",
            message="g (1 sub-exception)",
            notes=("note",),
            cause=ErrorInfo(type="a.B"),
            exceptions=(ErrorInfo(type="builtins.ValueError", message="a"),),
        )
        exception: Any = error.to_exception()
        assert issubclass(type(exception), Lying)
        assert "".join(traceback.format_exception(exception)).removesuffix("\n") == str(error)
        exception.add_note("another")
        assert exception.__notes__ == ["note", "another"]
        assert [type(each) for each in exception.split(ValueError)] == [ExceptionGroup, type(None)]
        assert exception.with_traceback(None) is exception

    @pytest.mark.parametrize(("kind", "stand_in"), [(Registered, Exception), (WithMeta, Exception)])
    def test_classes_that_would_notice_are_not_derived_from(self, kind: Any, stand_in: type) -> None:
        """A metaclass or an ``__init_subclass__`` would run: the nearest base without takes the place."""
        exception = info(kind("x")).to_exception()
        assert type(exception).__mro__[1] is stand_in
        assert type(exception).__name__ == kind.__name__
        assert Registered.classes == []

    @pytest.mark.parametrize(
        ("name", "mro", "base", "qualname"),
        [
            (
                "shopfront.errors.SoldOut",
                ("shopfront.errors.SoldOut", "shopfront.Base", "builtins.OSError", "builtins.object"),
                OSError,
                "SoldOut",
            ),
            ("shopfront.jobs.f.<locals>.Err", (), Exception, "f.<locals>.Err"),
            ("builtins.SoldOut", ("builtins.int",), Exception, "SoldOut"),
            ("ExitCode", (), Exception, "ExitCode"),
            ("sys.path", (), Exception, "path"),
            ("a.\0", (), Exception, ""),
            (f"{__name__}.pytest.Class", (), Exception, "Class"),
            ("asyncio.TimeoutError", (), Exception, "TimeoutError"),
        ],
    )
    def test_classes_that_are_not_here(self, name: str, mro: tuple[str, ...], base: type, qualname: str) -> None:
        """A class whose module isn't imported has its name, and the nearest base that is here."""
        exception = ErrorInfo(type=name, mro=mro, message="no").to_exception()
        assert type(exception).__mro__[1] is base
        assert type(exception).__qualname__ == qualname
        assert str(exception) == "no"
        assert "shopfront" not in sys.modules

    @pytest.mark.parametrize(
        "error",
        [
            UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
            SyntaxError("bad", ("a.py", 1, 2, "x =")),
            KeyError("a"),
            StopIteration(5),
            SystemExit(3),
            ImportError("no", name="a"),
            OSError(2, "no such file"),
            asyncio.IncompleteReadError(b"a", 5),
            subprocess.CalledProcessError(3, "false"),
            msgspec.ValidationError("bad"),
            OwnGroup("own", [ValueError("a")]),
            KeyboardInterrupt(),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_exceptions_of_every_make(self, error: BaseException) -> None:
        """Those with constructors of their own, in C or in Python, are built again with their text."""
        found = info(error)
        exception = found.to_exception()
        assert isinstance(exception, type(error))
        assert str(exception) == found.message
        assert (
            traceback.format_exception_only(exception)[-1] == f"{str(found).splitlines()[0].strip()}\n"
            or found.exceptions
        )

    def test_a_group_without_members_is_no_group(self) -> None:
        """Python has none, so it becomes an exception with the group's name."""
        exception = ErrorInfo(type="builtins.ExceptionGroup", message="lost (2 sub-exceptions)").to_exception()
        assert (type(exception).__name__, str(exception)) == ("ExceptionGroup", "lost (2 sub-exceptions)")
        assert not isinstance(exception, BaseExceptionGroup)

    @pytest.mark.parametrize("lineno", [-5, 0, 2**40])
    def test_odd_lines(self, lineno: int) -> None:
        """A line number that no code has does no harm."""
        frame = Frame(filename="a\0", lineno=lineno, function="")
        exception = ErrorInfo(type="a.B", frames=(frame,)).to_exception()
        assert exception.__traceback__ is not None

    def test_only_this_needs_tblib(self) -> None:
        """A worker whose reporters want no exceptions never loads it."""
        program = """
import sys
from jobreporter._capture.errors import capture_error
error = capture_error(ValueError("x")).complete()
assert str(error) and "tblib" not in sys.modules
error.to_exception()
assert "tblib" in sys.modules
"""
        subprocess.run([sys.executable, "-c", program], check=True)

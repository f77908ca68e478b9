"""An exception made of an `ErrorInfo`, for code that knows errors only as exceptions.

No code of the real class runs: it may want arguments that nobody has any more, or refuse attributes. Its place is taken
by a class derived from it that does nothing by itself.
"""

from __future__ import annotations

from functools import lru_cache
from types import BuiltinFunctionType, SimpleNamespace, TracebackType
from typing import Any

from tblib import Traceback

from jobreporter._foreign.classes import attribute, definitions, full_name, imported_class
from jobreporter.error_info import ErrorInfo, Frame

# Stand-ins for so many classes are kept, so that equal errors have the same class.
_REMEMBERED = 256
_HIGHEST_LINE = 2**31 - 1
# What every exception and every group has, to be put in front of whatever a class makes of it.
_NATIVE = {
    name: found
    for kind in (object, BaseException)
    for name, found in vars(kind).items()
    if name not in {"__new__", "__doc__", "__init_subclass__", "__subclasshook__"}
}
_NATIVE_OF_GROUPS = {
    name: found for name, found in vars(BaseExceptionGroup).items() if name not in {"__new__", "__doc__"}
}

_args = BaseException.__dict__["args"].__get__


def rebuilt(error: ErrorInfo) -> BaseException:
    """The error as an exception, with all that it refers to."""
    exception = _instance(error)
    _set(exception, "__traceback__", _traceback(error.frames))
    _set(exception, "__cause__", None if error.cause is None else rebuilt(error.cause))
    _set(exception, "__context__", None if error.context is None else rebuilt(error.context))
    _set(exception, "__suppress_context__", error.suppress_context)  # last, because a cause sets it
    if error.notes:
        exception.__dict__["__notes__"] = list(error.notes)
    return exception


def _instance(error: ErrorInfo) -> BaseException:
    kind = _stand_in(error.type, (error.type, *error.mro))
    arguments: tuple[Any, ...] = (error.message,)
    if issubclass(kind, BaseExceptionGroup):
        arguments = (error.message, tuple(map(rebuilt, error.exceptions)))
    new = next(each for each in definitions(kind, "__new__") if type(each) is BuiltinFunctionType)
    try:
        exception: BaseException = new(kind, *arguments)
    except Exception:  # written in C, and wants other arguments; a group wants a member
        exception = BaseException.__new__(_stand_in(error.type, ("builtins.Exception",)))
    _set(exception, "args", arguments)
    if issubclass(type(exception), SyntaxError):
        SyntaxError.__dict__["msg"].__set__(exception, error.message)  # what its traceback is formatted from
    return exception


@lru_cache(_REMEMBERED)
def _stand_in(name: str, bases: tuple[str, ...]) -> type[BaseException]:
    """A class of this full name, derived from the first of these classes that will do."""
    base = next((kind for each in bases if (kind := _derivable(each)) is not None), Exception)
    module, _, qualname = name.partition(".<locals>.")[0].rpartition(".")
    if full_name(base) == name:
        module = base.__module__
    qualname = name.removeprefix(f"{module}.").replace("\0", "")
    behaviour = {
        **_NATIVE,
        **(_NATIVE_OF_GROUPS if issubclass(base, BaseExceptionGroup) else {}),
        "__module__": module or "builtins",
        "__qualname__": qualname,
        "__str__": lambda self: _args(self)[0],
        "__repr__": lambda self: f"{qualname}({_args(self)[0]!r})",
        "__getattr__": _no_attribute,
    }
    return type(qualname.rpartition(".")[2], (base,), behaviour)


def _no_attribute(self: BaseException, name: str) -> Any:
    raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)


def _derivable(name: str) -> type[BaseException] | None:
    """The exception class of this name, if it is imported, and no code of its own runs when a class derives from it."""
    kind = imported_class(name)
    if kind is None or not issubclass(kind, BaseException) or full_name(kind) != name or type(kind) is not type:
        return None
    return kind if attribute(kind, "__init_subclass__") is object.__dict__["__init_subclass__"] else None


def _traceback(frames: tuple[Frame, ...]) -> TracebackType | None:
    """A traceback with these calls in it, which tblib makes by really raising something in each."""
    each = None
    for frame in reversed(frames):
        lineno = min(max(frame.lineno, 1), _HIGHEST_LINE)
        code = SimpleNamespace(co_filename=frame.filename, co_name=frame.function.rpartition(".")[2])
        names = {"__name__": frame.module, "__file__": frame.filename}
        called = SimpleNamespace(f_code=code, f_lineno=lineno, f_globals=names, f_locals=frame.locals or {})
        each = SimpleNamespace(tb_frame=called, tb_lineno=lineno, tb_next=each)
    if each is None:
        return None
    return _without_columns(Traceback(each, get_locals=lambda frame: frame.f_locals).as_traceback())


def _without_columns(traceback: TracebackType | None) -> TracebackType | None:
    """The same traceback without the columns of what was raised, which are not those of the original line."""
    calls = []
    while traceback is not None:
        calls.append(traceback)
        traceback = traceback.tb_next
    for each in reversed(calls):
        traceback = TracebackType(traceback, each.tb_frame, -1, each.tb_lineno)
    return traceback


def _set(exception: BaseException, name: str, value: object) -> None:
    """Sets what every exception has, past whatever its class has put in the way."""
    BaseException.__dict__[name].__set__(exception, value)

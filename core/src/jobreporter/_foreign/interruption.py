"""Telling an interruption of the job, which must propagate, from what an object of the job raises by itself.

A time limit or a signal may land while an object's ``__repr__`` runs for us. It has no mark of its own, but a trace of
how it was raised:

- a signal handler that raises has its frame in the traceback;
- what is thrown into a thread (``PyThreadState_SetAsyncExc``) or a greenlet comes out of an instruction that isn't
  ``raise``. What a function written in C raises does too, so an `Exception` counts as thrown in only if it is no
  builtin one and has no arguments: throwing into a thread creates it from the bare class.

So a ``KeyboardInterrupt`` is Ctrl-C unless a ``raise`` of the object's own made it.

What can't be told apart is settled here: a builtin `Exception`, or ``SystemExit`` or ``GeneratorExit``, thrown into a
thread just then does not propagate.
"""

from __future__ import annotations

import builtins
import signal
from functools import partial
from opcode import opmap
from types import CodeType, FunctionType, MethodType, TracebackType

from jobreporter._foreign.classes import attribute

_RAISES = frozenset(opmap[name] for name in ("RAISE_VARARGS", "RERAISE"))
_BUILTIN = tuple(each for each in vars(builtins).values() if isinstance(each, type))


def is_interruption(error: BaseException) -> bool:
    """Whether an exception caught around a call of the job's code was raised into it from outside."""
    traceback: TracebackType | None = BaseException.__dict__["__traceback__"].__get__(error)
    handlers = _signal_handlers()
    last = traceback
    while traceback is not None:
        if traceback.tb_frame.f_code in handlers:
            return True
        last, traceback = traceback, traceback.tb_next
    return last is not None and not _is_raise(last) and _may_be_thrown_in(error)


def _may_be_thrown_in(error: BaseException) -> bool:
    kind = type(error)  # not isinstance, which would ask the error for its class
    if issubclass(kind, KeyboardInterrupt):
        return True
    if any(kind is each for each in _BUILTIN):
        return False
    return not issubclass(kind, Exception) or not BaseException.__dict__["args"].__get__(error)


def _is_raise(traceback: TracebackType) -> bool:
    """Whether the instruction that a traceback ends in is a ``raise``. Frames of compiled code have none."""
    at, code = traceback.tb_lasti, traceback.tb_frame.f_code.co_code
    return 0 <= at < len(code) and code[at] in _RAISES


def _signal_handlers() -> set[CodeType]:
    """The code of the signal handlers that are installed now."""
    handlers = map(signal.getsignal, signal.valid_signals())
    return {code for handler in handlers if (code := _code(handler)) is not None}


def _code(handler: object) -> CodeType | None:
    while type(handler) is partial:
        handler = handler.func
    if type(handler) is MethodType:
        handler = handler.__func__
    if type(handler) is not FunctionType:
        handler = attribute(type(handler), "__call__")
    return handler.__code__ if type(handler) is FunctionType else None

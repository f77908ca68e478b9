"""Interrupting jobreporter's own code at a chosen instruction, which no signal and no sleep could hit on purpose."""

from __future__ import annotations

import dis
import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import jobreporter

PACKAGE = str(Path(jobreporter.__file__).parent)

# Where an exception is on its way out already, as it is in a generator that is thrown away. The interpreter looks for
# signals and thrown exceptions at none of these.
_ON_THE_WAY_OUT = {"RERAISE", "CALL_INTRINSIC_1"}


def interrupt(call: Callable[[], object], number: int, act: Callable[[], object]) -> bool:
    """Make the call, and act before jobreporter's instruction with this number, counted from 0.

    Returns whether there were so many instructions. What ``act`` raises is raised there.
    """
    seen = itertools.count()
    acted = False

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal acted
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode" and instruction(frame) not in _ON_THE_WAY_OUT and next(seen) == number:
            acted = True
            act()
        return trace

    before = sys.gettrace()
    # Early versions of Python 3.12 trace no instructions unless some frame asked for it beforehand.
    sys._getframe().f_trace_opcodes = True
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return acted


#: An instruction: its function, by file, line and name, and its offset there.
Place = tuple[str, int, str, int]


def watch(call: Callable[[], object], seen: Callable[[Place], object]) -> None:
    """Make the call, and tell of every instruction of jobreporter's that it comes to, just before."""

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode" and instruction(frame) not in _ON_THE_WAY_OUT:
            code = frame.f_code
            seen((code.co_filename, code.co_firstlineno, code.co_name, frame.f_lasti))
        return trace

    before = sys.gettrace()
    sys._getframe().f_trace_opcodes = True
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)


def instruction(frame: FrameType) -> str:
    """The name of the instruction that the frame is at."""
    return dis.opname[frame.f_code.co_code[frame.f_lasti]]


def every_instruction(attempt: Callable[[int], bool]) -> int:
    """Attempt it with one number after the other, for as long as it returns that there was such an instruction.

    Returns how many there were.
    """
    for number in itertools.count():
        if not attempt(number):
            return number
    raise AssertionError


def numbered(name: str) -> Iterator[str]:
    """Ids of jobs, one after the other."""
    return (f"{name}-{number}" for number in itertools.count())

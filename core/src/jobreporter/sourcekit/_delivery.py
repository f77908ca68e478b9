"""Names for deliveries: a queue may hand out one attempt at a job more than once, and each time is an execution."""

from __future__ import annotations

import itertools
import os

#: Hexadecimal digits of what `new_delivery` returns.
DELIVERY_LENGTH = 8

_numbers = itertools.count()


def new_delivery() -> str:
    """A name that no other delivery of the same message has, in any process: eight hexadecimal digits."""
    return f"{next(_numbers) % 16**DELIVERY_LENGTH:0{DELIVERY_LENGTH}x}"


def _begin_anew() -> None:
    # Random once for a process, then counted. To ask the system lets go of the interpreter's lock, which a job then has
    # to get back from the reporters' threads: that would cost it more than all else that is done for it.
    global _numbers  # noqa: PLW0603 - as many as there are processes, and of those each has one
    _numbers = itertools.count(int.from_bytes(os.urandom(DELIVERY_LENGTH // 2)))


_begin_anew()
os.register_at_fork(after_in_child=_begin_anew)

"""Saying something where no thread can be started that might."""

from __future__ import annotations

import os
import select
from collections.abc import Iterable

STDERR = 2


def last_words(lines: Iterable[str]) -> None:
    """Write the lines to stderr, as far as it takes them without waiting. Raises nothing."""
    for line in lines:
        # So much a pipe takes at once, if it takes anything.
        text = line.encode(errors="backslashreplace")[: select.PIPE_BUF - 1] + b"\n"
        try:
            _, ready, _ = select.select([], [STDERR], [], 0)
            if not ready:
                return
            os.write(STDERR, text)
        except (OSError, ValueError):
            return

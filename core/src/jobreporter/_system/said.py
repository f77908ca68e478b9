"""What a process and those that it forks have said, so that one of them says it for all."""

from __future__ import annotations

import struct
from mmap import mmap

_SAID = struct.Struct("=qd")


class Said:
    """Of a text that was said last, and when: in memory that forked processes share.

    Two that say it at the very same moment may both do so: nobody waits for a lock here.
    """

    def __init__(self) -> None:
        self._memory = mmap(-1, _SAID.size)

    def lately(self, text: str, now: float, interval: float) -> bool:
        """Whether one of them has said this within the interval. If not, it is for the caller to say.

        now: of the clock that all processes of a machine have in common.
        """
        said, at = _SAID.unpack_from(self._memory)
        if said == hash(text) and 0 <= now - at < interval:  # processes that are forked hash texts alike
            return True
        _SAID.pack_into(self._memory, 0, hash(text), now)
        return False

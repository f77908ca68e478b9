"""A stream that can be opened anew, with what the config says by then, while others hold it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from jobreporter.errors import JobReporterError
from jobreporter.streams import Stream

#: Seconds after which a stream that somebody has to do something about is asked again.
REFUSED_FOR = 15.0


class Reopenable:
    """Stands for the `Stream` that ``open_it`` opens. For one thread, as that one is."""

    def __init__(self, open_it: Callable[[], Stream]) -> None:
        self._open_it = open_it
        self._stream = open_it()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def as_stream(self) -> Stream:
        """This, to be used as the stream."""
        return cast(Stream, self)

    def open_again(self) -> None:
        """What was refused may be a password that was changed since: the next call is made with the new one.

        Where it can't be opened now, it stays as it was.
        """
        try:
            stream = self._open_it()
        except JobReporterError:
            return
        self._stream.close()
        self._stream = stream

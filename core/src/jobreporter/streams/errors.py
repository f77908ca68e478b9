"""What a stream raises. Everything else that comes out of an engine is its own fault."""

from __future__ import annotations

from jobreporter.errors import JobReporterError


class StreamError(JobReporterError):
    """The base of what a stream raises: one sentence, without a secret."""


class StreamDown(StreamError):  # noqa: N818 - it names a state
    """The stream can't be reached or doesn't answer now. Whether the call was executed is not known: try again."""


class StreamFull(StreamError):  # noqa: N818 - it names a state
    """The stream has no room. Nothing was stored: try again when events have been settled."""


class StreamRefused(StreamError):  # noqa: N818 - it says what happened
    """The stream will not have it: wrong credentials, missing rights, an untrusted certificate, a foreign format.

    Somebody has to change something, so there is no use in trying again soon.
    """


class StreamMissing(StreamRefused):
    """There is no stream there yet, and who asked is not to make one."""

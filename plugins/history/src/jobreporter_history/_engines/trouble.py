"""What goes wrong with a database, by what is to be done about it."""

from __future__ import annotations


class StoreError(Exception):
    """Something is wrong with the store. The message is one sentence for people."""


class Unavailable(StoreError):  # noqa: N818 - it names a state
    """It can't be used now, and may be later: another process holds its lock, or the server is away."""


class DiskFull(StoreError):  # noqa: N818 - as above
    """There is no room on its disk."""


class Damaged(StoreError):  # noqa: N818 - as above
    """The file isn't what SQLite wrote."""


class Refused(StoreError):  # noqa: N818 - as above
    """It can't be used, now or later, until somebody changes something."""


class Silent(Unavailable):
    """It has not said a word for as long as it is waited for."""


class OutOfTime(Unavailable):
    """A statement was cut short: the time that it had was over, or somebody had the server end it."""


class Gone(Unavailable):
    """A table isn't there: it was too old and was dropped a moment ago."""


class Clash(Unavailable):
    """Another writer was in the way, or has just made a row with the same key. The transaction can be repeated."""

"""What jobreporter raises, what a job raises to give up, and what a reporter raises when it can't deliver."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

# Faults that a ConfigError shows; its attribute has them all.
_MOST_TOLD = 100


class JobReporterError(Exception):
    """The base of every error that jobreporter raises on purpose."""


class Fault(NamedTuple):
    """One thing that is wrong with a config.

    where: the file with the line, and the table, such as ``/srv/shop/jobreporter.toml:12, [reporters.sentry]``.
    problem: one sentence: what was found, what was expected, the nearest right name. It never quotes a secret.

    file, line, table and key say where for a program; each is ``None`` where it isn't known. The line counts from 1.
    """

    where: str
    problem: str
    file: str | None = None
    line: int | None = None
    table: str | None = None
    key: str | None = None

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


class ConfigError(JobReporterError):
    """A config that can't be used.

    faults: everything that is wrong with it, not just the first.
    """

    faults: tuple[Fault, ...] = ()

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(self.faults)

    def __str__(self) -> str:
        lines = [str(fault) for fault in self.faults[:_MOST_TOLD]]
        if more := len(self.faults) - len(lines):
            lines.append(f"... and {more} more")
        return "\n".join(lines)


class PluginError(JobReporterError):
    """A plugin that would not do what its author meant, refused when it was loaded.

    plugin: the reporter's name. distribution, version: what it was installed from, ``None`` for an object that was
    passed in. hook: the function or hook at fault, ``None`` where it is the plugin as a whole. problem: the sentence.
    """

    def __init__(
        self,
        plugin: str,
        problem: str,
        *,
        hook: str | None = None,
        distribution: str | None = None,
        version: str | None = None,
    ) -> None:
        self.plugin = plugin
        self.problem = problem
        self.hook = hook
        self.distribution = distribution
        self.version = version
        super().__init__(plugin, problem)

    def __str__(self) -> str:
        origin = f" ({self.distribution} {self.version})" if self.distribution else ""
        return f"reporter {self.plugin!r}{origin}: {self.problem}"


class BrokenReporter(JobReporterError):  # noqa: N818 - it names a state, as `check` shows it
    """A reporter that can't run now, though its config is right: an unset secret, a failing import.

    A ``reporter_start`` may raise it to say in one sentence why it can't start; any other exception means the same.

    fault: where in the config that is said which leads nowhere, if it is the config that can't be followed here.
    """

    fault: Fault | None = None

    def __init__(self, *sentence: object, fault: Fault | None = None) -> None:
        self.fault = fault
        super().__init__(*sentence)


class TryAgain(JobReporterError):  # noqa: N818 - it names what is to be done
    """Raised by a reporter's hook that can't do its work just now: its vendor is down, or asks for a pause.

    It is no crash, and the reporter keeps its state. From a handler it says that the event was not taken: the event
    stays the first one that waits. From ``reporter_flush`` it says that nothing of the batch is lost: the same flush is
    called again. Until then nothing else is handed to the reporter, and its events wait in its buffer.

    after: seconds to wait at least, such as a vendor's ``Retry-After``; on top of that the pauses grow from a tenth of a
    second to half a minute, as long as nothing goes well in between; when the process ends, the next try doesn't
    wait for that. Raises TypeError for what is no number, and ValueError for one that is negative or no number of seconds.
    """

    # A class that derives from it may have an `__init__` of its own, which calls no other.
    after: float | None = None

    def __init__(self, after: float | None = None) -> None:
        if after is not None:
            if isinstance(after, bool) or not isinstance(after, int | float):
                raise TypeError(
                    f"TryAgain(after=...) takes seconds as a number, or None, and not {type(after).__name__}"
                )
            if not after >= 0:
                raise ValueError(f"TryAgain(after=...) takes seconds, 0 at least, and not {after}")
        self.after = after
        super().__init__(after)

    def __str__(self) -> str:
        return "it asked to be tried again" + (f" after {self.after:g} s" if self.after else "")


class Undeliverable(JobReporterError):  # noqa: N818 - it names what has become of the event
    """Raised by a reporter's handler for an event that can never be delivered: its vendor refuses it for good.

    It is no crash: the event counts as ``failed``, in an agent it becomes a dead letter, and the next event follows.
    Raised by a ``reporter_flush``, which may be about many events, it is a crash like any other.

    reason: one sentence for the operator, such as the vendor's answer.
    """

    reason: str = ""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Abort(Exception):  # noqa: N818 - not an error: the job gives up on purpose
    """Raised by a job to give up on purpose: its execution is ``aborted``, and the exception does not propagate.

    reason: one of the reasons of ``Aborted``, or the job's own word. will_retry: whether it will be tried again, if known.
    """

    reason: str = "unknown"
    will_retry: bool | None = None

    def __init__(self, reason: str, *, will_retry: bool | None = None) -> None:
        self.reason = reason
        self.will_retry = will_retry
        super().__init__(reason)

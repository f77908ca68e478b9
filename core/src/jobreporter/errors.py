"""What jobreporter raises: three errors for people, and the one that a job raises to give up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

# Faults that a ConfigError shows; its attribute has them all.
_MOST_TOLD = 100


class JobReporterError(Exception):
    """The base of every error that jobreporter raises on purpose."""


class Fault(NamedTuple):
    """One thing that is wrong with a config.

    where: the file and table, such as ``jobreporter.toml, [reporters.sentry]``.
    problem: one sentence: what was found, what was expected, the nearest right name. It never quotes a secret.
    """

    where: str
    problem: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


class ConfigError(JobReporterError):
    """A config that can't be used.

    faults: everything that is wrong with it, not just the first. config: what could be read of it all the same, so that
    whoever looks for further faults can go on; ``None`` if nothing could.
    """

    def __init__(self, faults: Sequence[Fault], *, config: object | None = None) -> None:
        self.faults = tuple(faults)
        self.config = config
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
    """


class Abort(Exception):  # noqa: N818 - not an error: the job gives up on purpose
    """Raised by a job to give up on purpose: its execution is ``aborted``, and the exception does not propagate.

    reason: one of the reasons of ``Aborted``, or the job's own word. will_retry: whether it will be tried again, if known.
    """

    def __init__(self, reason: str, *, will_retry: bool | None = None) -> None:
        self.reason = reason
        self.will_retry = will_retry
        super().__init__(reason)

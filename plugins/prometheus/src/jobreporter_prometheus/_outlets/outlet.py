"""How figures leave the process: each mode is one way."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from jobreporter import BrokenReporter
from jobreporter_prometheus._clock import Clock
from jobreporter_prometheus._directory.directory import Directory
from jobreporter_prometheus._directory.member import Member
from jobreporter_prometheus._figures.figures import Frame, Read
from jobreporter_prometheus._options import PrometheusOptions
from jobreporter_prometheus._outlets.gateway import Trouble
from jobreporter_prometheus._outlets.http import Http
from jobreporter_prometheus._outlets.multiprocess import Multiprocess
from jobreporter_prometheus._outlets.push import Push
from jobreporter_prometheus._outlets.textfile import Textfile


class Outlet(Protocol):
    """Where figures leave. To make one opens it, and raises OSError or BrokenReporter where that can't be done."""

    def flush(self) -> None:
        """Send what has been counted. Raises OSError where that can't be done now."""

    def tick(self) -> None:
        """Do what is to be done every few seconds, with or without events. Raises OSError where it can't be done now."""

    def stop(self) -> None:
        """Free what it opened. Raises OSError for what it could not leave behind."""


def open_outlet(options: PrometheusOptions, read: Read, host: str, clock: Clock) -> Outlet:
    """The outlet that the config asks for. read: this process's figures. host: the name of this machine.

    Raises BrokenReporter, in a sentence, where it can't be opened now.
    """
    try:
        if options.shared is None:
            return _alone(options, read, host, clock)
        # The folder of a textfile is the node exporter's: a new one would be read by nobody.
        directory = Directory(Path(options.shared), Frame.of(options), parents=options.mode != "textfile")
        return _together(options, Member(directory, read, clock), host, clock)
    except OSError as error:
        raise BrokenReporter(f"mode {options.mode!r} can't be had now: {error}") from error


def _alone(options: PrometheusOptions, read: Read, host: str, clock: Clock) -> Outlet:
    """The outlet of a process that shares no directory."""
    if options.mode != "push":
        return Http(options, read, clock)
    push = Push(options, read, host, clock)
    try:
        push.reach()
    except Trouble as trouble:
        raise BrokenReporter(f"the Pushgateway at {trouble}") from trouble
    return push


def _together(options: PrometheusOptions, member: Member, host: str, clock: Clock) -> Outlet:
    """The outlet of a process that shares a directory. If it can't be opened, the process leaves the directory."""
    try:
        if options.mode == "push":
            return SharedPush(member, Push(options, member.read, host, clock))
        return Textfile(options, member, clock) if options.mode == "textfile" else Multiprocess(options, member, clock)
    except BaseException:
        member.leave()
        raise


class SharedPush:
    """Pushes what several processes have counted together."""

    def __init__(self, member: Member, push: Push) -> None:
        self._member = member
        self._push = push

    def flush(self) -> None:
        """Write what this process has counted, and push what all have."""
        self._member.write()
        with self._member.turn():
            self._push.flush()

    def tick(self) -> None:
        """The same."""
        self.flush()

    def stop(self) -> None:
        """Leave what was counted behind."""
        self._member.leave()

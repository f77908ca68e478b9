"""How figures leave the process: each mode is one way."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Protocol

from jobreporter import BrokenReporter
from jobreporter_prometheus._directory import Directory
from jobreporter_prometheus._figures import Frame, Read
from jobreporter_prometheus._http import Http
from jobreporter_prometheus._member import Member
from jobreporter_prometheus._multiprocess import Multiprocess
from jobreporter_prometheus._options import PrometheusOptions
from jobreporter_prometheus._page import Page
from jobreporter_prometheus._push import Push
from jobreporter_prometheus._textfile import Textfile


class Outlet(Protocol):
    """Where figures leave. To make one opens it, and raises OSError or BrokenReporter where that can't be done."""

    def flush(self) -> None:
        """Send what has been counted. Raises OSError where that can't be done now."""

    def stop(self) -> None:
        """Free what it opened. Raises OSError for what it could not leave behind."""


def open_outlet(options: PrometheusOptions, read: Read) -> Outlet:
    """The outlet that the config asks for. read: this process's figures.

    Raises BrokenReporter, in a sentence, where it can't be opened now.
    """
    try:
        if options.directory is None:
            return alone(options, read)
        directory = Directory(Path(options.directory), Frame.of(options))
        return together(options, Member(directory, read))
    except OSError as error:
        raise BrokenReporter(f"mode {options.mode!r} can't be had now: {error}") from error


def alone(options: PrometheusOptions, read: Read) -> Outlet:
    """The outlet of a process that shares no directory."""
    if options.mode == "push":
        return Push(options, Page(read), nullcontext)
    if options.mode == "textfile":
        return Textfile(options, Page(read), nullcontext)
    return Http(options, read)


def together(options: PrometheusOptions, member: Member) -> Outlet:
    """The outlet of a process that shares a directory. If it can't be opened, the process leaves the directory."""
    try:
        if options.mode == "push":
            return Shared(Push(options, Page(member.read), member.turn), member)
        if options.mode == "textfile":
            return Shared(Textfile(options, Page(member.read), member.turn), member)
        return Shared(Multiprocess(options, member), member)
    except BaseException:
        member.leave()
        raise


class Shared:
    """An outlet of figures that several processes share."""

    def __init__(self, outlet: Outlet, member: Member) -> None:
        self.outlet = outlet
        self._member = member

    def flush(self) -> None:
        """Write what this process has counted, and send what all have."""
        self._member.write()
        self.outlet.flush()

    def stop(self) -> None:
        """Leave what was counted behind."""
        try:
            self.outlet.stop()
        finally:
            self._member.leave()

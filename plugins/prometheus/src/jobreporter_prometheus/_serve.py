"""Serving the page of a directory from a process of its own, which counts nothing itself.

For workers whose processes come and go: somebody is always there to answer.
"""

from __future__ import annotations

import argparse
import logging
import signal
import threading
from pathlib import Path
from types import FrameType

from msgspec.structs import replace

from jobreporter import JobReporterError, Secret, __version__, reporter_options
from jobreporter_prometheus._directory.directory import Directory
from jobreporter_prometheus._directory.turn import PortTaken, Turn
from jobreporter_prometheus._figures.families import BUILD_INFO
from jobreporter_prometheus._figures.figures import Figures
from jobreporter_prometheus._figures.page import Page
from jobreporter_prometheus._options import PrometheusOptions
from jobreporter_prometheus._serving.request import Access

logger = logging.getLogger("jobreporter.prometheus")

#: Seconds between two looks whether it is this process's turn.
BETWEEN_LOOKS = 1.0


def serve_as_asked(asked: argparse.Namespace) -> int:
    """Serve as the command line says, and the workers' own config where that says nothing. Returns the exit code."""
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(message)s")
    try:
        options = options_of(asked)
    except (JobReporterError, ValueError) as error:
        logger.error("%s", error)
        return 1
    return serve(Path(str(options.directory)), options.access, options.port)


def options_of(asked: argparse.Namespace) -> PrometheusOptions:
    """The options of the workers' reporter, and what is asked for instead.

    Raises JobReporterError for a config that can't be used, and ValueError for one that has no page to serve.
    """
    if asked.directory is not None:
        options = PrometheusOptions(mode="multiprocess", directory=str(asked.directory))
    else:
        options = reporter_options(asked.reporter, PrometheusOptions, asked.config)
    if options.mode != "multiprocess":
        raise ValueError(
            f"[reporters.{asked.reporter}] has mode = {options.mode!r}, which leaves nothing to serve: mode ="
            " 'multiprocess' has processes write what they count into a directory"
        )
    said = {"host": asked.host, "port": asked.port, "hosts": asked.hosts, "token": token(asked.token_file)}
    return replace(options, **{name: value for name, value in said.items() if value is not None})


def token(file: Path | None) -> Secret | None:
    """What a scraper has to show, from a file; ``None`` without one. Raises ValueError if there is nothing to be read."""
    if file is None:
        return None
    try:
        found = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the token can't be read: {error}") from error
    if not found:
        raise ValueError(f"the token can't be read: {file} is empty")
    return Secret(found)


def serve(path: Path, access: Access, port: int) -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit code: 1 where the port belongs to another program.

    While a worker serves the page, this waits, and goes on when that worker ends.
    """
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    directory = Directory(path)

    def read() -> Figures:
        """What the processes have counted. That this one serves it shows, also where none of them runs."""
        figures = directory.read()
        figures.gauges[BUILD_INFO.name, __version__, ""] = 1.0
        return figures

    turn = Turn(access, port, Page(read), directory)
    try:
        turn.take()
    except PortTaken as error:
        logger.error("%s: take another one", error)
        return 1
    except OSError as error:
        logger.error("the metrics can't be served: %s", error)
        return 1
    served = turn.endpoint.port
    address = f"port {served or port} of {access.host}"
    logger.info("the metrics of %s are served at %s%s", path, address, "" if served else ", by another process for now")
    _serve_on(turn, stopped)
    turn.give_up()
    return 0


def _serve_on(turn: Turn, stopped: threading.Event) -> None:
    told = ""
    while not stopped.wait(BETWEEN_LOOKS):
        problem = ""
        try:
            turn.take()
        except OSError as error:
            problem = str(error)
        if problem and problem != told:
            logger.warning("the metrics may be out of reach: %s", problem)
        told = problem

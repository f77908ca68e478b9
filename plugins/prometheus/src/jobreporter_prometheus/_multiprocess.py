"""The mode ``multiprocess``: the processes that share a directory serve one page together.

One of them serves it. When that one ends, another takes its place within a second, also where no job comes: so each has a
thread that looks once a second. It writes the figures too, since the ledger may change where no event comes.
"""

from __future__ import annotations

import logging
import threading

from jobreporter import BrokenReporter
from jobreporter_prometheus._endpoint import Endpoint, is_taken
from jobreporter_prometheus._http import address
from jobreporter_prometheus._member import Member
from jobreporter_prometheus._options import PrometheusOptions
from jobreporter_prometheus._page import Page

logger = logging.getLogger("jobreporter_prometheus")

#: Seconds between two looks.
BETWEEN_LOOKS = 1.0


class Multiprocess:
    """Shares what this process counts, and serves the page if nobody else does."""

    def __init__(self, options: PrometheusOptions, member: Member, between_looks: float = BETWEEN_LOOKS) -> None:
        self._address = address(options)
        self._member = member
        self.endpoint = Endpoint(options.host, options.port, Page(member.read))
        # Who holds it, serves. Without it a port that is taken by another program could not be told from one of ours.
        self._turn = member.directory.lock(f"port-{options.port}")
        self._between_looks = between_looks
        self._stopped = threading.Event()
        try:
            self.serve()
        except OSError as error:
            if not is_taken(error):
                raise
            raise BrokenReporter(f"{self._address} is in use by another program: set another port") from error
        self._thread = threading.Thread(target=self._look_on, name="jobreporter-prometheus-look", daemon=True)
        self._thread.start()

    def serve(self) -> None:
        """Serve the page if no other process does. Raises OSError where the port can't be had nevertheless.

        Only one thread calls this: at the start the lane's, and then the one that looks.
        """
        if self.endpoint.port is None and not self._stopped.is_set() and self._turn.take():
            try:
                self.endpoint.open()
            except OSError:
                self._turn.release()
                raise

    def flush(self) -> None:
        """What was counted is in the directory, from where it is fetched."""

    def stop(self) -> None:
        """Free the port for another process."""
        self._stopped.set()
        self._thread.join(self._between_looks)
        self.endpoint.close()
        self._turn.release()

    def look(self) -> str | None:
        """Do what is to be done once a second. Returns what is wrong."""
        try:
            self._member.write()
            self.serve()
        except OSError as error:
            return f"{self._address} is in use by another program" if is_taken(error) else str(error)
        return None

    def _look_on(self) -> None:
        told = None
        while not self._stopped.wait(self._between_looks):
            problem = self.look()
            if problem is not None and problem != told:
                logger.warning("the metrics may be out of reach: %s", problem)
            told = problem

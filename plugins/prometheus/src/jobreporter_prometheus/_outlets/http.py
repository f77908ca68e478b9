"""The mode ``http``: the process serves its own page."""

from __future__ import annotations

from jobreporter import BrokenReporter
from jobreporter_prometheus._clock import Clock
from jobreporter_prometheus._figures.figures import Read
from jobreporter_prometheus._figures.page import Page
from jobreporter_prometheus._options import PrometheusOptions
from jobreporter_prometheus._serving.endpoint import Endpoint, is_taken


class Http:
    """Serves what this process counts."""

    def __init__(self, options: PrometheusOptions, read: Read, clock: Clock) -> None:
        self.endpoint = Endpoint(options.access, options.port, Page(read, clock), clock=clock)
        try:
            self.endpoint.open()
        except OSError as error:
            if not is_taken(error):
                raise
            raise BrokenReporter(
                f"port {options.port} of {options.host} is in use: set another port, or mode = 'multiprocess' where"
                " several processes of one application are to be seen at one address"
            ) from error

    def flush(self) -> None:
        """Nothing is to be sent: it is fetched."""

    def tick(self) -> None:
        """Nothing is to be done: the page is made when it is asked for."""

    def stop(self) -> None:
        """Free the port."""
        self.endpoint.close()

"""What every reporter owes its hosts: jobreporter's own suite, which its own reporters pass too."""

from __future__ import annotations

from typing import Any

from jobreporter.testing import ReporterConformance


class TestPigeon(ReporterConformance):
    """Hostile data, outages, crashes, forks, secrets, and nothing left behind.

    A case that the reporter can't fulfil is named in ``not_provided``, with the reason.
    """

    reporter = "pigeon"

    def options(self) -> dict[str, Any]:
        """Its table in the config."""
        return {"url": self.stand_in.url, "token": "not a real one"}

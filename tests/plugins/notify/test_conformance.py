"""The reporter does what every reporter owes its hosts."""

from __future__ import annotations

from typing import Any

from jobreporter.testing import ReporterConformance


class TestNotify(ReporterConformance):
    """With a store of its own, and the stand-in to tell."""

    reporter = "notify"

    def options(self) -> dict[str, Any]:
        return {
            "store": f"sqlite://{self.folder}/history.db",
            "to": {"hook": f"{self.stand_in.url.replace('http', 'json', 1)}/hook"},
        }

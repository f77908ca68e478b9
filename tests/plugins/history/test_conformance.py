"""The reporter does what every reporter owes its hosts."""

from __future__ import annotations

from typing import Any

from jobreporter.testing import ReporterConformance


class TestHistory(ReporterConformance):
    """With a store of its own."""

    reporter = "history"

    def options(self) -> dict[str, Any]:
        return {
            "store": f"sqlite://{self.folder}/history.db",
            "own_modules": ["shop"],
        }

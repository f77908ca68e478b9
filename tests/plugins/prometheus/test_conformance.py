"""The reporter does what every reporter owes its hosts."""

from __future__ import annotations

from typing import Any

from jobreporter.testing import ReporterConformance


class TestPrometheus(ReporterConformance):
    """With a page at a port that is free."""

    reporter = "prometheus"

    def options(self) -> dict[str, Any]:
        return {
            "port": 0,
        }

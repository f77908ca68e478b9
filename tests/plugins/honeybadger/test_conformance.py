"""The reporter does what every reporter owes its hosts."""

from __future__ import annotations

from typing import Any

from jobreporter.testing import ReporterConformance


class TestHoneybadger(ReporterConformance):
    """With everything that it can do switched on."""

    reporter = "honeybadger"

    def options(self) -> dict[str, Any]:
        return {
            "api_key": "hbp_undertest",
            "endpoint": self.stand_in.url,
            "project_root": str(self.folder),
            "checkins": {"reports.nightly": "XyZZy1"},
            "insights": ["started", "success", "aborted", "failure", "stopped"],
        }

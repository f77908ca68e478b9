"""The reporter does what every reporter owes its hosts."""

from __future__ import annotations

from typing import Any

from jobreporter.testing import ReporterConformance


class TestSentry(ReporterConformance):
    """With a client of its own, which sends to the stand-in."""

    reporter = "sentry"

    def options(self) -> dict[str, Any]:
        return {
            "dsn": self.stand_in.url.replace("://", "://key@") + "/1",
        }

"""The reporter `log` does what every reporter owes its hosts."""

from __future__ import annotations

from jobreporter.testing import ReporterConformance


class TestLog(ReporterConformance):
    """As it comes."""

    reporter = "log"

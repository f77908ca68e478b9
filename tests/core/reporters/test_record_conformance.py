"""The reporter `record` is held to what every reporter owes its hosts."""

from __future__ import annotations

from typing import Any

from jobreporter.testing import ReporterConformance


class TestRecord(ReporterConformance):
    """Into a file of the test's own folder."""

    reporter = "record"

    def options(self) -> dict[str, Any]:
        return {"path": str(self.folder / "events.jsonl")}

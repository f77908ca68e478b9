"""How the shared suite configures the reporter: with everything that it can do switched on."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def options(url: str, folder: Path) -> dict[str, Any]:
    """The options, given the address of a server and a folder to write to, which this reporter doesn't."""
    return {
        "api_key": "hbp_undertest",
        "endpoint": url,
        "project_root": str(folder),
        "checkins": {"reports.nightly": "XyZZy1"},
        "insights": ["started", "success", "aborted", "failure", "stopped"],
    }

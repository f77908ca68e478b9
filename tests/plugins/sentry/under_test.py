"""How `tests/test_every_reporter.py` configures the reporter."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def options(url: str, folder: Path) -> dict[str, Any]:
    """A client of its own, which sends to the stand-in."""
    return {"dsn": url.replace("://", "://key@") + "/1"}

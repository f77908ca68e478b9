"""Can't be imported."""

from __future__ import annotations

raise RuntimeError("no driver for this database")

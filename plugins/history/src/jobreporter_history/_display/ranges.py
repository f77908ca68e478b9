"""The ranges of time that can be looked at."""

from __future__ import annotations

#: Seconds, by the name that people choose.
RANGES = {"1h": 3600, "6h": 21_600, "24h": 86_400, "7d": 7 * 86_400, "30d": 30 * 86_400}
USUAL_RANGE = "24h"

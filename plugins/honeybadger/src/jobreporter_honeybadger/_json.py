"""JSON as it goes over the wire."""

from __future__ import annotations

import json
from typing import Any


def to_json(value: Any) -> bytes:
    """Compact JSON on one line. Half a character, which UTF-8 has no bytes for, becomes a question mark."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str).encode("utf-8", "replace")

"""The words in which tests say what a source must report: those of `jobreporter.testing.SourceConformance`."""

from __future__ import annotations

from jobreporter.testing._source._meanings import (
    CASES,
    CUT_OFF,
    DISTURBED,
    FAILED,
    FAILED_AT_FIRST,
    NOTHING,
    SHUT_DOWN,
    SUCCEEDED,
    UNDISTURBED,
    Execution,
    dropped,
    ran,
    summary,
)

__all__ = [
    "CASES",
    "CUT_OFF",
    "DISTURBED",
    "FAILED",
    "FAILED_AT_FIRST",
    "NOTHING",
    "SHUT_DOWN",
    "SUCCEEDED",
    "UNDISTURBED",
    "Execution",
    "dropped",
    "ran",
    "summary",
]

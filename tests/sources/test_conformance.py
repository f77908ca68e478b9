"""Every source reports the same of the same job, whatever kind of worker runs it."""

from __future__ import annotations

from suites import SUITES

# As ``TestCeleryPrefork`` and so on, pytest finds the cases of each.
globals().update({f"Test{suite.__name__}": suite for suite in SUITES})

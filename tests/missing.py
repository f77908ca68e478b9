"""What a test needs of the system, and isn't here."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def lacking(what: str) -> NoReturn:
    """Fail in CI, where everything has to be; elsewhere skip the test, and say what to install."""
    if "CI" in os.environ:
        pytest.fail(what)
    pytest.skip(what)

"""What all tests share: an environment without the user's own settings, and the same examples on every machine."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# How long an example takes depends on what else the machine does, which is no fault of the code's.
settings.register_profile("jobreporter", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("jobreporter")


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own JOBREPORTER_CONFIG or JOBREPORTER_DISABLE changes no test."""
    for name in [name for name in os.environ if name.startswith("JOBREPORTER_")]:
        monkeypatch.delenv(name)

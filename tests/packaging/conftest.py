"""What the tests of the packages share: one clean environment for all of them, since it takes seconds to make."""

from __future__ import annotations

from pathlib import Path

import pytest

from .clean_environment import CleanEnvironment, build_wheel

ROOT = Path(__file__).parents[2]
OUTSIDER = Path(__file__).with_name("outsider")


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> CleanEnvironment:
    """Core's built wheel and an outsider's, with what they depend on, installed by pip and nothing beside them."""
    folder = tmp_path_factory.mktemp("clean")
    wheels = [build_wheel(ROOT / "core", folder / "core"), build_wheel(OUTSIDER, folder / "outsider")]
    return CleanEnvironment(folder / "venv", wheels)

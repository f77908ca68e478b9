"""What an entry point names."""

from __future__ import annotations

import importlib
from typing import Any


def named_by(value: str) -> Any:
    """The object that ``module:attribute`` stands for, imported. Raises whatever its module does."""
    module, _, attributes = value.partition(":")
    found: Any = importlib.import_module(module.strip())
    for attribute in filter(None, attributes.strip().split(".")):
        found = getattr(found, attribute)
    return found

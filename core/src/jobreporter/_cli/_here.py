"""The application in the working directory, where the queues' own commands look for it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

from jobreporter._plugins.missing import Home
from jobreporter._plugins.named import module_named


def module_here(name: str) -> ModuleType:
    """Import a module, from the working directory first. Raises NotFoundError."""
    here = Path.cwd()
    sys.path.insert(0, str(here))
    return module_named(name, Home(here, "the working directory"))

"""What ``module:attribute`` names, imported; or, in one sentence, why it can't be had."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from jobreporter._config.trust import distrust_of_folder
from jobreporter._config.wording import described, quoted
from jobreporter._plugins.missing import (
    Home,
    as_name,
    is_its_own,
    is_missing,
    names_meant,
    path_meant,
    place_in,
    shown,
    why_missing,
)


class NotFoundError(Exception):
    """Why there is nothing of that name, in a sentence; its cause is what was raised."""


def module_named(name: str, home: Home | None = None, *, of: str = "") -> ModuleType:
    """Import a module. of: what its name is from, for the message. Raises NotFoundError, or a KeyboardInterrupt."""
    if home is not None and (path := path_meant(name)):
        raise NotFoundError(f"{shown(name)} is a path, and a module is named as Python imports it{as_name(path, home)}")
    try:
        return _imported(name, home)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: a plugin must not end the worker
        reason = why_missing(name, error, home) or f"{described(error)}{place_in(name, error)}"
        raise NotFoundError(f"can't import {quoted(name)}{of}: {reason}") from error


def attribute_of(
    module: ModuleType,
    attribute: str,
    *,
    of: str = "",
    meant: Callable[[Any, Any], bool] | None = None,
    kind: str = "names",
) -> Any:
    """What a module has under a name, or a dotted path. Raises NotFoundError, or a KeyboardInterrupt.

    meant: whether it may be this that was meant, asked with the object that has it and with itself; kind: what those are.
    """
    found: Any = module
    for name in filter(None, attribute.split(".")):
        try:
            found = getattr(found, name)
        except KeyboardInterrupt:
            raise
        except AttributeError as error:
            # A module within a package is no attribute of it before it is imported: `use = "shop:reporters"`.
            if hasattr(found, "__path__") and find_spec(f"{found.__name__}.{name}") is not None:
                found = module_named(f"{found.__name__}.{name}", of=of)
                continue
            hint = names_meant(name, found, meant or is_its_own, kind)
            raise NotFoundError(f"{quoted(module.__name__)}{of} has no {quoted(attribute)}{hint}") from error
        except BaseException as error:  # a module's own __getattr__
            whole = quoted(f"{module.__name__}:{attribute}")
            raise NotFoundError(f"can't import {whole}{of}: {described(error)}") from error
    return found


def _imported(name: str, home: Home | None) -> ModuleType:
    """The module; where it isn't found otherwise, that at home, if nobody else may write there.

    The folder is appended to ``sys.path``, never put first: it adds modules, and hides none.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if home is None or not _lies_in(home.folder, name, error) or distrust_of_folder(home.folder, os.environ):
            raise
    sys.path.append(str(home.folder))
    try:
        return importlib.import_module(name)
    except BaseException:
        sys.path.remove(str(home.folder))
        raise


def _lies_in(folder: Path, name: str, error: ModuleNotFoundError) -> bool:
    """Whether it is this module that is missing, and not one that it imports; and whether it is in the folder."""
    if not is_missing(name, error) or str(folder) in sys.path:
        return False
    return PathFinder.find_spec(name.partition(".")[0], [str(folder)]) is not None

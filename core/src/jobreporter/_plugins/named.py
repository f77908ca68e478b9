"""What ``module:attribute`` names, imported; or, in one sentence, why it can't be had, and what was probably meant."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, NamedTuple

from jobreporter._config.trust import distrust_of_folder
from jobreporter._config.wording import described, quoted
from jobreporter._nearest import did_you_mean, did_you_mean_or_all
from jobreporter.text import one_line

# Characters of a path that is shown.
_LONGEST = 400


class NotFoundError(Exception):
    """Why there is nothing of that name, in a sentence; its cause is what was raised."""


class Home(NamedTuple):
    """Where modules are looked for that aren't found otherwise."""

    folder: Path
    #: What it is called in a message.
    title: str = "the config's folder"


def module_named(name: str, home: Home | None = None, *, of: str = "") -> ModuleType:
    """Import a module. of: what its name is from, for the message. Raises NotFoundError, or a KeyboardInterrupt."""
    if home is not None and (path := _path_meant(name)):
        raise NotFoundError(
            f"{_whole(name)} is a path, and a module is named as Python imports it{_as_name(path, home)}"
        )
    try:
        return _imported(name, home)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: a plugin must not end the worker
        reason = _why_missing(name, error, home) or f"{described(error)}{_place(name, error)}"
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
            hint = _names_meant(name, found, meant or _is_its_own, kind)
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
    if not _is_missing(name, error) or str(folder) in sys.path:
        return False
    return PathFinder.find_spec(name.partition(".")[0], [str(folder)]) is not None


def _is_missing(name: str, error: BaseException) -> bool:
    """Whether it is this module that is missing, or a package that it lies in."""
    return isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}.")


def _why_missing(name: str, error: BaseException, home: Home | None) -> str | None:
    """The reason in words where this module isn't there, or a package that it lies in; ``None`` if something else is wrong."""
    if not isinstance(error, ModuleNotFoundError) or not _is_missing(name, error):
        return None
    parent, _, missing = (error.name or "").rpartition(".")
    if not parent:
        return _missing_everywhere(missing, home)
    if missing == "py":
        return f"it is the name of a file, and that of its module is {quoted(parent)}"
    package = sys.modules.get(parent)
    where = f"{quoted(parent)} ({one_line(str(getattr(package, '__file__', None) or 'no file'), _LONGEST)})"
    path = getattr(package, "__path__", None)
    if path is None:
        hint = f": name what is in it as {quoted(f'{parent}:{missing}')}" if hasattr(package, missing) else ""
        return f"{where} is a module and no package{hint}"
    modules = {each.name for each in iter_modules(path)}
    return f"there is no module {quoted(missing)} in {where}{did_you_mean_or_all(missing, modules, 'modules in it')}"


def _missing_everywhere(top: str, home: Home | None) -> str:
    reason = f"there is no module {quoted(top)} on sys.path"
    remedy = "set PYTHONPATH, or install the package"
    if home is None:
        with suppress(FileNotFoundError):  # the working directory itself may have been deleted
            cwd = os.getcwd()
            if not {"", cwd} & set(sys.path):
                return f"{reason}, and the working directory {cwd!r} is not on it: {remedy}"
        return reason
    distrust = distrust_of_folder(home.folder, os.environ) if str(home.folder) not in sys.path else None
    reason += f", nor in {home.title} {_whole(home.folder)}"
    if distrust:
        return f"{reason}, which isn't searched, since it {distrust}: {remedy}"
    near = [home.folder / "src", *_folders_in(home.folder), home.folder.parent]
    if there := next((folder for folder in near if top in _modules_in(folder)), None):
        return f"{reason}, but there is one in {_whole(there)}: set PYTHONPATH={_shown(there)}, or install the package"
    hint = did_you_mean(top, {each for folder in (home.folder, *near[:-1]) for each in _modules_in(folder)})
    return f"{reason}{hint}" if hint else f"{reason}: {remedy}"


def _folders_in(folder: Path) -> list[Path]:
    return sorted(each for each in folder.glob("[!._]*") if each.is_dir())


def _modules_in(folder: Path) -> set[str]:
    """What could be imported if this folder were on the path."""
    try:
        return {each.name for each in iter_modules([str(folder)])}
    except OSError:
        return set()


def _shown(folder: Path) -> str:
    """The folder, by its name from the working directory where it lies in that."""
    with suppress(ValueError, FileNotFoundError):
        return one_line(str(folder.relative_to(Path.cwd())), _LONGEST)
    return one_line(str(folder), _LONGEST)


def _whole(path: object) -> str:
    return repr(one_line(str(path), _LONGEST))


def _path_meant(name: str) -> str | None:
    """The path that stands where the name of a module should."""
    return name if name[:1] == "." or "/" in name or "\\" in name else None


def _as_name(path: str, home: Home) -> str:
    """``: 'shop.app'``, and what has to be on the path for that; nothing if there is no such file or folder."""
    at = Path(os.path.abspath(home.folder / path.replace("\\", "/")))
    if not at.exists() and at.suffix != ".py":
        at = at.with_name(f"{at.name}.py")
    if not at.exists():
        return ", with dots"
    root = at.parent
    if not (root / "__init__.py").exists() and at.is_relative_to(home.folder):
        inside = at.relative_to(home.folder).parts
        root = home.folder / "src" if inside[0] == "src" and len(inside) > 1 else home.folder
    while (root / "__init__.py").exists():
        root = root.parent
    name = ".".join(at.relative_to(root).with_suffix("").parts)
    return f": {name!r}" + ("" if root == home.folder else f", with PYTHONPATH={_shown(root)}")


def _names_meant(name: str, found: object, meant: Callable[[Any, Any], bool], kind: str) -> str:
    names: Mapping[str, object] = getattr(found, "__dict__", {})
    if hint := did_you_mean(name, names):
        return hint
    likely = (each for each, value in names.items() if not each.startswith("_") and meant(found, value))
    return did_you_mean_or_all(name, likely, f"{kind} in it")


def _is_its_own(found: object, value: object) -> bool:
    """Whether a module has made this itself, and not imported it."""
    return getattr(value, "__module__", "") == getattr(found, "__name__", None)


def _place(name: str, error: BaseException) -> str:
    """The innermost line of the package's own that it was raised at; nothing if it was raised by none of them."""
    top = name.partition(".")[0]
    calls = traceback.walk_tb(error.__traceback__)
    own = [call for call in calls if f"{call[0].f_globals.get('__name__')}.".startswith(f"{top}.")]
    return f" ({one_line(own[-1][0].f_code.co_filename, _LONGEST)}:{own[-1][1]})" if own else ""

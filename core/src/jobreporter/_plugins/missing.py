"""Why what ``module:attribute`` names can't be had, in words, and what was probably meant."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, NamedTuple

from jobreporter._config.trust import distrust_of_folder
from jobreporter._config.wording import quoted
from jobreporter._nearest import did_you_mean, did_you_mean_or_all
from jobreporter.text import one_line

# Characters of a path that is shown.
_LONGEST = 400


class Home(NamedTuple):
    """Where modules are looked for that aren't found otherwise."""

    folder: Path
    #: What it is called in a message.
    title: str = "the config's folder"


def is_missing(name: str, error: BaseException) -> bool:
    """Whether it is this module that is missing, or a package that it lies in."""
    return isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}.")


def why_missing(name: str, error: BaseException, home: Home | None) -> str | None:
    """The reason in words where this module isn't there, or a package that it lies in; ``None`` if something else is wrong."""
    if not isinstance(error, ModuleNotFoundError) or not is_missing(name, error):
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
    reason += f", nor in {home.title} {shown(home.folder)}"
    if distrust:
        return f"{reason}, which isn't searched, since it {distrust}: {remedy}"
    near = [home.folder / "src", *_folders_in(home.folder), home.folder.parent]
    if there := next((folder for folder in near if top in _modules_in(folder)), None):
        return (
            f"{reason}, but there is one in {shown(there)}: set PYTHONPATH={_from_here(there)}, or install the package"
        )
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


def _from_here(folder: Path) -> str:
    """The folder, by its name from the working directory where it lies in that."""
    with suppress(ValueError, FileNotFoundError):
        return one_line(str(folder.relative_to(Path.cwd())), _LONGEST)
    return one_line(str(folder), _LONGEST)


def shown(path: object) -> str:
    """A path or a name in quotes, however long it is."""
    return repr(one_line(str(path), _LONGEST))


def path_meant(name: str) -> str | None:
    """The path that stands where the name of a module should."""
    return name if name[:1] == "." or "/" in name or "\\" in name else None


def as_name(path: str, home: Home) -> str:
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
    return f": {name!r}" + ("" if root == home.folder else f", with PYTHONPATH={_from_here(root)}")


def names_meant(name: str, found: object, meant: Callable[[Any, Any], bool], kind: str) -> str:
    """What was probably meant by an attribute that isn't there, of those that ``meant`` says may be."""
    names: Mapping[str, object] = getattr(found, "__dict__", {})
    if hint := did_you_mean(name, names):
        return hint
    likely = (each for each, value in names.items() if not each.startswith("_") and meant(found, value))
    return did_you_mean_or_all(name, likely, f"{kind} in it")


def is_its_own(found: object, value: object) -> bool:
    """Whether a module has made this itself, and not imported it."""
    return getattr(value, "__module__", "") == getattr(found, "__name__", None)


def place_in(name: str, error: BaseException) -> str:
    """The innermost line of the package's own that it was raised at; nothing if it was raised by none of them."""
    top = name.partition(".")[0]
    calls = traceback.walk_tb(error.__traceback__)
    own = [call for call in calls if f"{call[0].f_globals.get('__name__')}.".startswith(f"{top}.")]
    return f" ({one_line(own[-1][0].f_code.co_filename, _LONGEST)}:{own[-1][1]})" if own else ""

"""Names of modules, functions and files, without what is another one in each run or at each deployment."""

from __future__ import annotations

import re
from functools import lru_cache

_STANDS_FOR = "<id>"
_EDGE = r"(?<![0-9A-Za-z])"
_END = r"(?![0-9A-Za-z])"

# Of a release's folder, a temporary one, a module that a framework makes up, a notebook's cell.
_NEW = (
    (re.compile(r"([\\/](?:tmp|temp|t)[\\/])tmp[a-z0-9_]{8}(?=[\\/])", re.IGNORECASE), rf"\1{_STANDS_FOR}"),
    (re.compile(rf"{_EDGE}[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}{_END}", re.IGNORECASE), _STANDS_FOR),
    (re.compile(rf"{_EDGE}(?=[0-9a-f]*\d)[0-9a-f]{{8,}}{_END}", re.IGNORECASE), _STANDS_FOR),
    (re.compile(r"\d{5,}"), _STANDS_FOR),
    (re.compile(r"(?<=[\\/])\d+(?=[\\/]|$)"), _STANDS_FOR),
)
# What has no file is called ``<string>``, ``<ipython-input-3-...>`` or the like.
_MADE_UP = re.compile(r"^<.*\d.*>$")
_NUMBER = re.compile(r"\d+")


@lru_cache(maxsize=2048)
def steady(name: str) -> str:
    """The name as every run has it. Short numbers stay: a second version is another module than the first."""
    for pattern, stands_for in _NEW:
        name = pattern.sub(stands_for, name)
    return _NUMBER.sub(_STANDS_FOR, name) if _MADE_UP.match(name) else name

"""What is used of urllib3, imported without a trace: by itself it appends two entries to the process's warning filters."""

from __future__ import annotations

import sys
import warnings
from typing import Any, cast

_is_the_hosts = "urllib3" in sys.modules

from urllib3.connection import HTTPConnection, HTTPSConnection  # noqa: E402 - whether it is the host's shows before
from urllib3.exceptions import HTTPError, HTTPWarning  # noqa: E402 - as above

__all__ = ["HTTPConnection", "HTTPError", "HTTPSConnection"]

if not _is_the_hosts:
    # Entries about warnings of urllib3's can only be its own, since nobody had imported it.
    _filters = cast("list[Any]", warnings.filters)
    for _each in [each for each in _filters if issubclass(each[2], HTTPWarning)]:
        _filters.remove(_each)

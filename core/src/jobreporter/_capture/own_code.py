"""Which frames of a stack are the program's own code."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from os import sep
from os.path import dirname

# Packages of job queues and of ourselves: what calls a job is not the program's.
_QUEUES = frozenset(
    "amqp apscheduler arq billiard celery django_tasks dramatiq huey jobreporter kombu procrastinate rq taskiq vine".split()
)
_LIBRARIES = (f"{sep}site-packages{sep}", f"{sep}dist-packages{sep}")
#: Where the standard library's own modules are. `sysconfig` takes ten times as long to say it, and imports more.
STANDARD_LIBRARY = dirname(os.__file__) + sep


def is_own(module: str | None, filename: str, job_name: str) -> bool:
    """Whether a call is the program's own code.

    It is where its top package is the job's, also in site-packages: applications are installed too. Job queues, all else
    in site-packages, and the standard library (by its name and its folder) are not, and everything else is.
    """
    return _is_own(_top(module), filename, _top(job_name))


@lru_cache(maxsize=4_096)
def _is_own(package: str, filename: str, job_package: str) -> bool:
    if package in _QUEUES:
        return False
    if package and package == job_package and package not in sys.stdlib_module_names:
        return True
    if any(folder in filename for folder in _LIBRARIES):
        return False
    in_library = filename.startswith((STANDARD_LIBRARY, "<frozen "))
    return not (in_library and (not package or package in sys.stdlib_module_names))


def _top(name: str | None) -> str:
    return name.partition(".")[0] if name else ""

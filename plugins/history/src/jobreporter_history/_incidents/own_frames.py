"""Which frames of a traceback are the application's own."""

from __future__ import annotations

import re
import sys

from jobreporter import ErrorInfo, Frame

#: The packages of job queues, and our own, wherever they lie.
_QUEUES = frozenset(
    "amqp apscheduler arq billiard celery django_q django_rq dramatiq huey jobreporter kombu procrastinate rq taskiq vine".split()
)
_INSTALLED = re.compile(r"[\\/](site|dist)-packages[\\/]")
_STANDARD = re.compile(r"[\\/][Ll]ib([\\/]python\d[\d.]*t?)?[\\/]|^<frozen ")
_COMPREHENSIONS = frozenset({"<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>"})


def own_frames(error: ErrorInfo, job: str, own_modules: tuple[str, ...]) -> tuple[Frame, ...]:
    """The frames of the application itself, outermost first.

    job: the job's name, whose package is the application's own, even where it is installed like a library. own_modules:
    further ones. Else the worker that the error was raised in has said of each frame whether it is; where it hasn't, the
    names of modules and the kind of folder decide.
    """
    own = {module.partition(".")[0] for module in own_modules}
    of_job = job.partition(".")[0] if "." in job else ""
    return tuple(frame for frame in error.frames if _is_own(frame, own, of_job))


def is_comprehension(frame: Frame) -> bool:
    """Whether it is a comprehension's, which has no frame of its own from Python 3.12 on."""
    return frame.function.rpartition(".")[2] in _COMPREHENSIONS


def _is_own(frame: Frame, own: set[str], of_job: str) -> bool:
    top = (frame.module or "").partition(".")[0]
    if top in own:
        return True
    if frame.in_app is not None:
        return frame.in_app
    if top in _QUEUES or top.startswith("jobreporter_"):
        return False
    if top and top == of_job:
        return True
    if _INSTALLED.search(frame.filename):
        return False
    return not (top in sys.stdlib_module_names and _STANDARD.search(frame.filename))

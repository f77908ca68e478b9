"""Whether an application reports its jobs: the part of setting up that no config can show."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from jobreporter._cli._outsiders import Outsider, outsiders
from jobreporter._cli._report import AppReport
from jobreporter._cli._terminal import others_aside
from jobreporter._config.wording import described, quoted
from jobreporter._nearest import did_you_mean, did_you_mean_or_all


class _Queue(NamedTuple):
    """A job queue, by the class of what is attached to."""

    source: str
    #: The package that the class is from, and its name.
    package: str
    kind: str
    #: What its apps are called.
    noun: str
    remedy: str


_ATTACH = "add `from jobreporter.sources.{0} import attach` and `attach({1})` where it is made"
_QUEUES = (
    _Queue("celery", "celery", "Celery", "a Celery app", _ATTACH.format("celery", "app")),
    _Queue("dramatiq", "dramatiq", "Broker", "a Dramatiq broker", _ATTACH.format("dramatiq", "broker")),
    _Queue("huey", "huey", "Huey", "a Huey instance", _ATTACH.format("huey", "huey")),
    _Queue(
        "rq",
        "rq",
        "BaseWorker",
        "a class of RQ workers",
        "start its workers with --worker-class jobreporter.sources.rq.Worker, or derive it from that",
    ),
    _Queue(
        "rq",
        "rq",
        "Queue",
        "an RQ queue",
        "name its class of workers instead; jobreporter.sources.rq.Worker reports, and RQ's own do not",
    ),
)


def app_report(name: str) -> AppReport:
    """Import what ``MODULE:APP`` names, or the app that ``MODULE`` has, and see whether it is attached."""
    try:
        with others_aside():
            app = _found(name)
    except _NotFoundError as error:
        return AppReport(name=name, attached=False, detail=str(error))
    if (queue := _queue_of(app)) is not None:
        return _report(name, queue.source, queue.noun, queue.remedy, attached=_is_attached(app, queue))
    if (outsider := _outsider_of(app)) is not None:
        remedy = f"switch it on with `{outsider.attached_by}` ({outsider.use})"
        attached = bool(outsider.is_attached(app))
        return _report(name, outsider.name, f"an app of {outsider.title}", remedy, attached=attached)
    kind = app.__name__ if isinstance(app, type) else type(app).__name__
    known = sorted({each.noun for each in _QUEUES if each.kind != "Queue"})
    known += [f"an app of {each.title}" for each in outsiders()]
    return AppReport(name=name, attached=False, detail=f"it is a {kind}, and none of these: {', '.join(known)}")


def _report(name: str, source: str, noun: str, remedy: str, *, attached: bool) -> AppReport:
    what = "its jobs are reported" if attached else f"nothing reports its jobs: {remedy}"
    return AppReport(name=name, source=source, attached=attached, detail=f"it is {noun}, and {what}")


class _NotFoundError(Exception):
    """Why there is no such app, in a sentence."""


def _found(name: str) -> Any:
    module_name, _, attribute = name.partition(":")
    # As the queues' own commands do it, the working directory is where the application is.
    sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(module_name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the application's own code
        raise _NotFoundError(f"can't import {quoted(module_name)}: {described(error)}") from error
    names: Mapping[str, Any] = vars(module)
    if not attribute:
        apps = {id(value): each for each, value in names.items() if _is_app(value)}
        if len(apps) != 1:
            hint = did_you_mean_or_all("", apps.values(), "apps in it") if apps else ""
            raise _NotFoundError(f"name one app of {quoted(module_name)} as {module_name}:APP{hint}")
        attribute = next(iter(apps.values()))
    found: Any = module
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            hint = did_you_mean(part, names)
            raise _NotFoundError(f"{quoted(module_name)} has no {quoted(attribute)}{hint}") from None
        except Exception as error:  # a module's own __getattr__
            raise _NotFoundError(f"can't get {quoted(name)}: {described(error)}") from error
    return found


def _queue_of(app: Any) -> _Queue | None:
    kinds = app.__mro__ if isinstance(app, type) else type(app).__mro__
    names = {(kind.__module__.partition(".")[0], kind.__name__) for kind in kinds}
    return next((queue for queue in _QUEUES if (queue.package, queue.kind) in names), None)


def _outsider_of(app: Any) -> Outsider | None:
    return next((each for each in outsiders() if each.is_attached(app) is not None), None)


def _is_app(value: Any) -> bool:
    return not isinstance(value, type) and (_queue_of(value) or _outsider_of(value)) is not None


def _is_attached(app: Any, queue: _Queue) -> bool:
    source = sys.modules.get(f"jobreporter.sources.{queue.source}")
    # An app that was attached has its source imported, and only that knows.
    return source is not None and bool(source.is_attached(app))

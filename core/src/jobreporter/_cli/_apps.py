"""Whether an application reports its jobs: the part of setting up that no config can show."""

from __future__ import annotations

import sys
from pkgutil import iter_modules
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

from jobreporter._cli._here import module_here
from jobreporter._cli._outsiders import Outsider, outsiders
from jobreporter._cli._report import AppReport
from jobreporter._cli._terminal import others_aside
from jobreporter._config.wording import quoted
from jobreporter._nearest import did_you_mean_or_all
from jobreporter._plugins.named import NotFoundError, attribute_of


class _Queue(NamedTuple):
    """A job queue, by the class of what is attached to."""

    source: str
    #: The package that the class is from, and its name.
    package: str
    kind: str
    #: What its apps are called.
    noun: str
    remedy: str
    #: Whether a class of this kind is named, and not something that was made of it.
    is_class: bool = False


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
        is_class=True,
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
    except NotFoundError as error:
        return AppReport(name=name, attached=False, detail=str(error))
    if (queue := _queue_of(app)) is not None:
        return _report(name, queue.source, queue.noun, queue.remedy, attached=_is_attached(app, queue))
    if (outsider := _outsider_of(app)) is not None:
        remedy = f"switch it on with `{outsider.attached_by}` ({outsider.use})"
        attached = bool(outsider.is_attached(app))
        return _report(name, outsider.name, f"an app of {outsider.title}", remedy, attached=attached)
    if isinstance(app, FunctionType):
        detail = (
            "it is a function, and none is called: name a variable that holds the app, as the worker's own command does"
        )
        return AppReport(name=name, attached=False, detail=detail)
    what = f"the class {quoted(app.__name__)}" if isinstance(app, type) else f"of the type {quoted(type(app).__name__)}"
    known = sorted({each.noun for each in _QUEUES if each.kind != "Queue"})
    known += [f"an app of {each.title}" for each in outsiders()]
    return AppReport(name=name, attached=False, detail=f"it is {what}, and none of these: {', '.join(known)}")


def _report(name: str, source: str, noun: str, remedy: str, *, attached: bool) -> AppReport:
    what = "its jobs are reported" if attached else f"nothing reports its jobs: {remedy}"
    return AppReport(name=name, source=source, attached=attached, detail=f"it is {noun}, and {what}")


def _found(name: str) -> Any:
    module_name, colon, attribute = name.partition(":")
    if not colon:
        return _meant_by(name)
    return attribute_of(module_here(module_name), attribute, meant=_is_meant, kind="apps")


def _meant_by(name: str) -> Any:
    """The one app of a module, or what the queues' own commands take this name for."""
    try:
        module = module_here(name)
    except NotFoundError as missing:
        # `huey_consumer shop.huey`, `rq worker -w shop.Worker`
        parent, _, attribute = name.rpartition(".")
        inside = vars(sys.modules[parent]) if parent in sys.modules else {}
        if attribute in inside and getattr(missing.__cause__, "name", None) == name:
            return inside[attribute]
        raise
    apps = _apps_in(module)
    if not apps and "celery" in _modules_in(module):
        apps = _apps_in(module_here(f"{name}.celery"))  # `celery -A shop`
    if len(apps) == 1:
        return next(iter(apps.values()))
    hint = did_you_mean_or_all("", apps, "apps in it") or did_you_mean_or_all("", _modules_in(module), "modules in it")
    raise NotFoundError(f"name one app of {quoted(name)} as {name}:APP{hint}")


def _apps_in(module: ModuleType) -> dict[str, Any]:
    """The apps of a module, each by one of its names."""
    names = {id(value): each for each, value in vars(module).items() if _is_app(value)}
    return {each: vars(module)[each] for each in names.values()}


def _modules_in(module: ModuleType) -> list[str]:
    return [each.name for each in iter_modules(getattr(module, "__path__", []))]


def _queue_of(app: Any) -> _Queue | None:
    is_class = isinstance(app, type)
    names = {(kind.__module__.partition(".")[0], kind.__name__) for kind in (app if is_class else type(app)).__mro__}
    return next(
        (each for each in _QUEUES if (each.package, each.kind) in names and (each.is_class or not is_class)), None
    )


def _is_meant(_module: object, value: object) -> bool:
    return _is_app(value)


def _outsider_of(app: Any) -> Outsider | None:
    return next((each for each in outsiders() if each.is_attached(app) is not None), None)


def _is_app(value: Any) -> bool:
    return not isinstance(value, type) and (_queue_of(value) or _outsider_of(value)) is not None


def _is_attached(app: Any, queue: _Queue) -> bool:
    source = sys.modules.get(f"jobreporter.sources.{queue.source}")
    # An app that was attached has its source imported, and only that knows.
    return source is not None and bool(source.is_attached(app))

"""The schema of a plugin's options: what ``reporter_start`` annotates them with."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any

from jobreporter.options import Options


def options_type(function: Callable[..., object], namespace: Mapping[str, Any]) -> type[Options]:
    """The class that ``function`` annotates its ``options`` with; without an annotation `Options` itself: none.

    ``function`` is without its decorators. ``namespace`` holds the names of the class that it was written in, for an
    annotation that is kept as text. Raises `TypeError`, in a sentence, for anything but a subclass of `Options`.
    """
    annotation = _annotations(function).get("options", Options)
    for _ in range(2):  # a quoted annotation in a module whose annotations are all kept as text is text twice over
        if isinstance(annotation, str):
            annotation = _evaluated(annotation, function, namespace)
    if not (isinstance(annotation, type) and issubclass(annotation, Options)):
        found = getattr(annotation, "__forward_arg__", None) or inspect.formatannotation(annotation)
        raise TypeError(
            f"reporter_start annotates options with {found}, which is not a subclass of jobreporter.Options"
        )
    return annotation


def _annotations(function: Callable[..., object]) -> Mapping[str, Any]:
    if sys.version_info >= (3, 14):
        from annotationlib import Format, get_annotations

        # Other annotations may name what only a type checker imports, and must not fail here.
        return get_annotations(function, format=Format.FORWARDREF)
    return inspect.get_annotations(function)


def _evaluated(text: str, function: Callable[..., object], namespace: Mapping[str, Any]) -> object:
    """What the text of an annotation means where the function was written.

    Only this one is looked up: ``typing.get_type_hints`` fails as soon as any other names what is not imported.
    """
    closure = inspect.getclosurevars(function).nonlocals
    try:
        return eval(text, getattr(function, "__globals__", {}), {**namespace, **closure})  # noqa: S307 - the plugin's own code
    except Exception as error:
        raise TypeError(
            f"reporter_start annotates options with {text}, which can't be found ({type(error).__name__}: {error}): "
            "define or import it at the top of the module"
        ) from error

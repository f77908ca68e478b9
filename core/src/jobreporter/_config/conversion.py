"""One value as the type that is declared for it, or the fact that it isn't one.

msgspec's errors may quote the value, so none of them leaves this file.
"""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec

from jobreporter._config.shapes import Shape
from jobreporter.options import Secret
from jobreporter.units import Measure


class Refused(NamedTuple):
    """What `convert` returns for a value of the wrong type.

    objection: what the code of a plugin's own class raised, if it was that.
    """

    objection: BaseException | None


def convert(value: object, declared: Any, *, lax: bool = False) -> Any:
    """``value`` as ``declared``, or `Refused`. Nothing is raised, since msgspec's errors may quote the value.

    lax: from text, so that ``"8080"`` is a number where one is declared.
    """
    try:
        return msgspec.convert(value, declared, strict=not lax, dec_hook=_decode)
    except msgspec.ValidationError as error:
        return Refused(error.__cause__)
    except Exception as error:  # msgspec passes on what a __post_init__ raises, but for ValueError and TypeError
        return Refused(error)


def convert_leaf(value: object, declared: Any, shape: Shape, *, lax: bool = False) -> Any:
    """`convert`, where the text of a duration or a size is the number that it stands for."""
    if shape.measure and isinstance(value, str):
        value = _measured(shape.measure, value, lax=lax)
    converted = convert(value, declared, lax=lax)
    if shape.measure and isinstance(converted, float | int) and not 0 <= converted < math.inf:
        return Refused(None)
    return converted


def _measured(measure: Measure, text: str, *, lax: bool) -> object:
    """The number that ``text`` stands for, or ``text`` itself if it is none: a literal may be allowed as well.

    lax: a bare number may be text, as it must be in an environment variable.
    """
    with suppress(ValueError):
        if lax or not text.replace(".", "").strip().isdecimal():
            return measure.read(text)
    return text


def _decode(declared: type, value: object) -> object:
    if declared is Secret and isinstance(value, str):
        return Secret(value)
    if isinstance(value, declared):
        return value
    raise msgspec.ValidationError

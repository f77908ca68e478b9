"""What a plugin declares that it can be configured with."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Annotated, Any, Literal, dataclass_transform

import msgspec
from msgspec import inspect

from jobreporter.units import DURATION, SIZE, Measure

# What `measure_of` finds in a declared type.
_MEASURE = "jobreporter_measure"

#: Seconds, as a float. The config takes a number, or text such as ``"30s"`` or ``"1h 30m"``, with the units
#: ``ms s m h d w``. Bounds are added with ``Annotated[Duration, msgspec.Meta(gt=0)]``; below 0 it never is.
Duration = Annotated[float, msgspec.Meta(extra={_MEASURE: DURATION})]
#: Bytes, as an int. The config takes a number, or text such as ``"64MiB"``, with the units ``B KB MB GB`` of 1000 and
#: ``KiB MiB GiB`` of 1024. Bounds are added as for `Duration`.
Size = Annotated[int, msgspec.Meta(extra={_MEASURE: SIZE})]


def measure_of(info: inspect.Type) -> Measure | None:
    """What a declared type measures: `Duration` or `Size`, with or without bounds; ``None`` for every other type."""
    extra = info.extra if isinstance(info, inspect.Metadata) else None
    measure = (extra or {}).get(_MEASURE)
    return measure if isinstance(measure, Measure) else None


class _KeywordOnly(msgspec.StructMeta):
    """Has each subclass take its fields by keyword, where ``kw_only`` counts for one class alone.

    So a field that must be set may stand below one that has a default.
    """

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **config: Any) -> _KeywordOnly:
        _read_defaults(namespace)
        return super().__new__(cls, name, bases, namespace, **{"kw_only": True, **config})


def _read_defaults(namespace: dict[str, Any]) -> None:
    """Turn a default that is text into the number that it stands for: ``keep: Duration = "7d"``.

    Raises ValueError, which names the units, for text that isn't one.
    """
    texts = [name for name, value in namespace.items() if type(value) is str and not name.startswith("__")]
    declared = _annotations(namespace) if texts else {}
    for name in texts:
        namespace[name] = _default(namespace[name], declared.get(name), namespace)


def _default(text: str, declared: Any, namespace: dict[str, Any]) -> object:
    """What the text means as a value of the declared type; itself, unless a `Duration` or `Size` is declared."""
    try:
        if isinstance(declared, str):  # of a module with `from __future__ import annotations`
            module = sys.modules.get(namespace.get("__module__", ""))
            declared = eval(declared, {**vars(module)} if module else {}, namespace)  # noqa: S307 - the plugin's own code
        info = inspect.type_info(declared)
    except Exception:  # an annotation may be anything; one that can't be used is told when the plugin is loaded
        return text
    options = info.types if isinstance(info, inspect.UnionType) else (info,)
    measure = next(filter(None, map(measure_of, options)), None)
    if measure is None:
        return text
    with suppress(msgspec.ValidationError):  # a literal beside it, such as "never"
        return msgspec.convert(text, declared)
    return measure.read(text)


def _annotations(namespace: Mapping[str, Any]) -> Mapping[str, Any]:
    if sys.version_info >= (3, 14):
        from annotationlib import Format, call_annotate_function, get_annotate_from_class_namespace

        annotate = get_annotate_from_class_namespace(namespace)
        if annotate is not None:
            return call_annotate_function(annotate, Format.FORWARDREF)
    found: Mapping[str, Any] = namespace.get("__annotations__", {})
    return found


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """Where a reporter runs, as its config says. Fields are only added."""

    #: ``agent``: away from the workers, in a `jobreporter agent` that reads a ``[stream]``. ``worker``: in the process whose
    #: jobs it reports.
    place: Literal["worker", "agent"] = "worker"
    #: In an agent, ``lane.agents``: whether one agent runs the reporter, or all of them share its events.
    agents: Literal["one", "share"] = "one"


# Struct's own declaration to type checkers would have each subclass repeat frozen=True and kw_only=True.
@dataclass_transform(frozen_default=True, kw_only_default=True)
class Options(msgspec.Struct, metaclass=_KeywordOnly, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of a plugin's options: annotate ``reporter_start(options: MyOptions)`` with a subclass.

    The fields are the keys of the reporter's table in the config. A field without a default must be set; a key that is
    no field is a `ConfigError`, and so is a value of another type.

    Where a scalar or a `Secret` is declared, the config may say ``{ env = "NAME" }`` or ``{ file = "PATH" }`` instead.
    ``use``, ``enabled``, ``where``, ``when`` and ``lane`` are the config's own words and no names for fields. A
    ``__post_init__`` that raises ValueError says in one sentence what is wrong with the values together; an ExceptionGroup
    of them says several things in one go. What is wrong with them only in an agent, or only in a worker, is for
    `check_placement`.
    """

    def check_placement(self, _placement: Placement, /) -> Iterable[str]:
        """Say what the values mean in the place where the reporter runs. Called wherever the config is looked at.

        Raises ValueError, or an ExceptionGroup of them, for what can't work there: a `ConfigError`. Each sentence that it
        returns or yields is a remark on what works, and may surprise: it is logged at the start, and ``jobreporter check``
        shows it.
        """
        return ()

    def check_app(self, _placement: Placement, _fail_once: Callable[[object], None], /) -> Iterable[str]:
        """Say what becomes of a failure in the program's own set-up. ``jobreporter check --app`` calls it.

        It is called in a process of its own, in which the application was imported. ``fail_once(reporter)`` runs one job of
        the application's job queue that fails, on an app of its own in memory, reports it to this plugin object and to the
        reporter ``log``, and returns once both are through. What the plugin sends then, it keeps from leaving.

        Raises ValueError, or an ExceptionGroup of them, for what is wrong. Each sentence that it returns or yields is shown
        as a note.
        """
        return ()


def refuse(problems: Iterable[str]) -> None:
    """For an options class's ``__post_init__``: tell all that is wrong with the options in one go.

    problems: a sentence for each, such as a generator yields. Where an option's value isn't known, as that of a variable
    is not to ``jobreporter check --no-start``, the generator ends as it asks for it, and what it said before is told. So
    let it ask last for what mostly comes from variables and files, such as secrets.

    Raises ValueError, or an ExceptionGroup where several things are wrong.
    """
    told: list[ValueError] = []
    try:
        for problem in problems:
            told.append(ValueError(problem))  # noqa: PERF401 - those before an unknown value are kept
    finally:
        if told:
            raise told[0] if len(told) == 1 else ExceptionGroup("options", told)


class Secret:
    """A string that never shows itself: not in ``repr``, errors, logs or ``jobreporter check``."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The string itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(...)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> str:
        raise TypeError("a Secret can't be pickled: reveal() it where it is used")

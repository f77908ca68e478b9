"""A reporter's options: its table in the config, read as the options class that its plugin declares."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect

from jobreporter._config import shapes, wording
from jobreporter._config.lines import KeyPath
from jobreporter._config.parse import OWN_KEYS, RESERVED
from jobreporter._config.reading import LookUp, NotLookedUpError, Problem, Reading
from jobreporter._config.records import ReporterConfig
from jobreporter._config.references import Reference
from jobreporter._config.unknown import UNKNOWN
from jobreporter._nearest import did_you_mean
from jobreporter.errors import BrokenReporter, ConfigError, Fault, PluginError
from jobreporter.options import Options

# Text that an error may quote where a number or one of a few words is expected: words and short numbers. A secret that
# was pasted into the wrong place doesn't look like that.
_HARMLESS = re.compile(r"[A-Za-z_ ]{1,20}|[+-]?[\d.]{1,8} ?[A-Za-z]{0,10}", re.ASCII)


class Missing(NamedTuple):
    """What stands for a value that there isn't. why: ``missing``, ``wrong``, ``not available`` or an error's name."""

    why: str


class OptionOrigin(NamedTuple):
    """One option with its value, and where that came from.

    origin: ``config``, ``default``, ``nowhere``, or what the config refers to: ``env NAME``, ``file PATH``.
    """

    name: str
    #: Or `Missing`.
    value: Any
    origin: str


def check_options(
    options_type: type[Options] | None,
    reporter: ReporterConfig,
    *,
    environ: Mapping[str, str] = os.environ,
    is_secret: Callable[[str], bool] = bool,  # every name
) -> list[Fault]:
    """What is wrong with a reporter's options in the file itself.

    What the file refers to counts only where it is ``required``, and where the plugin won't say anything of its options
    as a whole without it. is_secret: whether no fault may quote the value of an option with a name. Raises PluginError
    if ``options_type`` can't be used.
    """

    def look_up_required(reference: Reference) -> str:
        if not reference.required:
            raise NotLookedUpError
        return reference.read(environ)

    reading = _read(options_type, reporter, look_up_required, is_secret)[1]
    if reading.inconclusive and not reading.faults:
        reading = _read(options_type, reporter, lambda reference: reference.read(environ), is_secret)[1]
    return _faults(reading.faults, reporter)


def remarks_on(
    options_type: type[Options] | None, reporter: ReporterConfig, *, environ: Mapping[str, str] = os.environ
) -> list[str]:
    """What a plugin remarks on options that are right, in the place where the reporter runs.

    Raises PluginError if ``options_type`` can't be used.
    """
    reading = _read(options_type, reporter, _leave_alone)[1]
    if reading.inconclusive:
        reading = _read(options_type, reporter, lambda reference: reference.read(environ))[1]
    return [str(reporter.place.fault(remark)) for remark in reading.remarks]


def resolve_options(
    options_type: type[Options] | None, reporter: ReporterConfig, *, environ: Mapping[str, str] = os.environ
) -> Options | None:
    """A reporter's options with their references followed; ``None`` if its plugin takes none.

    Raises BrokenReporter, which names option and variable or file but no value, if a reference is unset, unreadable or
    of the wrong type; ConfigError if the file itself is wrong; PluginError if ``options_type`` can't be used.
    """
    options, reading = _read(options_type, reporter, lambda reference: reference.read(environ))
    if reading.faults:
        raise ConfigError(_faults(reading.faults, reporter))
    if reading.broken:
        first, *others = _faults(reading.broken, reporter)
        fault = first._replace(problem="; ".join([first.problem, *(fault.problem for fault in others)]))
        raise BrokenReporter(str(fault), fault=fault)
    return options


def leading_nowhere(
    options_type: type[Options] | None, reporter: ReporterConfig, *, environ: Mapping[str, str] = os.environ
) -> list[Fault]:
    """What a reporter's options refer to and isn't there, whatever else is wrong with them."""
    reading = _read(options_type, reporter, lambda reference: reference.read(environ))[1]
    return _faults(reading.broken, reporter)


def describe_options(
    options_type: type[Options] | None, reporter: ReporterConfig, environ: Mapping[str, str] = os.environ
) -> list[OptionOrigin]:
    """Every option of a plugin with its value and where that came from, in the order of the options class.

    Nothing is raised for values that are wrong. Raises PluginError if ``options_type`` can't be used.
    """
    if options_type is None:
        return []
    check_usable(options_type, reporter)
    described = []
    for field in msgspec.structs.fields(options_type):
        name = field.encode_name
        if name in reporter.options:
            reading = Reading("option", look_up=lambda reference: reference.read(environ), folder=reporter.folder)
            value = reading.value(field.type, reporter.options[name], (name,))
            if value is UNKNOWN:
                value = Missing("wrong" if reading.faults else "not available")
            origin = ", ".join(reference.origin for reference in reading.references.values()) or "config"
            described.append(OptionOrigin(name, value, origin))
        elif field.required:
            described.append(OptionOrigin(name, Missing("missing"), "nowhere"))
        else:
            described.append(OptionOrigin(name, default_of(field), "default"))
    return described


def default_of(field: msgspec.structs.FieldInfo) -> Any:
    """The default of an option that has one, or `Missing` if the plugin's own code raises instead of giving it."""
    if field.default is not msgspec.NODEFAULT:
        return field.default
    try:
        return field.default_factory()
    except Exception as error:
        return Missing(type(error).__name__)


def _read(
    options_type: type[Options] | None,
    reporter: ReporterConfig,
    look_up: LookUp,
    is_secret: Callable[[str], bool] = bool,  # every name
) -> tuple[Options | None, Reading]:
    quotes = _quotes_harmless(is_secret)
    reading = Reading("option", quotes=quotes, look_up=look_up, folder=reporter.folder)
    if options_type is None or options_type is Options:
        for key in reporter.options:
            hint = did_you_mean(key, OWN_KEYS)
            problem = f"unknown option {wording.quoted(key)}: reporter {wording.quoted(reporter.use)} takes no options"
            reading.faults.append(Problem((str(key),), problem + hint))
        return None if options_type is None else options_type(), reading
    check_usable(options_type, reporter)
    placement = reporter.placement

    def check(options: Options) -> Iterable[str]:
        return options.check_placement(placement)

    return reading.record(options_type, reporter.options, also_known=OWN_KEYS, check=check), reading


def _leave_alone(_reference: Reference) -> str:
    raise NotLookedUpError


def _quotes_harmless(is_secret: Callable[[str], bool]) -> Callable[[KeyPath, object, inspect.Type], bool]:
    """Whether a fault may quote a value: it can't be a secret by the option's type and name, nor by its own looks."""

    def quotes(path: KeyPath, value: object, declared: inspect.Type) -> bool:
        if not shapes.is_open(declared) or any(isinstance(name, str) and is_secret(name) for name in path):
            return False
        return _HARMLESS.fullmatch(value) is not None if isinstance(value, str) else isinstance(value, int | float)

    return quotes


def check_usable(options_type: type[Options], reporter: ReporterConfig) -> None:
    """Whether a config can set these options at all. Raises PluginError, in a sentence."""
    try:
        inspect.type_info(options_type)
    except Exception as error:  # an annotation may be anything, and be written as a string too
        problem = f"its options class {options_type.__qualname__} can't be used: {error}"
        raise PluginError(reporter.name, problem) from error
    for field in msgspec.structs.fields(options_type):
        if field.encode_name in RESERVED:
            problem = f"its option {field.encode_name!r} can't be set, since that key is jobreporter's own: rename it"
            raise PluginError(reporter.name, problem)
        if isinstance(field.default, str) and shapes.of(field.type).measure and not _is_allowed(field):
            problem = f"the default of its option {field.encode_name!r} is text: use parse_duration() or parse_size()"
            raise PluginError(reporter.name, problem)


def _is_allowed(field: msgspec.structs.FieldInfo) -> bool:
    return field.default in wording.choices(inspect.type_info(field.type))


def _faults(problems: list[Problem], reporter: ReporterConfig) -> list[Fault]:
    return [reporter.place.fault(problem.text, *problem.path) for problem in problems]

"""A reporter's options: its table in the config, read as the options class that its plugin declares."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

import msgspec
from msgspec import inspect

from jobreporter._config.files import Unusable
from jobreporter._config.parse import OWN_KEYS, RESERVED
from jobreporter._config.reading import LookUp, Reading
from jobreporter._config.records import ReporterConfig
from jobreporter._config.references import Reference
from jobreporter._config.wording import quoted
from jobreporter._nearest import did_you_mean
from jobreporter.errors import BrokenReporter, ConfigError, Fault, PluginError
from jobreporter.options import Options


class OptionOrigin(NamedTuple):
    """One option as ``jobreporter check`` shows it.

    value_text: its value as Python writes it, a secret masked; or why there is none, in brackets. origin: ``config``,
    ``default``, ``nowhere``, or what the config refers to: ``env NAME``, ``file PATH``.
    """

    name: str
    value_text: str
    origin: str


def check_options(options_type: type[Options] | None, reporter: ReporterConfig) -> list[Fault]:
    """What is wrong with a reporter's options in the file itself, whatever its references stand for.

    Raises PluginError if ``options_type`` can't be used.
    """
    return _faults(_read(options_type, reporter, _look_nowhere)[1], reporter)


def resolve_options(
    options_type: type[Options] | None, reporter: ReporterConfig, *, environ: Mapping[str, str] = os.environ
) -> Options | None:
    """A reporter's options with their references followed; ``None`` if its plugin takes none.

    Raises BrokenReporter, which names option and variable or file but no value, if a reference is unset, unreadable or
    of the wrong type; ConfigError if the file itself is wrong; PluginError if ``options_type`` can't be used.
    """
    options, reading = _read(options_type, reporter, lambda reference: reference.read(environ))
    if reading.faults:
        raise ConfigError(_faults(reading, reporter))
    if reading.broken:
        raise BrokenReporter(f"{reporter.where}: {'; '.join(reading.broken)}")
    return options


def describe_options(
    options_type: type[Options] | None, reporter: ReporterConfig, environ: Mapping[str, str] = os.environ
) -> list[OptionOrigin]:
    """Every option of a plugin with its value and where that came from, in the order of the options class.

    Nothing is raised for values that are wrong. Raises PluginError if ``options_type`` can't be used.
    """
    if options_type is None:
        return []
    _check_usable(options_type, reporter)
    described = []
    for field in msgspec.structs.fields(options_type):
        name = field.encode_name
        if name in reporter.options:
            reading = _reading(reporter, lambda reference: reference.read(environ))
            value = reading.value(field.type, reporter.options[name], name)
            text = "(wrong)" if reading.faults else "(not available)" if reading.broken else repr(value)
            origin = ", ".join(reference.origin for reference in reading.references) or "config"
            described.append(OptionOrigin(name, text, origin))
        elif field.required:
            described.append(OptionOrigin(name, "(missing)", "nowhere"))
        else:
            described.append(OptionOrigin(name, _default(field), "default"))
    return described


def _reading(reporter: ReporterConfig, look_up: LookUp) -> Reading:
    return Reading("option", look_up=look_up, folder=reporter.folder)


def _read(
    options_type: type[Options] | None, reporter: ReporterConfig, look_up: LookUp
) -> tuple[Options | None, Reading]:
    reading = _reading(reporter, look_up)
    if options_type is None or options_type is Options:
        for key in reporter.options:
            hint = did_you_mean(key, OWN_KEYS)
            reading.faults.append(
                f"unknown option {quoted(key)}: reporter {quoted(reporter.use)} takes no options{hint}"
            )
        return None if options_type is None else options_type(), reading
    _check_usable(options_type, reporter)
    return reading.record(options_type, reporter.options, also_known=OWN_KEYS), reading


def _check_usable(options_type: type[Options], reporter: ReporterConfig) -> None:
    try:
        inspect.type_info(options_type)
    except Exception as error:  # an annotation may be anything, and be written as a string too
        problem = f"its options class {options_type.__qualname__} can't be used: {error}"
        raise PluginError(reporter.name, problem) from error
    for field in msgspec.structs.fields(options_type):
        if field.encode_name in RESERVED:
            problem = f"its option {field.encode_name!r} can't be set, since that key is jobreporter's own: rename it"
            raise PluginError(reporter.name, problem)


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.default is not msgspec.NODEFAULT:
        return repr(field.default)
    try:
        return repr(field.default_factory())
    except Exception as error:  # the plugin's own code: describing it must not fail
        return f"({type(error).__name__})"


def _look_nowhere(reference: Reference) -> str:
    raise Unusable("is not looked at while the file is checked")


def _faults(reading: Reading, reporter: ReporterConfig) -> list[Fault]:
    return [Fault(reporter.where, problem) for problem in reading.faults]

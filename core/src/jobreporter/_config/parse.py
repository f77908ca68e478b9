"""The tables of a config file as records, with everything that is wrong with them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec
from msgspec import inspect

from jobreporter._config import misplaced
from jobreporter._config.agreement import RELAY, STREAM, faults_of_relay, faults_of_schedules
from jobreporter._config.doubts import doubts_about, unexpanded
from jobreporter._config.lines import KeyPath
from jobreporter._config.patterns import problem_of
from jobreporter._config.places import Place, dotted
from jobreporter._config.reading import Reading
from jobreporter._config.records import Config, Note, Parsed, RawOptions, ReporterConfig
from jobreporter._config.settings import (
    EXPECTED_NAME,
    NAME,
    CaptureSettings,
    ContextSettings,
    References,
    ReporterSettings,
    Tables,
)
from jobreporter._config.wording import found, quoted
from jobreporter._nearest import did_you_mean
from jobreporter.errors import Fault

DISABLE: Literal["JOBREPORTER_DISABLE"] = "JOBREPORTER_DISABLE"
#: In `DISABLE`, every reporter.
ALL = "*"

Record = TypeVar("Record", bound=msgspec.Struct)


_APP_LOCAL = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
_ADDRESS = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*)?", re.ASCII)
_TABLE = inspect.type_info(dict[str, Any])

#: The tables of a config.
TABLES = (*Tables.__struct_fields__, STREAM, "reporters")


def _tables_in(record_type: type[msgspec.Struct]) -> dict[str, type[msgspec.Struct]]:
    """The fields of a record that are tables of their own, by name."""
    declared = ((field.encode_name, field.type) for field in msgspec.structs.fields(record_type))
    return {name: kind for name, kind in declared if isinstance(kind, type) and issubclass(kind, msgspec.Struct)}


#: The keys of a reporter's table that no plugin can have an option for.
RESERVED = ReporterSettings.__struct_fields__
#: The same and what is below them, as "Did you mean" names it.
OWN_KEYS = (
    *RESERVED,
    *(f"{table}.{key}" for table, record in _tables_in(ReporterSettings).items() for key in record.__struct_fields__),
)


def parse(
    table: Mapping[str, Any], place: Place, *, path: Path | None = None, environ: Mapping[str, str] = os.environ
) -> Parsed:
    """What a file's tables say, or a dict of the same shape.

    place: how messages call it. path: the file, whose folder is where relative paths in it start. environ: for the
    references in the core's own tables and for ``JOBREPORTER_DISABLE``.
    """
    parsing = _Parsing(place, path, environ)
    config = parsing.config(table)
    return Parsed(config, tuple(parsing.faults), tuple(parsing.warnings), tuple(parsing.notes), tuple(parsing.left_out))


class _Parsing:
    def __init__(self, place: Place, path: Path | None, environ: Mapping[str, str]) -> None:
        self._place = place
        self._path = path
        self._folder = path.parent if path else None
        self._environ = environ
        self._origins: dict[KeyPath, str] = {}
        self.faults: list[Fault] = []
        self.warnings: list[Fault] = []
        self.notes: list[Note] = []
        self.left_out: list[Fault] = []

    def config(self, table: Mapping[str, Any]) -> Config:
        for key in table:
            if key not in TABLES:
                problem = misplaced.problem_of(key, table[key], TABLES, RESERVED, in_pyproject=bool(self._place.root))
                self.faults.append(self._place.fault(problem, key))
        reporters = self._tables_of_reporters(table)
        switched_off = self._switched_off(reporters)
        own = {
            field.name: self._own(table, field.encode_name, field.type)
            for field in msgspec.structs.fields(Tables)
            if field.encode_name in table
        }
        own |= {"capture": self._possible(own.get("capture")), "context": self._addressed(own.get("context"))}
        self.faults.extend(faults_of_schedules(own.get("schedules") or {}, reporters, self._place))
        described = tuple(
            self._reporter(name, reporters, name in switched_off, has_stream=STREAM in table) for name in reporters
        )
        for reporter in described:
            if reporter.enabled and reporter.use == RELAY:
                self.faults.extend(faults_of_relay(reporter, has_stream=STREAM in table))
        return Config(
            path=self._path,
            place=self._place,
            stream=self._stream(table, reporters),
            reporters=described,
            origins=self._origins,
            **{name: value for name, value in own.items() if value is not None},
        )

    def _tables_of_reporters(self, table: Mapping[str, Any]) -> dict[str, Any]:
        """Those that are tables: nothing else is known of what isn't one."""
        named = self._table(table, "reporters", self._place)
        place = self._place.below("reporters")
        for name, content in named.items():
            if not isinstance(content, Mapping):
                remedy = f": write a table [reporters.{name}]" if NAME.fullmatch(str(name)) else ""
                problem = f"key {quoted(name)}: expected a table, found {found(content, _TABLE)}{remedy}"
                self.faults.append(place.fault(problem, str(name)))
        return {name: content for name, content in named.items() if isinstance(content, Mapping)}

    def _stream(self, table: Mapping[str, Any], reporters: Mapping[str, Any]) -> ReporterConfig | None:
        if STREAM not in table:
            return None
        if STREAM in reporters:
            problem = f"with [{STREAM}], the name {quoted(STREAM)} is that of the lane to it"
            self.faults.append(self._place.below("reporters", STREAM).fault(problem))
        options = RawOptions(self._table(table, STREAM, self._place))
        self._doubt_shell(options, self._place.below(STREAM), "option")
        return ReporterConfig(
            name=STREAM, use=STREAM, options=options, place=self._place.below(STREAM), folder=self._folder
        )

    def _doubt_shell(self, table: Mapping[str, Any], place: Place, noun: str) -> None:
        for path in unexpanded(table):
            # It isn't quoted: it may be somebody's password.
            text = (
                "it is written as for a shell, and taken as it stands: write the path in full,"
                ' or { env = "NAME" } for what a variable holds'
            )
            self.warnings.append(place.fault(f"{noun} {quoted(dotted(path))}: {text}", *path))

    def _possible(self, capture: CaptureSettings | None) -> CaptureSettings | None:
        """Without the patterns that are none: the others hold for reporters that `check` tries all the same."""
        if capture is None:
            return None
        problems = {pattern: problem_of(pattern) for pattern in capture.patterns}
        for index, pattern in enumerate(capture.patterns):
            if problem := problems[pattern]:
                text = f"key 'patterns[{index}]': {problem}"
                self.faults.append(self._place.below("capture").fault(text, "patterns", index))
        right = tuple(pattern for pattern in capture.patterns if not problems[pattern])
        return msgspec.structs.replace(capture, patterns=right)

    def _addressed(self, context: ContextSettings | None) -> ContextSettings | None:
        """Without a page whose address is none."""
        if context is None or context.page is None or _ADDRESS.fullmatch(context.page):
            return context
        # It isn't quoted: it may come out of a variable that was meant for something else.
        text = "key 'page': expected an address that begins with 'http://' or 'https://', without '?' and '#'"
        self.faults.append(self._place.below("context").fault(text, "page"))
        return msgspec.structs.replace(context, page=None)

    def _own(self, table: Mapping[str, Any], name: str, declared: Any) -> Any:
        """One of the core's own tables, or several that have names below it."""
        if get_origin(declared) is not dict:
            return self._record(table, name, _struct_in(declared), self._place)
        kind, place = get_args(declared)[1], self._place.below(name)
        named = self._table(table, name, self._place)
        records = {each: self._record(named, each, kind, place) for each in named}
        return {each: record for each, record in records.items() if record is not None}

    def _switched_off(self, reporters: Mapping[str, Any]) -> set[str]:
        names = {name.strip() for name in self._environ.get(DISABLE, "").split(",")} - {""}
        for name in sorted(names - {ALL} - set(reporters)):
            # No fault: one value for a whole fleet of programs is as it should be.
            near = did_you_mean(name, reporters)
            self.notes.append(Note(f"{DISABLE}: there is no reporter {quoted(name)} here{near}", doubtful=bool(near)))
        return set(reporters) if ALL in names else names

    def _reporter(
        self, name: Any, reporters: Mapping[str, Any], switched_off: bool, *, has_stream: bool
    ) -> ReporterConfig:
        above = self._place.below("reporters")
        if not (isinstance(name, str) and NAME.fullmatch(name)):
            self.faults.append(above.fault(f"reporter name {quoted(name)}: {EXPECTED_NAME}", str(name)))
        place = above.below(str(name))
        table = self._table(reporters, name, above)
        own = {key: value for key, value in table.items() if key in RESERVED}
        settings = self._record({name: own}, name, ReporterSettings, above) or ReporterSettings()
        use = settings.use or str(name)
        if ":" in use and not _APP_LOCAL.fullmatch(use):
            expected = "expected the name of an installed reporter or 'module:attribute'"
            self.faults.append(place.fault(f"key 'use': {expected}, found {quoted(use)}", "use"))
        for key, doubt in doubts_about(settings.when):
            (self.faults if doubt.certain else self.warnings).append(place.below("when").fault(doubt.text, *key))
        enabled = settings.enabled and not switched_off
        options = RawOptions((key, value) for key, value in table.items() if key not in RESERVED)
        if enabled:
            self._doubt_shell(options, place, "option")
        return ReporterConfig(
            **{
                **{key: getattr(settings, key) for key in RESERVED},
                "name": str(name),
                "use": use,
                "enabled": enabled,
                "disabled_by": DISABLE if settings.enabled and switched_off else None if settings.enabled else "config",
            },
            in_agent=has_stream and settings.where == "agent",
            options=options,
            place=place,
            folder=self._folder,
        )

    def _record(self, parent: Mapping[str, Any], name: str, record_type: type[Record], above: Place) -> Record | None:
        """The record of the table under ``name``, as far as it is right; ``None`` if there is too little for one."""
        place = above.below(str(name))
        table = self._table(parent, name, above)
        inner = {key: kind for key, kind in _tables_in(record_type).items() if key in table}
        references: References | None = getattr(record_type, "references", None)
        look_up = (lambda reference: reference.read(self._environ)) if references else None
        if references:
            self._doubt_shell(table, place, "key")
        reading = Reading("key", look_up=look_up, folder=self._folder)
        record = reading.record(record_type, {key: table[key] for key in table if key not in inner})
        self.faults += [place.fault(problem.text, *problem.path) for problem in reading.faults]
        for problem in reading.broken:
            if references == "required":
                self.faults.append(place.fault(problem.text, *problem.path))
            else:
                self.left_out.append(place.fault(f"{problem.text}, so it is left out", *problem.path))
        for key in table:
            of_key = [each.origin for at, each in reading.references.items() if at[0] == key]
            self._origins[(*place.table, str(key))] = ", ".join(of_key) or "config"
        if record is None:
            with suppress(TypeError, ValueError):
                record = record_type(**reading.known)
        below = {key: self._record(table, key, kind, place) for key, kind in inner.items()}
        if record is None:
            return None
        return msgspec.structs.replace(record, **{key: value for key, value in below.items() if value is not None})

    def _table(self, parent: Mapping[str, Any], key: str, place: Place) -> Mapping[str, Any]:
        table = parent.get(key, {})
        if isinstance(table, Mapping):
            return table
        self.faults.append(place.fault(f"key {quoted(key)}: expected a table, found {found(table, _TABLE)}", str(key)))
        return {}


def _struct_in(declared: Any) -> type[msgspec.Struct]:
    """The record of a table that may be missing: ``StreamSettings | None``."""
    options = get_args(declared) or (declared,)
    (record,) = (option for option in options if isinstance(option, type) and issubclass(option, msgspec.Struct))
    return record

"""Looking at a config with everything that it names, and trying its reporters out one by one."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from jobreporter._cli._advice import about_time
from jobreporter._cli._listing import loaded
from jobreporter._cli._options import chosen
from jobreporter._cli._ports import Ports, own_worker
from jobreporter._cli._relays import options_types, where_it_leads
from jobreporter._cli._report import WORKS, Problem, Report, ReporterReport, Status
from jobreporter._cli._settings import Setting, Settings
from jobreporter._cli._stream import stream_report
from jobreporter._cli._terminal import counted
from jobreporter._cli._trial import complaints, try_out
from jobreporter._config.agreement import RELAY
from jobreporter._config.parse import DISABLE
from jobreporter._config.plugin_options import leading_nowhere, resolve_options
from jobreporter._config.records import Config, Note, ReporterConfig
from jobreporter._dispatch.wiring import Survey, survey
from jobreporter._plugins.installed import Installed, scan
from jobreporter._plugins.plugin import Plugin
from jobreporter._system.greenlets import patched_by
from jobreporter._version import __version__
from jobreporter.errors import ConfigError, Fault, JobReporterError
from jobreporter.events import KINDS, EventKind
from jobreporter.hookspecs import HANDLERS
from jobreporter.text import one_line

_NOTHING = "no reporter is switched on, so nothing is reported: add a table such as [reporters.log]"

_SEE_ABOVE = "the config is wrong for it, see above"


class _Looked(NamedTuple):
    """A reporter, and its settings where they are known."""

    report: ReporterReport
    settings: list[Setting]


def examine(
    path: str | None, names: Sequence[str], *, start: bool, send: Sequence[EventKind], worker: bool = False
) -> Report:
    """Everything about the config at ``path``, or the one that is found.

    names: only these reporters are tried. start: whether they are started, and what the config refers to has to be there.
    send: the kinds of events to send through each. worker: only what a worker runs counts, and not what agents do.
    """
    try:
        with complaints() as said:
            looked, installed = survey(path, "worker" if worker else None), scan()
    except ConfigError as error:
        return _report(None, error.faults, (), (), [], [])
    config, faults, warnings, notes, left_out = looked.parsed
    if start:
        warnings += left_out
    warnings += tuple(Fault("jobreporter", text) for text in dict.fromkeys(said))
    if config.stream is not None and not faults:
        of_stream, how_it_fares = stream_report(config, worker=worker)
        warnings, notes = (*warnings, *of_stream), (*notes, *how_it_fares)
    notes += tuple(about_time(looked))
    if library := patched_by():
        told = f"{library} has patched threads, so reporters run in greenlets, in one thread with the jobs"
        notes += (Note(told, doubtful=False),)
    all_in_agents = worker and config.stream is not None and not config.reporters
    if config.path is not None and not config.reporters and not all_in_agents and not faults:
        warnings += (config.place.fault(_NOTHING),)
    examination = _Examination(looked, installed, send)
    tried = [examination.of(reporter, start=start) for reporter in chosen(config.reporters, names)]
    settings = [*Settings(config).core(), *(setting for each in tried for setting in each.settings)]
    return _report(config, looked.faults, warnings, notes, [each.report for each in tried], settings)


class _Examination:
    """Tries one reporter after the other."""

    def __init__(
        self, looked: Survey, installed: Mapping[str, tuple[Installed, ...]], send: Sequence[EventKind]
    ) -> None:
        self._config = looked.parsed.config
        self._faulty = {fault.table: fault for fault in looked.faults}
        self._send = send
        self._settings = Settings(self._config)
        self._installed = installed
        self._ports = Ports()

    def of(self, reporter: ReporterConfig, *, start: bool) -> _Looked:
        """One reporter; only one that is on and right in the config is started."""
        if not reporter.enabled:
            by = "enabled = false" if reporter.disabled_by == "config" else reporter.disabled_by
            return self._untried(reporter, "off", f"switched off by {by}")
        wrong = [table for table in self._faulty if f"{table}.".startswith(f"{reporter.place.name}.")]
        if reporter.use == RELAY:
            return self._relay(reporter, start=start and not wrong, wrong=bool(wrong))
        try:
            plugin = loaded(reporter, self._installed)
        except JobReporterError as error:
            if wrong:
                return self._untried(reporter, "wrong", _SEE_ABOVE)
            return self._untried(reporter, "broken", "it can't be loaded", _sentence(error))
        settings = list(self._settings.reporter(reporter, plugin.options_type))
        if unheard := _unheard(reporter, plugin):
            return _Looked(self._row(reporter, "wrong", "no event ever reaches it", plugin, [unheard]), settings)
        if wrong:
            # What its environment lacks is told in the same go.
            besides = leading_nowhere(plugin.options_type, reporter, environ=os.environ) if start else []
            problems = [_SEE_ABOVE, *(fault.problem for fault in besides)] if besides else []
            return _Looked(self._row(reporter, "wrong", _SEE_ABOVE, plugin, problems), settings)
        if not start:
            return _Looked(self._row(reporter, "ok", "the config is right for it; not started", plugin), settings)
        try:
            resolve_options(plugin.options_type, reporter, environ=os.environ)
        except JobReporterError as error:
            row = self._row(reporter, "broken", "it can't start", plugin, [_sentence(error)])
            return _Looked(row, settings)
        return _Looked(self._try(reporter, plugin), settings)

    def _relay(self, reporter: ReporterConfig, *, start: bool, wrong: bool) -> _Looked:
        settings = list(self._settings.reporter(reporter, *options_types(reporter)))
        if wrong:
            return _Looked(self._row(reporter, "wrong", _SEE_ABOVE, None), settings)
        if not start:
            return _Looked(self._row(reporter, "ok", "the config is right for it; not started", None), settings)
        try:
            told = where_it_leads(reporter, self._config)
        except JobReporterError as error:
            row = self._row(reporter, "broken", "its target can't be reached", None, [_sentence(error)])
            return _Looked(row, settings)
        return _Looked(self._row(reporter, "ok", told, None), settings)

    def _try(self, reporter: ReporterConfig, plugin: Plugin) -> ReporterReport:
        self._ports.asked()
        trial = try_out(plugin, reporter, self._config, send=self._send)
        asked = self._ports.asked()
        if trial.problems and asked and (holder := own_worker(asked, self._config)):
            told = f"process {holder.pid} ({holder.name}), which has this config, serves port {holder.port}: not tried here"
            return self._row(reporter, "running", told, plugin)
        status: Status = "failed" if trial.problems else "ok"
        sent = [kind for kind in self._send if HANDLERS[KINDS[kind]] in plugin.hooks]
        problems = [one_line(problem, 2_000) for problem in trial.problems]
        return self._row(reporter, status, self._done(sent), plugin, problems, sent, trial.seconds)

    def _done(self, sent: Sequence[str]) -> str:
        if not self._send:
            return "started, flushed and stopped"
        if not sent:
            return f"started, flushed and stopped; it takes no {' or '.join(self._send)}, so none was sent"
        kinds = "a test failure" if "failure" in sent else f"a test event ({', '.join(sent)})"
        return f"took {kinds}, flushed and stopped"

    def _untried(self, reporter: ReporterConfig, status: Status, detail: str, *problems: str) -> _Looked:
        return _Looked(self._row(reporter, status, detail, None, problems), [])

    def _row(
        self,
        reporter: ReporterConfig,
        status: Status,
        detail: str,
        plugin: Plugin | None,
        problems: Sequence[str] = (),
        sent: Sequence[str] = (),
        seconds: float | None = None,
    ) -> ReporterReport:
        return ReporterReport(
            name=reporter.name,
            use=reporter.use,
            distribution=plugin.distribution if plugin else None,
            version=plugin.version if plugin else None,
            status=status,
            detail=detail,
            problems=list(problems),
            sent=list(sent),
            seconds=seconds,
        )


def _unheard(reporter: ReporterConfig, plugin: Plugin) -> str | None:
    """Why no event ever reaches a reporter, by its filter and its hooks together."""
    wanted = reporter.when.events
    if not wanted or any(HANDLERS[KINDS[kind]] in plugin.hooks for kind in wanted):
        return None
    kinds = " or ".join(map(repr, wanted))
    return f"when.events lets {kinds} through, for which the plugin has no hook, so no event ever reaches it"


def _sentence(error: JobReporterError) -> str:
    """Why a reporter can't run, without the place that stands beside it anyway."""
    if isinstance(error, ConfigError):
        return "; ".join(fault.problem for fault in error.faults)
    fault: Fault | None = getattr(error, "fault", None)
    return one_line(str(error) if fault is None else fault.problem, 2_000)


def _report(
    config: Config | None,
    faults: Sequence[Fault],
    warnings: Sequence[Fault],
    notes: Sequence[Note],
    reporters: list[ReporterReport],
    settings: list[Setting],
) -> Report:
    path = None if config is None or config.path is None else str(config.path)
    broken = [row for row in reporters if row.status not in WORKS]
    # What is wrong in the config is counted once, with its faults.
    count = len(faults) + len(warnings) + sum(bool(row.problems) for row in broken)
    ok = not (count or broken)
    return Report(
        ok=ok,
        summary=_summary(path, count, reporters),
        version=__version__,
        config=path,
        faults=list(map(Problem.of, faults)),
        warnings=list(map(Problem.of, warnings)),
        notes=[note.text for note in notes],
        reporters=reporters,
        settings=settings,
    )


def _summary(path: str | None, count: int, reporters: Sequence[ReporterReport]) -> str:
    on = [row for row in reporters if row.status != "off"]
    working = [row for row in on if row.status in WORKS]
    where = f" of {one_line(path, 400)}" if path else ""
    if count or len(working) < len(on):
        problems = counted(count, "problem")
        if not on:
            return f"wrong: {problems}{where.replace(' of ', ' with ', 1)}"
        verb = "works" if len(working) == 1 else "work"
        return f"wrong: {problems}, and {len(working)} of {counted(len(on), 'reporter')}{where} {verb}"
    if path and not reporters:  # any other file without reporters has a problem
        return f"ok: agents run all reporters{where}"
    if not on:
        switch = f" by {DISABLE}" if all(row.detail.endswith(DISABLE) for row in reporters) else ""
        return f"ok: every reporter{where} is switched off{switch}"
    if len(on) == 1:
        return f"ok: the reporter {on[0].name!r}{where} works"
    return f"ok: all {counted(len(on), 'reporter')}{where} work"

"""What the commands about the stream share."""

from __future__ import annotations

import click

from jobreporter._agent.status import NO_AGENT, shown_url, status_of
from jobreporter._cli._advice import about_spool
from jobreporter._cli._terminal import counted
from jobreporter._config.load import load
from jobreporter._config.records import Config, Note
from jobreporter._stream.settings import StreamConfig, resolve_stream
from jobreporter._stream.spool_folder import look_at
from jobreporter.errors import BrokenReporter, ConfigError, Fault, JobReporterError
from jobreporter.streams import StreamMissing


def read_config(path: str | None) -> Config:
    """The config, as far as it can be read. Ends the command where it can't be read at all."""
    try:
        return load(path).config
    except ConfigError as error:
        raise click.ClickException(str(error)) from None


def stream_of(config: Config) -> StreamConfig:
    """The stream that it describes. Raises what `resolve_stream` does, a ConfigError as one for the terminal."""
    if config.stream is None:
        raise click.ClickException("the config has no [stream]: its reporters run in the workers")
    try:
        return resolve_stream(config)
    except ConfigError as error:
        raise click.ClickException(str(error)) from None


def stream_report(config: Config, *, worker: bool = False) -> tuple[list[Fault], list[Note]]:
    """What is wrong with the stream, here and now, and how it fares. worker: how agents fare stops no worker."""
    assert config.stream is not None  # noqa: S101 - nobody asks where there is no stream
    place = config.stream.place
    notes: list[Note] = []
    try:
        described = resolve_stream(config)
        notes += about_spool(described)
        if described.spool is not None:
            look_at(described.spool)
            if worker:  # it writes there, and to nothing else
                return [], [Note(f"workers write to the spool {described.spool!r}", doubtful=False), *notes]
        stream = described.look()
        try:
            found = status_of(stream, described)
        finally:
            stream.close()
    except StreamMissing as error:
        wrong = [] if worker else [place.fault(NO_AGENT)]
        return wrong, [Note(str(error), doubtful=False), *notes]
    except ConfigError as error:
        return list(error.faults), notes
    except BrokenReporter as error:
        return [error.fault or place.fault(str(error))], notes
    except JobReporterError as error:
        return [place.fault(str(error))], notes
    pending = ", ".join(f"{each.pending} for {each.name}" for each in found.reporters if each.pending) or "nothing"
    crowd = f"{counted(len(found.workers), 'worker')}, {counted(len(found.agents), 'agent')}"
    told = f"{shown_url(described.url)}: {crowd}; {pending} waits"
    wrong = [] if worker else [place.fault(warning) for warning in found.warnings]
    return wrong, [Note(told, doubtful=False), *notes]

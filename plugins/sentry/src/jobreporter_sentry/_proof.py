"""How often a failure is reported in the program's own set-up, and by whom: tried, with nothing sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import sentry_sdk
from sentry_sdk import Transport
from sentry_sdk.client import BaseClient
from sentry_sdk.envelope import Envelope
from sentry_sdk.types import Event

from jobreporter import Context, Placement, hookimpl
from jobreporter_sentry._captured import LOGGER
from jobreporter_sentry._options import SentryOptions
from jobreporter_sentry._own import OwnOutlet
from jobreporter_sentry._projects import Project, project_of, project_of_client
from jobreporter_sentry._reporter import SentryReporter

# What the program's client leaves to chance. A trial is none.
_BY_CHANCE = {"sample_rate": 1.0, "error_sampler": None}


class Seen(NamedTuple):
    """One report. by: whose it is, in words."""

    project: Project | None
    by: str


def reports_of_one_failure(
    options: SentryOptions, placement: Placement, fail_once: Callable[[object], None]
) -> Iterator[str]:
    """Who reports a failure, as sentences. Raises ValueError where nobody does, or more than one to the same project."""
    client = sentry_sdk.get_client()
    own = project_of(options.dsn)
    programs = project_of_client(client)
    if own is None and programs is None:
        return  # it can't start, and says so
    seen: list[Seen] = []
    in_agent = placement.place == "agent"
    with _kept(client, programs, seen):
        fail_once(_Nothing() if in_agent else _Trial(options, own, seen))
    if in_agent:
        seen.append(Seen(own, "jobreporter"))
    yield from _judged(seen, options, client, programs, in_agent=in_agent)


class _Nothing:
    """A worker whose reporters are in agents."""

    @hookimpl
    def handle_failure(self) -> None:
        """The agent has it."""


class _Trial(SentryReporter):
    """The reporter as it is configured, whose own client keeps what it would send."""

    def __init__(self, options: SentryOptions, project: Project | None, seen: list[Seen]) -> None:
        self._configured = options
        self._project = project
        self._seen = seen

    @hookimpl
    def reporter_start(self, context: Context) -> None:  # type: ignore[override]  # it has its options already
        super().reporter_start(self._configured, context)
        if isinstance(self._outlet, OwnOutlet):
            self._outlet.client.transport = _Keeping(self._outlet.client.transport, self._project, self._seen)


class _Keeping(Transport):
    """Keeps events instead of sending them; for the rest it is as the one in whose place it is."""

    def __init__(self, instead_of: Any, project: Project | None, seen: list[Seen]) -> None:
        super().__init__()
        self._instead_of = instead_of
        self._project = project
        self._seen = seen

    def capture_envelope(self, envelope: Envelope) -> None:
        """Nothing leaves."""
        event = envelope.get_event()
        if event is not None:
            self._seen.append(Seen(self._project, _who(event)))

    def flush(self, *_: object, **__: object) -> None:
        """There is nothing to wait for."""

    def record_lost_event(self, *_: object, **__: object) -> None:
        """A trial has no losses."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._instead_of, name)


@contextmanager
def _kept(client: BaseClient, project: Project | None, seen: list[Seen]) -> Iterator[None]:
    """The program's own client keeps what it would send, and leaves nothing to chance."""
    if project is None:
        yield
        return
    transport, options = client.transport, dict(client.options)
    client.transport = _Keeping(transport, project, seen)
    client.options.update(_BY_CHANCE)
    try:
        yield
    finally:
        client.transport = transport
        client.options.update({name: options.get(name) for name in _BY_CHANCE})


def _who(event: Event) -> str:
    if event.get("logger") == LOGGER:
        return "jobreporter"
    values: Any = (event.get("exception") or {}).get("values") or [{}]
    kind = (values[-1].get("mechanism") or {}).get("type") or "logging"
    if kind == "logging":
        return f"the line that {event.get('logger')} logs, through the SDK's integration for logging"
    return f"the SDK's integration for {kind}"


def _judged(
    seen: list[Seen], options: SentryOptions, client: BaseClient, programs: Project | None, *, in_agent: bool
) -> Iterator[str]:
    who = " and ".join(f"by {each.by}" for each in seen)
    if not seen:
        raise ValueError(
            "a failure is reported by nobody: the program's own Sentry client captures it, so it is left to that, and is"
            " dropped there, by a before_send or an event processor of the program's"
        )
    if len({each.project for each in seen}) < len(seen):
        remedy = (
            "what the program's own client captures isn't seen in an agent: set where = 'worker', or switch that off with"
            " sentry_sdk.init(disabled_integrations=...)"
            if in_agent
            else "switch one of them off, with sentry_sdk.init(disabled_integrations=...) or where the program adds it"
        )
        raise ValueError(f"a failure is reported {len(seen)} times to the same project, {who}: {remedy}")
    if len(seen) > 1:
        yield f"a failure is reported once to each of {len(seen)} projects, {who}"
        return
    yield f"a failure is reported once, {who}"
    if programs is None:
        yield (
            "importing the app makes no Sentry client of the program's own. If its workers make one later, as in a signal,"
            " name a module that calls sentry_sdk.init() as well"
        )
    elif (seen[0].project == programs and options.dsn is None) or seen[0].by != "jobreporter":
        rate = client.options.get("sample_rate")
        if isinstance(rate, int | float) and rate < 1.0:
            yield f"of that, the sample_rate of the program's own client keeps {rate:.0%}"

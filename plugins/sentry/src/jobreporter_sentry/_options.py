"""What ``[reporters.sentry]`` may say. Where sentry-sdk has the option too, the name and the meaning are its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

from jobreporter import Duration, Options, Placement, Secret, refuse
from jobreporter_sentry._projects import reports_to

Level = Literal["fatal", "error", "warning", "info", "debug"]

_SLUG = re.compile(r"[a-z0-9_-]{1,50}")


class Interval(Options):
    """A schedule such as ``{ value = 2, unit = "hour" }``."""

    #: Every so many units.
    value: int
    #: What is counted.
    unit: Literal["minute", "hour", "day", "week", "month", "year"]

    def __post_init__(self) -> None:
        refuse(_below(1, self, "value"))


class Monitor(Options):
    """One monitor of Sentry Crons. With a schedule, Sentry creates or updates it by the first check-in."""

    #: The monitor's slug in Sentry.
    slug: str
    #: When the job should run: a crontab such as `"5 3 * * *"`, or an interval such as `{ value = 2, unit = "hour" }`.
    schedule: str | Interval | None = None
    #: The time zone of a crontab, such as `"Europe/Vienna"`; Sentry takes UTC otherwise.
    timezone: str | None = None
    #: Minutes after which a run that has not begun counts as missed.
    checkin_margin: int | None = None
    #: Minutes after which a run that has not ended counts as failed.
    max_runtime: int | None = None
    #: So many failed runs in a row open an issue.
    failure_issue_threshold: int | None = None
    #: So many good runs in a row resolve it.
    recovery_threshold: int | None = None

    def __post_init__(self) -> None:
        refuse(self._problems())

    def _problems(self) -> Iterator[str]:
        if not _SLUG.fullmatch(self.slug) or self.slug.isdigit():
            yield f"expected slug to be 1 to 50 of a-z, 0-9, _ and -, and not digits alone, found {self.slug!r}"
        if isinstance(self.schedule, str) and len(self.schedule.split()) != 5 and not self.schedule.startswith("@"):
            yield f"expected schedule to be a crontab of five fields, such as '5 3 * * *', found {self.schedule!r}"
        settings = [name for name in self.__struct_fields__ if name not in {"slug", "schedule"}]
        yield from _below(1, self, *(name for name in settings if name != "timezone"))
        if self.schedule is None and (lone := [name for name in settings if getattr(self, name) is not None]):
            yield f"{lone[0]} needs a schedule: Sentry takes a monitor's settings only together with one"


class SentryOptions(Options):
    """``[reporters.sentry]``."""

    #: Where the events go. Without it, they go through the client that the program's own `sentry_sdk.init()` has made.
    dsn: Secret | None = None
    #: The environment; by default that of `[context]`, and then what `SENTRY_ENVIRONMENT` says. *
    environment: str | None = None
    #: The release; by default that of `[context]`, and then what `SENTRY_RELEASE` says. *
    release: str | None = None
    #: The distribution of the release. *
    dist: str | None = None
    #: The name of the host; by default what it calls itself. *
    server_name: str | None = None
    #: The share of failures and messages that is sent, from 0.0 to 1.0. *
    sample_rate: float = 1.0
    #: The level of a failure that another attempt follows: `fatal`, `error`, `warning`, `info` or `debug`.
    retried_level: Level = "error"
    #: What becomes of aborted jobs: `"nothing"`, a `"breadcrumb"` in later events, or a `"message"` of level `info`.
    aborted: Literal["nothing", "breadcrumb", "message"] = "nothing"
    #: The most breadcrumbs that are kept.
    max_breadcrumbs: int = 100
    #: Modules (and all below them) that are your application's, wherever they are installed.
    in_app_include: tuple[str, ...] = ()
    #: Modules (and all below them) that are not.
    in_app_exclude: tuple[str, ...] = ()
    #: Whether frames have the lines of source around theirs.
    include_source_context: bool = True
    #: Texts longer than so many bytes are cut. *
    max_value_length: int | None = None
    #: The jobs that check in with Sentry Crons: a job's name, and its monitor.
    monitors: dict[str, Monitor] = {}  # noqa: RUF012 - each instance gets a dict of its own
    #: How long an event or a check-in may take to be sent. Keep it below half of the lane's `timeout`.
    send_timeout: Duration = 4.0
    #: Whether Sentry is told how many events were not sent. *
    send_client_reports: bool = True
    #: The proxy; by default what the variable `http_proxy` says. *
    http_proxy: Secret | None = None
    #: The proxy for an `https://` DSN, which counts before the other; by default what `https_proxy` says. *
    https_proxy: Secret | None = None
    #: A file with the certificates to trust. *
    ca_certs: str | None = None
    #: The client's own certificate. *
    cert_file: str | None = None
    #: The client's own key. *
    key_file: str | None = None
    #: Whether connections are kept alive by TCP. *
    keep_alive: bool = False

    def __post_init__(self) -> None:
        refuse(self._problems())

    def _problems(self) -> Iterator[str]:
        if not 0.0 <= self.sample_rate <= 1.0:
            yield f"expected sample_rate to be from 0.0 to 1.0, found {self.sample_rate:g}"
        if not self.send_timeout:
            yield f"expected send_timeout to be a number of seconds above 0, found {self.send_timeout:g}"
        yield from _below(0, self, "max_breadcrumbs")
        yield from _below(1, self, "max_value_length")
        if self.dsn is None and (set_ := [name for name, default in OWN.items() if getattr(self, name) != default]):
            yield f"{set_[0]} needs a dsn: without one, the program's own Sentry client has settings of its own"
        try:
            reports_to(self.dsn)  # jobreporter reads them before the first job, and the reporter starts while that runs
        except ValueError:
            # Without the SDK's own words, which may quote it; and not as an address, in which a key would be redacted.
            yield "expected dsn to be as Sentry shows it: 'https://', a key, '@', a host, '/', and a project's number"

    def check_placement(self, placement: Placement, /) -> Iterable[str]:
        """In an agent there is no client of the program's."""
        if placement.place == "agent" and self.dsn is None:
            raise ValueError(
                "in an agent it needs a dsn, since the program's own Sentry client is in the workers:"
                " set dsn, or where = 'worker'"
            )
        return ()

    def check_app(self, placement: Placement, fail_once: Callable[[object], None], /) -> Iterable[str]:
        """Whether each failure is reported once, beside whatever Sentry the program has made."""
        from jobreporter_sentry._proof import reports_of_one_failure  # which is made of the reporter itself

        return reports_of_one_failure(self, placement, fail_once)


#: The options of a client of its own, with their defaults: there is none without a dsn. They are marked with a star.
OWN: dict[str, Any] = {
    "environment": None,
    "release": None,
    "dist": None,
    "server_name": None,
    "sample_rate": 1.0,
    "max_value_length": None,
    "send_client_reports": True,
    "http_proxy": None,
    "https_proxy": None,
    "ca_certs": None,
    "cert_file": None,
    "key_file": None,
    "keep_alive": False,
}


def _below(least: int, options: Options, *names: str) -> Iterator[str]:
    for name in names:
        value = getattr(options, name)
        if value is not None and value < least:
            yield f"expected {name} to be at least {least}, found {value}"

"""The mode ``push``: to a Pushgateway, for processes that end before anybody scrapes them.

There ``job`` is the name of a group, which overrides a label of the same name. So each job's metrics are pushed as the
group of their job, and what belongs to no job as a group of its own.
"""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

from prometheus_client import Metric, generate_latest, pushadd_to_gateway
from prometheus_client.exposition import basic_auth_handler
from prometheus_client.registry import Collector

from jobreporter import BrokenReporter, one_line
from jobreporter_prometheus._options import PrometheusOptions
from jobreporter_prometheus._page import Page

#: Seconds before the second try; each further one waits twice as long.
FIRST_PAUSE = 0.1

#: The most characters of what a gateway answers that are told.
MOST_ANSWER = 300

Turn = Callable[[], AbstractContextManager[None]]


class Group(Collector):
    """The metrics of one group."""

    def __init__(self, found: list[Metric]) -> None:
        self._metrics = found

    def collect(self) -> Iterable[Metric]:
        """Those metrics that have numbers: an empty one would take the place of what an earlier process pushed."""
        return [metric for metric in self._metrics if metric.samples]


class Push:
    """Pushes what has changed. Metrics of the group that aren't among it stay: the last success outlasts a failure."""

    def __init__(self, options: PrometheusOptions, page: Page, turn: Turn) -> None:
        self._gateway = str(options.gateway)
        self._options = options
        self._page = page
        self._turn = turn
        self._pushed: dict[str, bytes] = {}
        self._resume_at = 0.0
        self._reach()

    def flush(self) -> None:
        """Push the groups that have changed. Raises OSError, or TimeoutError, if the gateway doesn't take them in time."""
        now = time.monotonic()
        if now < self._resume_at:
            raise TimeoutError(f"the Pushgateway asked to be left alone for another {self._resume_at - now:.0f} s")
        deadline = now + self._options.push_timeout
        with self._turn():
            for name, group in groups(self._page.collect(), self._options.group).items():
                content = generate_latest(group)
                if self._pushed.get(name) != content:
                    self._push(name, group, deadline)
                    self._pushed[name] = content

    def stop(self) -> None:
        """What was pushed stays there."""

    def _reach(self) -> None:
        """Ask the gateway whether it is there, so that a wrong address shows at the start and not with the first job."""
        try:
            with urllib.request.urlopen(f"{self._gateway.rstrip('/')}/-/ready", timeout=self._options.push_timeout):  # noqa: S310 - http or https, as the options make sure
                pass
        except urllib.error.HTTPError:
            pass  # it answered: not every gateway has this page
        except OSError as error:
            reason = getattr(error, "reason", error)
            raise BrokenReporter(f"the Pushgateway at {self._gateway} can't be reached: {reason}") from error

    def _push(self, name: str, group: Group, deadline: float) -> None:
        """Push one group, again and again until the deadline where it may help."""
        pause = FIRST_PAUSE
        while True:
            try:
                pushadd_to_gateway(
                    self._gateway,
                    name,
                    group,
                    grouping_key=dict(self._options.grouping),
                    timeout=max(0.05, deadline - time.monotonic()),
                    handler=self._send,
                )
            except OSError as error:
                pause = max(pause, asked_pause(error))
                self._resume_at = time.monotonic() + asked_pause(error)
                if not may_help(error) or time.monotonic() + pause > deadline:
                    raise
                time.sleep(pause)
                pause *= 2
            else:
                return

    def _send(
        self, url: str, method: str, timeout: float | None, headers: list[tuple[str, str]], data: bytes
    ) -> Callable[[], None]:
        """Send, as prometheus_client does, but with the words of a gateway that refuses."""
        username, password = self._options.username, self._options.password
        revealed = None if password is None else password.reveal()
        send = basic_auth_handler(url, method, timeout, headers, data, username, revealed)

        def sent() -> None:
            try:
                send()
            except urllib.error.HTTPError as error:
                answer = one_line(error.read(MOST_ANSWER).decode(errors="replace").strip(), MOST_ANSWER)
                error.msg = f"{error.msg}: {answer}" if answer else error.msg
                raise

        return sent


def may_help(error: OSError) -> bool:
    """Whether to try again: not where the gateway has understood and refused."""
    return not isinstance(error, urllib.error.HTTPError) or error.code == 429 or error.code >= 500


def asked_pause(error: OSError) -> float:
    """For how many seconds the gateway asks to be left alone; 0 if it doesn't."""
    asked = error.headers.get("Retry-After", "") if isinstance(error, urllib.error.HTTPError) else ""
    return float(asked) if asked.isdecimal() else 0.0


def groups(found: Iterable[Metric], rest: str) -> dict[str, Group]:
    """The metrics by group: those of each job by its name, the others under ``rest``."""
    split: dict[str, dict[str, Metric]] = {}
    for metric in found:
        for sample in metric.samples:
            name = sample.labels.get("job") or rest
            group = split.setdefault(name, {})
            if metric.name not in group:
                group[metric.name] = Metric(metric.name, metric.documentation, metric.type)
            group[metric.name].samples.append(sample)
    return {name: Group(list(by_name.values())) for name, by_name in split.items()}

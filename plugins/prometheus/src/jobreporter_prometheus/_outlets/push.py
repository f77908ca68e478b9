"""The mode ``push``: to a Pushgateway, for processes that end before anybody scrapes them.

There the labels of a group take the place of those of its metrics, and a push replaces metrics of the same name in its
group. So each job, as it is told apart everywhere, is a group of its own, and so is each host: what one of them pushes takes
nothing away from another.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable
from functools import partial
from hashlib import blake2b
from typing import Any, NamedTuple

from prometheus_client import Metric, pushadd_to_gateway
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from jobreporter_prometheus._clock import SYSTEM, Clock
from jobreporter_prometheus._figures.families import EXPECTED, FINISHED, JOB, STARTED
from jobreporter_prometheus._figures.figures import Read
from jobreporter_prometheus._figures.page import Page
from jobreporter_prometheus._options import PrometheusOptions
from jobreporter_prometheus._outlets.gateway import Gateway, Trouble

#: Seconds after which a group is pushed again though nothing has changed: a gateway may have lost what it had.
STALE = 300.0

#: The labels of a group, by name, in their order.
Labels = tuple[tuple[str, str], ...]


class Group(Collector):
    """The metrics of one group."""

    def __init__(self, found: Iterable[Metric]) -> None:
        self._metrics = list(found)

    def collect(self) -> Iterable[Metric]:
        """Those metrics that have numbers: an empty one would take the place of what an earlier process pushed."""
        return [metric for metric in self._metrics if metric.samples]


class Pushed(NamedTuple):
    """What a group last was at the gateway. at: when, on the monotonic clock."""

    digest: bytes
    at: float


class Push:
    """Pushes what has changed. Metrics of the group that aren't among it stay: the last success outlasts a failure."""

    def __init__(self, options: PrometheusOptions, read: Read, host: str, clock: Clock = SYSTEM) -> None:
        self._gateway = Gateway(str(options.gateway), options.username, options.password, clock)
        self._timeout = options.push_timeout
        self._rest = options.group
        self._grouping = {"instance": host, **options.grouping}
        self._page = Page(read, clock)
        self._clock = clock
        self._pushed: dict[Labels, Pushed] = {}
        self._tried: dict[Labels, float] = {}
        self._resume_at = 0.0

    def reach(self) -> None:
        """See whether the gateway is there, so that a wrong address shows at the start. Raises Trouble if it isn't."""
        self._gateway.reach(self._timeout)

    def flush(self) -> None:
        """Push the groups that have changed. Raises Trouble if the gateway doesn't take them all in time.

        A group that is refused holds up no other. Where the gateway itself is in trouble the others are not tried now, and
        come first the next time.
        """
        now = self._clock.monotonic()
        if now < self._resume_at:
            after = self._resume_at - now
            raise Trouble(f"{self._gateway.url} asked to be left alone for another {after:.0f} s", after=after)
        deadline = now + self._timeout
        troubles: list[Trouble] = []
        found = groups(self._page.collect(), self._rest)
        for labels in sorted(found, key=lambda each: self._tried.get(each, 0.0)):
            try:
                self._push(labels, found[labels], deadline)
            except Trouble as trouble:
                troubles.append(trouble)
                if not trouble.refused:
                    break
        if troubles:
            self._fail(troubles)

    def tick(self) -> None:
        """Push what runs, which has grown older, and what the gateway may have lost."""
        self.flush()

    def stop(self) -> None:
        """What was pushed stays there."""

    def _push(self, labels: Labels, group: Group, deadline: float) -> None:
        grouping = {**dict(labels), **self._grouping}
        job = grouping.pop("job")
        send = partial(self._send, labels, deadline)
        pushadd_to_gateway(self._gateway.url, job, group, grouping_key=grouping, handler=send)

    def _send(
        self, labels: Labels, deadline: float, *, url: str, headers: list[tuple[str, str]], data: bytes, **_: Any
    ) -> Callable[[], None]:
        """What sends a group, as prometheus_client asks for it."""

        def sent() -> None:
            now = self._clock.monotonic()
            digest = blake2b(data, digest_size=16).digest()
            before = self._pushed.get(labels)
            if before is not None and before.digest == digest and now - before.at < STALE:
                return
            if now >= deadline:
                raise Trouble(f"not all groups could be pushed within push_timeout ({self._timeout:g} s)")
            self._tried[labels] = now
            self._gateway.post(stepless(url), headers, data, deadline - now)
            self._pushed[labels] = Pushed(digest, now)

        return sent

    def _fail(self, troubles: list[Trouble]) -> None:
        first, after = troubles[0], max(trouble.after for trouble in troubles)
        self._resume_at = self._clock.monotonic() + after
        more = f" (and so for {len(troubles) - 1} more groups)" if len(troubles) > 1 else ""
        raise Trouble(f"{first}{more}", code=first.code, after=after)


def stepless(url: str) -> str:
    """The address of a group whose labels may be ``.`` or ``..``, which servers take for steps in the path."""
    parts = url.split("/")
    for index, part in enumerate(parts):
        if part in {".", ".."}:
            parts[index - 1] += "@base64"
            parts[index] = urlsafe_b64encode(part.encode()).decode()
    return "/".join(parts)


def groups(found: Iterable[Metric], rest: str) -> dict[Labels, Group]:
    """The metrics by group: those of each job by its labels, the others under the job ``rest``.

    Of a job that has not run only what the config says of it is pushed: that nothing was counted here says nothing of
    other processes, which may have pushed what they counted.
    """
    metrics = list(found)
    ran = {
        labels_of(sample, rest)
        for metric in metrics
        if metric.name in {STARTED.name, FINISHED.name}
        for sample in metric.samples
        if sample.value
    }
    split: dict[Labels, dict[str, Metric]] = {}
    for metric in metrics:
        for sample in metric.samples:
            labels = labels_of(sample, rest)
            if "source" in sample.labels and labels not in ran and metric.name != EXPECTED.name:
                continue
            by_name = split.setdefault(labels, {})
            if metric.name not in by_name:
                by_name[metric.name] = Metric(metric.name, metric.documentation, metric.type)
            by_name[metric.name].samples.append(sample)
    return {labels: Group(by_name.values()) for labels, by_name in split.items()}


def labels_of(sample: Sample, rest: str) -> Labels:
    """The labels of a sample's group. What belongs to no job, or to one without a name, is of the job ``rest``."""
    told = {name: sample.labels[name] for name in JOB if sample.labels.get(name)}
    return tuple({**told, "job": told.get("job", rest)}.items())

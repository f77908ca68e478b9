"""What may be configured, and what is said of a config that is wrong."""

from __future__ import annotations

import re
from importlib.metadata import entry_points, requires
from pathlib import Path
from typing import Any

import msgspec
import pytest

import jobreporter_prometheus
from jobreporter import BrokenReporter, ConfigError, Dispatcher, Placement, Secret, hookimpl
from jobreporter_prometheus import KnownJob, PrometheusOptions, PrometheusReporter
from jobreporter_prometheus._figures.families import FAMILIES, JOB

from .helping import make_context

README = (Path(__file__).parents[3] / "plugins/prometheus/README.md").read_text()

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no directory": ({"mode": "multiprocess"}, "mode is 'multiprocess', which needs directory"),
    "no gateway": ({"mode": "push"}, "mode is 'push', which needs gateway"),
    "no path": ({"mode": "textfile"}, "mode is 'textfile', which needs path"),
    "a directory": ({"directory": "x"}, "mode is 'http', which has no use for directory: did you mean 'multiprocess'?"),
    "a text": ({"mode": "textfile", "path": "a.txt"}, "the node exporter reads only names that end in '.prom'"),
    "a scheme": ({"mode": "push", "gateway": "gateway:9091"}, "gateway must be a URL such as"),
    "userinfo": ({"mode": "push", "gateway": "http://me:c4nary@gateway"}, "give them as username and password"),
    "half a login": ({"username": "me"}, "username and password are needed both or not at all"),
    "a job": ({"grouping": {"job": "x"}}, "grouping has a label 'job', which the metrics have themselves"),
    "a label": ({"grouping": {"a-b": "x"}}, "grouping has a label 'a-b', but labels are made of letters"),
    "a port": ({"port": 65_536}, "port is 65536, but ports are numbers from 0 to 65535"),
    "no sets": ({"max_label_sets": 0}, "max_label_sets is 0, but must be more than 0"),
    "no time": ({"push_timeout": 0.0}, "push_timeout is 0.0, but must be more than 0"),
    "no limit": ({"running_limit": 0}, "running_limit is 0.0, but must be more than 0"),
    "no buckets": ({"duration_buckets": []}, "duration_buckets must be numbers of seconds above 0 that rise"),
    "falling": ({"queue_wait_buckets": [2.0, 1.0]}, "queue_wait_buckets must be numbers of seconds above 0 that rise"),
    "infinite": ({"duration_buckets": [1.0, float("inf")]}, "duration_buckets"),
    "no interval": (
        {"known": [{"job": "x", "source": "command", "every": 0.0}]},
        "every is 0, but must be more than 0",
    ),
}


@pytest.mark.parametrize(("table", "sentence"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_in_a_sentence(table: dict[str, Any], sentence: str) -> None:
    """A config that can't be meant is refused before anything starts, and no secret is quoted."""
    with pytest.raises(ConfigError) as refused:
        Dispatcher(reporters={"prometheus": PrometheusReporter}, config={"reporters": {"prometheus": table}})
    assert sentence in str(refused.value)
    assert "c4nary" not in str(refused.value)


AGENT = Placement(place="agent")


def test_agents_can_not_share_it() -> None:
    """Each would serve figures of a part of the events."""
    with pytest.raises(ValueError, match=r"lane\.agents is 'share', but figures"):
        list(PrometheusOptions().check_placement(Placement(place="agent", agents="share")))
    assert list(PrometheusOptions().check_placement(Placement(agents="share"))) == []  # a worker counts its own


@pytest.mark.parametrize(
    ("options", "keeps"),
    [
        (PrometheusOptions(), "mode = 'multiprocess' with a directory keeps them"),
        (PrometheusOptions(mode="push", gateway="http://gateway:9091"), ": a directory keeps them"),
        (PrometheusOptions(mode="push", gateway="http://gateway:9091", directory="d"), None),
        (PrometheusOptions(mode="multiprocess", directory="d"), None),
        (PrometheusOptions(mode="textfile", path="d/a.prom"), None),
    ],
    ids=["http", "push", "push with a directory", "multiprocess", "textfile"],
)
def test_what_an_agent_counts_should_outlive_it(options: PrometheusOptions, keeps: str | None) -> None:
    """Events that were counted are not handed out again."""
    remarks = list(options.check_placement(AGENT))
    assert [keeps is not None and remark.endswith(keeps) for remark in remarks] == [True] * (keeps is not None)
    assert list(options.check_placement(Placement())) == []


def test_all_that_is_wrong_is_said_in_one_go() -> None:
    """Whoever has mended the first thing isn't told of the next one then."""
    table = {
        "mode": "push",
        "port": 65_536,
        "max_label_sets": 0,
        "grouping": {"job": "x", "a-b": "x"},
        "username": "me",
    }
    with pytest.raises(ConfigError) as refused:
        Dispatcher(reporters={"prometheus": PrometheusReporter}, config={"reporters": {"prometheus": table}})
    assert [fault.problem.partition(",")[0] for fault in refused.value.faults] == [
        "port is 65536",
        "max_label_sets is 0",
        "grouping has a label 'job'",
        "grouping has a label 'a-b'",
        "username and password are needed both or not at all",
        "mode is 'push'",
    ]


@pytest.mark.parametrize("url", ["http://[::1", "http://h:99999999", "http://", "//h", ""])
def test_what_is_no_address_of_a_gateway_is_told(url: str) -> None:
    """In whatever way it isn't one."""
    with pytest.raises(ConfigError):
        Dispatcher(
            reporters={"prometheus": PrometheusReporter},
            config={"reporters": {"prometheus": {"mode": "push", "gateway": url}}},
        )


@pytest.mark.parametrize("label", sorted({label for family in FAMILIES.values() for label in family.labels} | {"le"}))
def test_a_group_takes_no_label_from_a_metric(label: str) -> None:
    """A label that some metric has can't be one of a pushed group: the group's value would take the place of its own."""
    with pytest.raises(ValueError, match=f"grouping has a label '{label}', which the metrics have themselves"):
        PrometheusOptions(grouping={label: "x"})


def test_the_oldest_client_tells_names_apart() -> None:
    """Before 0.25, prometheus_client pushed jobs whose names differ by a blank and a plus as one."""
    [bound] = [each for each in requires("jobreporter-prometheus") or () if each.startswith("prometheus-client")]
    assert bound == "prometheus-client>=0.25"


def test_times_may_be_written_with_their_units() -> None:
    """Also in the tables of known jobs, and in lists of buckets."""
    table = {
        "mode": "textfile",
        "path": "jobs.prom",
        "push_timeout": "500ms",
        "running_limit": "2d",
        "duration_buckets": ["10ms", 1, "1h 30m"],
        "known": [{"job": "nightly", "source": "command", "every": "24h"}],
    }
    found: list[PrometheusOptions] = []

    class Reporter(PrometheusReporter):
        @hookimpl
        def reporter_start(self, options: PrometheusOptions) -> None:
            found.append(options)
            raise BrokenReporter("seen")

        @hookimpl
        def reporter_stop(self) -> None:
            pass

    with Dispatcher({"prometheus": Reporter}, config={"reporters": {"prometheus": table}}) as dispatcher:
        dispatcher.start()
        dispatcher.flush(10.0)
    options = found[0]
    assert (options.push_timeout, options.running_limit, options.duration_buckets) == (
        0.5,
        172_800.0,
        (0.01, 1.0, 5_400.0),
    )
    assert options.known[0].every == 86_400.0


def test_every_option_is_in_the_readme() -> None:
    """The README's table has each option, in the order of the class, with its default."""
    rows = dict(re.findall(r"^\| `([\w.]+)` \| (.+?) \|", README.partition("## Options")[2], re.MULTILINE))
    fields = [("", field) for field in msgspec.structs.fields(PrometheusOptions)]
    fields += [("known.", field) for field in msgspec.structs.fields(KnownJob)]
    assert list(rows) == [f"{table}{field.encode_name}" for table, field in fields]
    for table, field in fields:
        assert rows[f"{table}{field.encode_name}"] == shown(field), field.encode_name


def test_every_metric_is_in_the_readme() -> None:
    """The README's table has each metric of a job with the labels that it has; the ledger's are named below it."""
    table, _, ledger = README.partition("The dispatcher's own ledger")
    for family in FAMILIES.values():
        name = f"{family.name}_total" if family.kind == "counter" else family.name
        if family.labels[:1] == ("reporter",):
            assert name in ledger or name.removeprefix("jobreporter_reporter_events") in ledger, name
            continue
        own = JOB if set(JOB) <= set(family.labels) else ()
        more = [label for label in family.labels if label not in own] + ["le"] * (family.kind == "histogram")
        [row] = re.findall(rf"^\| `{name}` \| (.*?)\|", table, re.MULTILINE)
        assert re.findall(r"`(\w+)`", row) == more, name


def shown(field: msgspec.structs.FieldInfo) -> str:
    """A default as the README writes it."""
    if field.required:
        return "needed"
    default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    if default in (None, (), {}):
        return "none"
    if isinstance(default, tuple):
        return "5 ms to 1 h"
    return f"`{msgspec.json.encode(default).decode()}`"


def test_a_password_is_never_shown() -> None:
    """Options can be logged without giving anything away."""
    options = PrometheusOptions(mode="push", gateway="http://g", username="me", password=Secret("c4nary"))
    assert "c4nary" not in repr(options)


def test_what_the_package_offers() -> None:
    """The package has three public names, and the reporter is found under its own."""
    assert jobreporter_prometheus.__all__ == ["KnownJob", "PrometheusOptions", "PrometheusReporter"]
    [entry] = announced()
    assert entry.load() is PrometheusReporter


def announced() -> list[Any]:
    """The entry points of this plugin."""
    return list(entry_points(group="jobreporter.reporters", name="prometheus"))


def test_a_place_that_can_not_be_written_breaks_the_reporter(tmp_path: Path) -> None:
    """Where the config is right but the place can't be had now, the reporter is broken with the reason."""
    (tmp_path / "file").touch()
    for options in (
        PrometheusOptions(mode="textfile", path=str(tmp_path / "nowhere/jobs.prom")),
        PrometheusOptions(mode="multiprocess", directory=str(tmp_path / "file")),
    ):
        with pytest.raises(BrokenReporter, match=f"mode '{options.mode}' can't be had now: .*{tmp_path}"):
            PrometheusReporter().reporter_start(options, make_context())

"""Row 19: a hundred thousand distinct values of labels: names of jobs, types of errors, reasons of aborts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from jobreporter_prometheus import PrometheusOptions
from tests.plugins.prometheus.helping import number, numbers

ROOT = Path(__file__).parents[2]

#: Publishes pairs of events that have three made-up values in their labels, and prints what that led to, as JSON.
PROGRAM = """
import gc, json
from jobreporter import Dispatcher
from jobreporter.testing import make_error, make_event, make_job
from jobreporter_prometheus import PrometheusReporter
from tests.plugins.prometheus.helping import page_of

def publish(numbers):
    for number in numbers:
        job = make_job(id=str(number), name=f"job-{number}")
        dispatcher.publish(make_event("failure", job=job, error=make_error(f"made.up.Error{number}")))
        dispatcher.publish(make_event("aborted", reason=f"reason-{number}"))
        if number % 1_000 == 999:
            assert dispatcher.flush(60)  # before there is no more room for what waits
    assert dispatcher.flush(60)

def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

reporter = PrometheusReporter()
with Dispatcher({"prometheus": reporter}, config={"reporters": {"prometheus": {"port": 0}}}) as dispatcher:
    publish(range(2_000))
    full = page_of(reporter)
    before = resident()
    publish(range(2_000, 2_000 + 33_334))
    page = page_of(reporter)
    grown = resident() - before
    stats = dispatcher.stats()["prometheus"]
print(json.dumps({"published": stats.accepted, "handled": stats.handled, "full": full, "page": page, "grown": grown}))
"""


#: How many pairs it publishes: those that fill up the reporter's room, and those that bring 100,002 values more.
ALL = 2_000 + 33_334
#: How many values of a label the reporter keeps, unless it is told otherwise.
KEPT = PrometheusOptions().max_label_sets


class Shown(NamedTuple):
    """What the program found.

    full: the page when the reporter had all the values that it keeps. page: the page after a hundred thousand more.
    grown: by how many bytes the process grew meanwhile.
    """

    published: int
    handled: int
    full: str
    page: str
    grown: int


@pytest.fixture(scope="module")
def shown() -> Shown:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return Shown(**json.loads(done.stdout))


def test_every_execution_is_counted(shown: Shown) -> None:
    """No event is lost on the way, and the sums over all labels are those of all that was published."""
    assert shown.handled == shown.published == 2 * ALL
    assert number(shown.page, "jobreporter_jobs_finished_total", outcome="failure") == ALL
    assert number(shown.page, "jobreporter_job_failures_total") == ALL
    assert number(shown.page, "jobreporter_job_aborts_total") == ALL


@pytest.mark.parametrize(
    ("label", "family"),
    [
        ("job", "jobreporter_jobs_finished_total"),
        ("error_type", "jobreporter_job_failures_total"),
        ("reason", "jobreporter_job_aborts_total"),
    ],
)
def test_values_beyond_the_cap_are_others(shown: Shown, label: str, family: str) -> None:
    """As many values as the cap allows have numbers of their own; the rest is ``other``, and counted as an overflow."""
    values = {dict(labels)[label] for name, labels in numbers(shown.page) if name == family}
    others = number(shown.page, family, **{label: "other"})
    # The reports that are aborted are one more job.
    assert len(values - {"other"}) == KEPT
    assert others == number(shown.page, "jobreporter_label_overflow_total", label=label)
    assert others == ALL - KEPT + (label == "job")


def test_the_page_and_the_process_stay_small(shown: Shown) -> None:
    """A hundred thousand values more add digits to the page, and no line; and to the process less than 10 MiB."""
    assert len(shown.page.splitlines()) == len(shown.full.splitlines())
    assert len(shown.page) < 2 * 1024 * 1024
    assert shown.grown < 10 * 1024 * 1024

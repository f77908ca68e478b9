"""The example application, and the demo that shows it: what the README promises to people who run it."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from tests.missing import lacking

NO_REDIS = "this demo starts a redis-server, and there is none (Debian: apt install redis-server)"
EXAMPLES = Path(__file__).parents[2] / "examples"

#: How each job must end, attempt by attempt, as the lines of the reporter `log` begin.
PROMISED = (
    "success intake.jobs.register #1",
    "success intake.jobs.index_words #1",
    "aborted intake.jobs.register #1/1 skipped",
    "failure intake.jobs.close_month #1/4 retry in 1s",
    "success intake.jobs.total_invoices #1",
    "failure intake.jobs.total_invoices #1/1 final",
    "aborted intake.jobs.remind #1/1 expired",
    "success intake.jobs.archive_log #1",
    "success intake.jobs.close_month #2",
)
#: What each job queue can't tell.
UNTOLD = {"huey": (), "celery": (), "rq": ("aborted intake.jobs.remind #1/1 expired",)}
#: The demo has all of these plugins, or does without.
PLUGINS = ("sentry", "honeybadger", "prometheus", "history")
WITH_PLUGINS = all(importlib.util.find_spec(f"jobreporter_{name}") for name in PLUGINS)
COLUMNS = ("accepted", "handled", "failed", "filtered", "dropped", "pending")

EVERY_QUEUE = pytest.mark.parametrize("queue", list(UNTOLD))


@pytest.fixture(scope="module")
def show() -> Callable[..., str]:
    """Runs the demo with a job queue, once for all tests, and returns what people see."""

    @cache
    def run(queue: str, *more: str) -> str:
        if queue != "huey" and shutil.which("redis-server") is None:
            lacking(NO_REDIS)
        done = subprocess.run(
            [sys.executable, EXAMPLES / "demo.py", *(["--queue", queue] if queue != "huey" else []), *more],
            capture_output=True,
            text=True,
            timeout=170 if more else 60,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stderr == ""
        return done.stdout

    return run


@pytest.fixture(scope="module")
def shown(show: Callable[..., str]) -> str:
    """What people see who name no job queue."""
    return show("huey")


def ledger_in(shown: str) -> dict[str, dict[str, int]]:
    """The table of the ledger, by reporter."""
    rows = re.findall(r"^  (\w+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)$", shown, re.MULTILINE)
    return {name: dict(zip(COLUMNS, map(int, numbers), strict=True)) for name, *numbers in rows}


@pytest.fixture(scope="module")
def ledger(shown: str) -> dict[str, dict[str, int]]:
    return ledger_in(shown)


@EVERY_QUEUE
def test_every_promised_outcome_shows(show: Callable[..., str], queue: str) -> None:
    """Some succeed, one is retried and then succeeds, one fails for good, one expires, one is skipped: everywhere alike."""
    promised = {line: 1 for line in PROMISED if line not in UNTOLD[queue]}
    outcomes = re.findall(r"^  ((?:success|aborted|failure) .*)", show(queue), re.MULTILINE)

    assert {line: sum(outcome.startswith(line) for outcome in outcomes) for line in promised} == promised
    assert len(outcomes) == len(promised)


@EVERY_QUEUE
def test_every_event_is_accounted_for(show: Callable[..., str], queue: str) -> None:
    """In however many processes the reporters ran, each accepted every event that showed, and nothing was lost."""
    events = len(re.findall(r"^  (started|success|aborted|failure|stopped) ", show(queue), re.MULTILINE))
    ledger = ledger_in(show(queue))

    assert sorted(ledger) == sorted(["log", "desk", "ledger", *(PLUGINS if WITH_PLUGINS else ())])
    for row in ledger.values():
        assert row["accepted"] == events == sum(row[column] for column in COLUMNS[1:])
        assert row["failed"] == row["dropped"] == 0


def test_the_retry_comes_after_the_failure(shown: str) -> None:
    """Events show in the order in which they happened."""
    assert shown.index("failure intake.jobs.close_month") < shown.index("success intake.jobs.close_month")


def test_the_failure_shows_its_error(shown: str) -> None:
    """The line of the failure names the file and line that are wrong."""
    assert "april.csv, line 3: '7B.00' is not an amount" in shown


def test_each_reporter_did_its_part(ledger: dict[str, dict[str, int]]) -> None:
    """`log` took all, `desk` the one final failure, `ledger` a stop for each of nine executions; nothing was lost."""
    assert ledger["log"]["handled"] == ledger["log"]["accepted"]
    assert ledger["desk"]["handled"] == 1
    assert ledger["ledger"]["handled"] == 9
    assert {row[column] for row in ledger.values() for column in ("failed", "dropped", "pending")} == {0}


if WITH_PLUGINS:

    @EVERY_QUEUE
    def test_the_plugins_reach_their_stand_ins(show: Callable[..., str], queue: str) -> None:
        """Sentry gets both failures, Honeybadger the final one, and the ledger counts just these."""
        shown = show(queue)
        retried, final = "march.csv has no totals yet", "april.csv, line 3: '7B.00' is not an amount"

        assert f"  Sentry got 2: TotalsMissingError: {retried}; InvoiceError: {final}\n" in shown
        assert f"  Honeybadger got 1: intake.invoices.InvoiceError: {final}\n" in shown
        assert [ledger_in(shown)[name]["handled"] for name in ("sentry", "honeybadger")] == [2, 1]

    @EVERY_QUEUE
    def test_it_ends_with_the_incident_that_it_made(show: Callable[..., str], queue: str) -> None:
        """The final failure is the one incident that is open, and the last line is the command that shows it, which works."""
        shown = show(queue)
        heading, row = re.findall(r"^  ((?:ID +STATE|\d+ +open) .*)$", shown, re.MULTILINE)
        assert heading.split()[:4] == ["ID", "STATE", "WHAT", "JOB"]
        assert row.split()[2:5] == ["InvoiceError", "intake.jobs.total_invoices", "1"]
        command = shown.splitlines()[-1].split()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "'7B.00' is not an amount" in done.stdout
        shutil.rmtree(Path(command[-1].removeprefix("sqlite://")).parent)

    def test_the_metrics_page_agrees_with_the_ledger(shown: str, ledger: dict[str, dict[str, int]]) -> None:
        """For every reporter the page has the figure of the ledger, and each execution that stopped has an outcome."""
        rows = dict(re.findall(r"^  (handled|on the page|in the ledger) {2,}(.+)$", shown, re.MULTILINE))
        handled = [row["handled"] for row in ledger.values()]

        assert rows["handled"].split() == list(ledger)
        assert [int(number) for number in rows["on the page"].split()] == handled
        assert [int(number) for number in rows["in the ledger"].split()] == handled
        assert "finished, on the page: 5 success, 2 aborted, 2 failure; stops, in the ledger: 9\n" in shown

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_the_page_of_every_queue_stays_until_it_is_interrupted(number: signal.Signals, tmp_path: Path) -> None:
        """It has the executions of all three; Ctrl-C ends the page and takes the history away."""
        if shutil.which("redis-server") is None:
            lacking(NO_REDIS)
        command = [sys.executable, EXAMPLES / "demo.py", "--web"]
        environment = os.environ | {"TMPDIR": str(tmp_path)}
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        ) as demo:
            assert demo.stdout is not None
            said = ""
            for line in demo.stdout:
                said += line
                if line.startswith("Ctrl-C"):
                    break
            address = re.findall(r"http://127\.0\.0\.1:\d+/", said)
            assert len(address) == 1, said
            with urllib.request.urlopen(f"{address[0]}executions", timeout=60) as answer:
                page = answer.read().decode()
            demo.send_signal(number)
            assert demo.wait(60) == 0, demo.stdout.read()
        assert re.findall(r"(Huey|Celery|RQ): (\d+) executions", said) == [("Huey", "9"), ("Celery", "9"), ("RQ", "8")]
        assert "26 executions" in page
        assert all(f'<span class="source">{name}</span>' in page for name in UNTOLD)
        with pytest.raises(OSError, match="refused"):
            urllib.request.urlopen(address[0], timeout=60)
        assert list(tmp_path.glob("jobreporter-demo-*")) == []

else:

    def test_without_the_plugins_it_says_so(shown: str) -> None:
        """Where they are not installed the demo names what it leaves out, and shows nothing of it."""
        assert shown.startswith("The plugins are left out: ")
        assert "metrics page" not in shown


@pytest.mark.parametrize("queue", ["huey", "celery"])
def test_with_a_stream_an_agent_and_a_worker_are_killed_and_nothing_is_missing(
    show: Callable[..., str], queue: str
) -> None:
    """All that the worker said arrives, and beyond it how the job ended that the worker was killed in."""
    shown = show(queue, "--stream")

    assert shown.index("! The agent is killed.") < shown.index("! The worker is killed in the middle of that job.")
    ((said, arrived),) = re.findall(r"The worker said (\d+) events, and of these (\d+) arrived; 0 are missing\.", shown)
    assert said == arrived == "27"
    told = "told for the worker that was killed: failure intake.jobs.proofread, stopped intake.jobs.proofread\n"
    assert told in shown
    rows = {name: row for name, *row in re.findall(r"^  (arrived|desk)" + r" +(\d+)" * 6 + "$", shown, re.MULTILINE)}
    assert rows == {"arrived": ["29", "29", "0", "0", "0", "0"], "desk": ["29", "2", "27", "0", "0", "0"]}
    for note in ("april.csv, line 3: '7B.00' is not an amount", "gave no sign of life any more"):
        assert note in shown


def test_with_a_stream_it_takes_a_queue_whose_jobs_die_with_their_worker() -> None:
    """A job of RQ's lives on when its worker is killed, so there is nothing to show."""
    command = [sys.executable, EXAMPLES / "demo.py", "--stream", "--queue", "rq"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "rq's jobs live on: take another --queue" in done.stderr


def test_what_to_try_next_works(shown: str) -> None:
    """The commands can be copied as they stand: the reporters run, and the desk is told of the failure."""
    commands = shown.split("What to try next:\n")[1].split("\n\n", maxsplit=1)[0]
    done = subprocess.run(["sh", "-c", commands], capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    assert re.search(r"^desk +enabled", done.stdout, re.MULTILINE)
    assert "ok: all 3 reporters of " in done.stdout
    assert "ls needs somebody: " in done.stdout


def test_it_fits_on_a_screen(shown: str) -> None:
    """People read it without scrolling back; without a terminal it has no colours. The plugins have 17 lines more."""
    assert len(shown.splitlines()) <= (62 if WITH_PLUGINS else 45)
    assert "\033" not in shown


def test_it_leaves_nothing_behind(shown: str) -> None:
    """It works in a temporary folder, not in the one that it is kept in."""
    assert not list(EXAMPLES.rglob("*.db"))
    assert not list(EXAMPLES.rglob("*.log"))

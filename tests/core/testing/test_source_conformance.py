"""The suite for sources: it finds what a source does wrong, with real workers."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from jobreporter import Abort
from jobreporter.sourcekit import harmless
from jobreporter.testing import (
    SourceConformance,
    WorkerBench,
    _waiting,
    make_event,
    make_job,
    outcomes_table,
    perform_case,
    perform_case_async,
    reasons_table,
)
from jobreporter.testing._source._bench import executions
from jobreporter.testing._source._meanings import (
    CASES,
    CUT_OFF,
    DISTURBED,
    FAILED_AT_FIRST,
    SUCCEEDED,
    UNDISTURBED,
    dropped,
    ran,
)
from jobreporter.testing._source._table import in_words

#: What the file with names knows.
KNOWN = ("success", "exception", "skipped", "retried", "exhausted", "inherited")


class Bench(WorkerBench):
    """A worker of `faulty_app`."""

    def command(self, *, workers: int, max_jobs: int | None) -> Sequence[str]:
        return [sys.executable, "-m", self.app]


class Suite(SourceConformance):
    """Its source, with a fault or without."""

    queue = "File"
    not_observable = dict.fromkeys(CASES.keys() - {*KNOWN, "warm_shutdown"}, "a file knows nothing of it")
    folder: Path
    fault = ""

    def open(self, config: str) -> WorkerBench:
        self.folder.mkdir()
        environment = {"PYTHONPATH": str(Path(__file__).parent), "FAULT": self.fault}
        return Bench(self.folder, "faulty_app", config, environment=environment)


def cases(suite: type[SourceConformance]) -> list[str]:
    return [name for name in dir(suite) if name.startswith("test_") and callable(getattr(suite, name))]


def complaint(case: str, fault: str, folder: Path) -> str | None:
    """What the suite says of a source with a fault; ``None`` if it passes the case."""

    class Faulty(Suite):
        pass

    Faulty.fault = fault
    suite = Faulty()
    suite.folder = folder
    suite.setup_method()
    try:
        getattr(suite, case)()
    except AssertionError as error:
        return str(error)
    finally:
        suite.teardown_method()
    return None


@pytest.mark.parametrize(
    ("fault", "case", "words"),
    [
        ("takes aborts for failures", "test_skipped", "even with retries left.\nreported: [('started', 'failure"),
        ("takes failures for successes", "test_exception", "reported: [('started', 'success', 'stopped success')]"),
        ("swallows what the job raises", "test_exhausted", "'exhausted': [('started', 'success', 'stopped success')]"),
        ("never stops what failed", "test_exception", "'exception': [('started',)]"),
        ("tells it in both processes", "test_success", "reported: [('started', 'success', 'stopped success', 'stopped"),
        ("counts no attempts", "test_retried", "The attempts, by number.\nreported: (1, 1)"),
        ("counts retries for attempts", "test_no_attempt_is_beyond_the_last", "fails for good in attempt 2 of 3"),
        ("knows of no retries", "test_retried", "reported: [('started', 'failure exception final'"),
        ("gives no reason", "test_skipped", "reported: [('started', 'aborted unknown'"),
        ("forgets who enqueued it", "test_inherited", "of the job that enqueued it.\nreported: None"),
        ("tells local times", "test_its_times_are_unix_seconds", "'job.enqueued_at': "),
        ("tells milliseconds", "test_its_times_are_unix_seconds", "'job.enqueued_at': "),
        ("has no name", "test_its_jobs_say_where_they_come_from", "Job.source is 'python': begin(..., source=NAME)"),
        ("waits for its reporters", "test_a_reporter_that_hangs", "'exception': []"),
        ("ends by itself", "test_success", "the worker ended before, with 0"),
        ("enters no execution", "test_success", "reported: [('started', 'failure exception"),
        ("shows secrets", "test_the_job_finds_its_execution", "the secret argument of the job 'success' was reported"),
        ("gives all executions one id", "test_each_execution_has_an_id_of_its_own", "several jobs have one id"),
        ("starts anew for each job", "test_an_undisturbed_worker_ends_its_reporters", "once each."),
        ("ends without its reporters", "test_warm_shutdown", "The last that the reporter hears."),
        (
            "starts reporters wherever jobs are enqueued",
            "test_a_process_that_only_enqueues_starts_nothing",
            "reporters.recorder",
        ),
        ("works without a config", "test_a_config_that_cannot_be_used", "ended as if all were well"),
    ],
)
def test_it_finds_what_a_source_does_wrong(
    fault: str, case: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each fault fails the case that is about it, in words that say what was seen."""
    if fault == "waits for its reporters":
        monkeypatch.setattr(_waiting, "PATIENCE", 5.0)  # what it waits for never comes
    assert words in str(complaint(case, fault, tmp_path / "faulty"))


class TestSound(Suite):
    """Without a fault it passes all that is left."""

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "sound"


def test_a_worker_that_does_not_end_its_jobs_is_waited_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it has not told at the first look, it doesn't tell the tests that look after that."""
    runs: list[str] = []

    class Stuck(Suite):
        folder = tmp_path / "stuck"

        def open(self, config: str) -> WorkerBench:
            runs.append(config)
            raise AssertionError("never")

    suite = Stuck()
    suite.setup_method()
    for words in ("^never$", "the worker that is to go through all cases did not: never"):
        with pytest.raises(AssertionError, match=words):
            suite.undisturbed()
    assert len(runs) == 1


def test_what_is_not_observable_is_not_collected() -> None:
    """The cases are gone from the class and from those that derive from it, and the reasons stand there."""

    class Threads(Suite):
        not_observable = {"warm_shutdown": "threads are daemons"}  # noqa: RUF012 - as an author writes it

    assert set(cases(Suite)) == {
        *(name for name in cases(SourceConformance) if name.removeprefix("test_") not in Suite.not_observable)
    }
    assert set(cases(Suite)) - set(cases(Threads)) == {"test_warm_shutdown"}
    assert Threads.not_observable == {**Suite.not_observable, "warm_shutdown": "threads are daemons"}


@pytest.mark.parametrize("attribute", ["not_observable", "reported_instead"])
@pytest.mark.parametrize("name", ["sucess", "test_success", "a_config_that_cannot_be_used"])
def test_a_case_that_is_not_there_can_not_be_spoken_of(attribute: str, name: str) -> None:
    """A name that is written wrong, or that a later version has no more, is an error and not a silence."""
    with pytest.raises(TypeError, match=f"^Suite.{attribute}: there is no case '{name}'"):
        type("Suite", (SourceConformance,), {attribute: {name: "why"}})


def test_each_case_is_a_test_with_its_meaning() -> None:
    """Of two with one name, one would never be tried."""
    assert len(CASES) == len(UNDISTURBED) + len(DISTURBED)
    assert {f"test_{name}" for name in CASES} <= set(cases(SourceConformance))
    assert all(getattr(SourceConformance, name).__doc__ for name in cases(SourceConformance))


def test_executions_are_in_the_order_in_which_they_began() -> None:
    """The process that ran the second one may be the first to tell."""
    failed = make_event("failure", job=make_job(id="same", execution_id="same/1"), at=1.0)
    succeeded = make_event("success", job=make_job(id="same", execution_id="same/2"), at=2.0)
    assert executions([succeeded, failed]) == executions([failed, succeeded])
    assert len(executions([succeeded, failed])) == 2


def test_a_suite_and_a_bench_say_what_they_lack(tmp_path: Path) -> None:
    """Or are told to."""
    suite = SourceConformance()
    suite.setup_method()
    with pytest.raises(NotImplementedError, match="SourceConformance has to say how its bench is opened"):
        suite.bench()
    with pytest.raises(NotImplementedError, match="WorkerBench has to say how its worker is started"):
        WorkerBench(tmp_path, "app").start()


def test_a_job_of_the_queues_own_words_is_for_the_application() -> None:
    """It isn't passed over in silence."""
    with pytest.raises(LookupError, match="'locked' is for the application"):
        perform_case("locked")


def test_a_job_that_is_a_coroutine_lets_others_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does what every job does, stays until it may go on, and can be cancelled."""
    monkeypatch.chdir(tmp_path)

    def let_go() -> None:
        assert Path("hold-too.entered").exists()
        Path("hold.release").touch()

    async def jobs() -> None:
        with pytest.raises(Abort, match="skipped"):
            await perform_case_async("skipped")
        held, cancelled = (asyncio.create_task(perform_case_async(name)) for name in ("hold", "hold-too"))
        await asyncio.sleep(0)  # both have come to their first pause
        cancelled.cancel()
        let_go()
        await held
        with pytest.raises(asyncio.CancelledError):
            await cancelled

    asyncio.run(jobs())


def test_what_is_harmless_returns_what_it_has(caplog: pytest.LogCaptureFixture) -> None:
    """And nothing where it has failed, which is logged once."""

    class Source:
        @harmless
        def ratio(self, of: int) -> float:
            return 1 / of

    assert [Source().ratio(each) for each in (2, 0, 0)] == [0.5, None, None]
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_the_tables_tell_what_each_kind_reports() -> None:
    """And why something can't happen there: what holds for all kinds of a queue is said once."""

    class Thread(Suite):
        kind = "thread"
        reported_instead = {"skipped": (ran("failure exception final"),)}  # noqa: RUF012 - as an author writes it

    class Process(Suite):
        kind = "process"
        not_observable = {"warm_shutdown": "it is killed"}  # noqa: RUF012 - as an author writes it

    rows = dict(row.removeprefix("| ").split(" | ", 1) for row in outcomes_table(Thread, Process).splitlines())
    assert rows["what happens"] == "is reported as | File thread | File process |"
    assert rows[CASES["success"].says] == "success | ✓ | ✓ |"
    assert rows[CASES["skipped"].says] == "aborted `skipped` | failure | ✓ |"
    assert rows[CASES["locked"].says] == "aborted `locked` | n/a | n/a |"
    assert rows[CASES["warm_shutdown"].says] == "success | ✓ | n/a |"
    reasons = reasons_table(Thread, Process).splitlines()
    assert [line for line in reasons if "a file knows" in line] == [reasons[2]]
    assert reasons[2].startswith("| File | ")
    assert reasons[3] == f"| File process | {CASES['warm_shutdown'].says} | it is killed |"


@pytest.mark.parametrize(
    ("executions", "words"),
    [
        ([SUCCEEDED], "success"),
        ([FAILED_AT_FIRST, SUCCEEDED], "failure, will retry; then success"),
        ([ran("failure timeout final")], "failure `timeout`"),
        ([dropped("expired")], "aborted `expired`, no start"),
        ([CUT_OFF], "started, and no more"),
        ([], "nothing"),
    ],
)
def test_what_is_reported_in_words(executions: list[tuple[str, ...]], words: str) -> None:
    """The table is for people."""
    assert in_words(executions) == words

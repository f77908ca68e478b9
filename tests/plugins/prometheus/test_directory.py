"""Adding up what processes count in a directory."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from jobreporter_prometheus import KnownJob
from jobreporter_prometheus._directory.directory import Directory
from jobreporter_prometheus._directory.folder import Folder
from jobreporter_prometheus._directory.lock import Lock
from jobreporter_prometheus._figures.caps import OTHER_JOB
from jobreporter_prometheus._figures.families import DURATION, EXPECTED, FAILURES, FINISHED, PENDING, STARTED
from jobreporter_prometheus._figures.histogram import Example, Histogram

from .helping import ORIGIN
from .processes import JOB, Process, finished, names


def test_living_processes_add_up(tmp_path: Path) -> None:
    """What is read is the sum of all processes, each at its last write."""
    one, other = Process(tmp_path), Process(tmp_path)
    one.finish(duration=0.25)
    other.finish(duration=0.5)
    other.member.write()
    both = one.member.read()
    assert finished(both) == 2
    assert both.histograms[DURATION.name, *JOB].total == 0.75


def test_what_ended_processes_counted_stays(tmp_path: Path) -> None:
    """A process that left, and one that was killed after a write, count on, and their files are gone."""
    reader = Process(tmp_path)
    for end in (lambda process: process.member.leave(), lambda process: process.die()):
        process = Process(tmp_path)
        process.finish()
        process.member.write()
        end(process)
    for _ in range(2):
        assert finished(reader.member.read()) == 2
        assert len(names(tmp_path)) == 3  # the reader's two, and the total


def test_processes_that_come_tidy_up_after_those_that_went(tmp_path: Path) -> None:
    """Also where nobody ever reads, ended processes leave no files behind."""
    for _ in range(50):
        process = Process(tmp_path)
        process.finish()
        process.member.leave()
        assert len(names(tmp_path)) <= 3
    assert finished(process.directory.read()) == 50


def test_gauges_are_of_the_living(tmp_path: Path) -> None:
    """What an ended process ran, or had pending, is no longer there; the time of its last success is."""
    reader, other = Process(tmp_path), Process(tmp_path)
    other.start(id="one")
    other.finish("mail.send")
    other.figures.gauges[PENDING.name, "log"] = 5.0
    other.member.write()
    before = reader.member.read()
    other.die()
    after = reader.member.read()
    assert [sum(age.runs for age in each.running.ages(1_001.0).values()) for each in (before, after)] == [1, 0]
    assert [each.gauges.get((PENDING.name, "log"), 0.0) for each in (before, after)] == [5.0, 0.0]
    assert finished(after, "mail.send") == 1
    assert before.counters == after.counters
    assert max(after.gauges.values()) == 1_700_000_000.0


def test_what_is_expected_outlasts_the_processes(tmp_path: Path) -> None:
    """How often a job is meant to succeed is known while no process lives; a config that says otherwise takes its place."""

    def expected() -> dict[str, float]:
        return {key[5]: value for key, value in Directory(tmp_path).read().gauges.items() if key[0] == EXPECTED.name}

    for known in ({"nightly": 60.0, "weekly": 600.0}, {"nightly": 30.0}):
        process = Process(tmp_path)
        jobs = [KnownJob(job=job, source="command", every=every) for job, every in known.items()]
        process.tally.know(jobs, ORIGIN)
        process.member.write()
        assert expected() == known
        process.member.leave()
        assert expected() == known


def test_a_death_between_two_steps_counts_nothing_twice(tmp_path: Path) -> None:
    """A process that dies after it has written the total, and before it has removed what it added, does no harm."""
    reader, other = Process(tmp_path / "real"), Process(tmp_path / "real")
    other.finish()
    other.member.leave()
    shutil.copytree(tmp_path / "real", tmp_path / "kept")
    assert finished(reader.member.read()) == 1
    for path in (tmp_path / "kept").iterdir():
        if not (tmp_path / "real" / path.name).exists():
            shutil.copy(path, tmp_path / "real")
    assert finished(reader.member.read()) == 1
    assert len(names(tmp_path / "real")) == 3


def test_a_death_in_the_middle_of_a_write_leaves_the_last_one(tmp_path: Path) -> None:
    """Half a file is never read, and goes with the process."""
    reader, other = Process(tmp_path), Process(tmp_path)
    other.finish()
    other.member.write()
    other.file("new").write_text('{"half": ')
    other.die()
    assert finished(reader.member.read()) == 1
    assert not list(tmp_path.glob("*.new"))


def test_a_process_that_has_left_writes_nothing(tmp_path: Path) -> None:
    """A thread that hung and comes back after its reporter was replaced can't bring its figures back."""
    process = Process(tmp_path)
    process.finish()
    process.member.leave()
    reader = Process(tmp_path)
    process.finish()
    process.member.write()
    assert finished(reader.member.read()) == 1


def test_other_buckets_of_an_older_config_add_up(tmp_path: Path) -> None:
    """Where processes have other buckets, nothing is lost: a count goes into the smallest bucket that holds its own."""
    old = Process(tmp_path, duration_buckets=(0.5, 5.0))
    for duration in (0.4, 4.0, 40.0):
        old.finish(duration=duration)
    old.member.leave()
    new = Process(tmp_path, duration_buckets=(0.1, 1.0, 10.0))
    found = new.member.read().histograms[DURATION.name, *JOB]
    assert found.bounds == (0.1, 1.0, 10.0)
    assert found.counts == [0, 1, 1, 1]
    assert found.total == pytest.approx(44.4)


def test_the_newest_example_of_a_bucket_is_kept() -> None:
    """Of two processes' examples of one bucket, the later is shown, in whatever order they are added."""
    early, late = Histogram((1.0,)), Histogram((1.0,))
    early.observe(0.5, Example("early", 0.5, 1.0))
    late.observe(0.6, Example("late", 0.6, 2.0))
    for first, second in ((early, late), (late, early)):
        both = Histogram((1.0,))
        both.add(first)
        both.add(second)
        assert both.examples[0].job_id == "late"


def test_caps_hold_for_all_processes_together(tmp_path: Path) -> None:
    """However many processes come with names of their own, the total has no more names than the cap, for good."""
    reader = Process(tmp_path, max_label_sets=5)
    seen: dict[tuple[str, ...], float] = {}
    for turn in range(20):
        process = Process(tmp_path, max_label_sets=5)
        for job in (f"a-{turn}", f"b-{turn}"):
            process.start(job)
            process.fail(job, f"made.up.{job}")
        process.member.write()
        while_it_lives = reader.member.read().counters
        process.member.leave()
        after = reader.member.read().counters
        assert after == while_it_lives
        assert all(after[key] >= value for key, value in seen.items())
        seen = after
    started = {key for key in seen if key[0] == STARTED.name}
    assert len(started) == 5 + 1
    assert sum(seen[key] for key in started) == 40
    assert len({key for key in seen if key[0] == FAILURES.name}) <= 2 * (5 + 1)


def test_a_name_that_had_room_keeps_it(tmp_path: Path) -> None:
    """What was shown under its own name while its process lived stays there, whichever process ends first."""
    older, younger = Process(tmp_path, max_label_sets=1), Process(tmp_path, max_label_sets=1)
    older.finish("first")
    older.member.write()
    younger.finish("second")
    before = younger.member.read()
    younger.member.leave()
    after = older.member.read()
    older.member.leave()
    for figures in (before, after, older.directory.read()):
        assert finished(figures, "first") == 1
        assert figures.counters[FINISHED.name, *OTHER_JOB, "success"] == 1


HALF_A_HISTOGRAM = (
    '{"version": 1, "admitted": {}, "counters": [], "examples": [], "gauges": [], "histograms":'
    ' [[["jobreporter_job_duration_seconds", "a", "b", "c"], {"bounds": [1.0], "counts": [1], "total": 1.0}]]}'
)


@pytest.mark.parametrize(
    "content", ["", "[]", HALF_A_HISTOGRAM, '{"version": 2}', '{"version": 1, "admitted": 7}', "\x00\xff"]
)
def test_a_file_that_can_not_be_read_counts_as_nothing(
    content: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A file of another version, or that somebody has broken, is told of and takes nothing else with it."""
    reader, other = Process(tmp_path), Process(tmp_path)
    reader.finish()
    other.file().write_text(content, encoding="latin-1")
    (tmp_path / "total.json").write_text(content, encoding="latin-1")
    other.die()
    assert finished(reader.member.read()) == 1
    assert "can't be read and counts as nothing" in caplog.text


def test_metrics_of_a_newer_version_are_left_out(tmp_path: Path) -> None:
    """A newer version's file may have more in it."""
    reader, other = Process(tmp_path), Process(tmp_path)
    other.finish()
    path = other.file()
    other.member.write()
    plain = json.loads(path.read_text())
    plain["counters"].append([["jobreporter_new", "x"], 1.0])
    plain["gauges"].append([[PENDING.name, "x", "a-new-label"], 1.0])
    path.write_text(json.dumps(plain))
    assert finished(reader.member.read()) == 1


def test_nobody_waits_for_a_process_that_stands_still(tmp_path: Path) -> None:
    """Where a process is stopped while it adds up, others come, count, are read and go, and nothing counts twice."""
    process, ended = Process(tmp_path), Process(tmp_path)
    ended.finish()
    ended.member.leave()
    with process.directory.opened() as folder:
        held = folder.lock()
    assert held is not None
    newcomer = Process(tmp_path)
    newcomer.finish()
    assert finished(newcomer.member.read()) == 2
    newcomer.member.leave()
    assert finished(process.member.read()) == 2
    assert ended.file().exists()
    held.release()
    assert finished(process.member.read()) == 2
    assert names(tmp_path) == {process.file().name, process.file("live").name, "total.json"}


def test_the_directory_is_the_users_own(tmp_path: Path) -> None:
    """A directory that is made is nobody else's to read or to change."""
    Process(tmp_path / "made")
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o700


def locked(path: Path) -> Lock | None:
    """A lock on a file of the directory, if it can be had."""
    with Folder.opened(path) as folder:
        return folder.lock_file("lock")


def test_a_child_does_not_keep_its_parents_lock(tmp_path: Path) -> None:
    """A child that outlives its parent does not make it look alive; and its end does not make it look dead."""
    lock = locked(tmp_path)
    assert lock is not None
    asks, answers = os.pipe()
    is_there, says_so = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(answers)
        os.write(says_so, b".")
        os.read(asks, 1)
        os._exit(0)
    try:
        os.close(asks)
        assert os.read(is_there, 1)
        assert locked(tmp_path) is None
        lock.let_go()  # as the kernel does for a parent that dies: nothing is unlocked by name
        other = locked(tmp_path)
        assert other is not None
        other.release()
    finally:
        for descriptor in (answers, is_there, says_so):
            os.close(descriptor)
        os.waitpid(child, 0)


def test_a_lock_is_given_back_once(tmp_path: Path) -> None:
    """To release a lock again does nothing, also when its number belongs to another open file by then."""
    lock = locked(tmp_path)
    assert lock is not None
    lock.release()
    again = locked(tmp_path)
    lock.release()
    assert again is not None
    assert locked(tmp_path) is None
    again.release()


def test_nothing_is_written_where_nothing_has_changed(tmp_path: Path) -> None:
    """A process that has nothing to do leaves its file alone."""
    process = Process(tmp_path)
    path = process.file()
    before = path.stat().st_ino
    process.member.write()
    assert path.stat().st_ino == before
    process.finish()
    process.member.write()
    assert path.stat().st_ino != before

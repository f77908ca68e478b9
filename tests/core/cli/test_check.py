"""``jobreporter check``: the real script, which starts real reporters."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from jobreporter import Failure, hookimpl
from jobreporter._cli import _trial
from jobreporter._config.places import Place
from jobreporter._config.records import Config, ReporterConfig
from jobreporter._plugins.plugin import load
from jobreporter.testing import CommandLine, read_calls

RECORDER = """
[reporters.recorder]
use = "jobreporter.testing:FileRecorder"
path = "calls.jsonl"
"""


@pytest.fixture
def project(tmp_path: Path) -> CommandLine:
    """A project without reporters."""
    return CommandLine(tmp_path)


def lines(text: str) -> list[str]:
    """The lines, each with its blanks made one."""
    return [" ".join(line.split()) for line in text.splitlines()]


def report(project: CommandLine, *words: str, **environ: str) -> dict[str, Any]:
    """What `check --json` says."""
    done = project.run("check", "--json", *words, **environ)
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if found["ok"] else 1)
    return found


def test_a_config_that_works_exits_with_0(project: CommandLine) -> None:
    """The reporter is started, flushed and stopped for real, and nothing is sent. The summary comes first."""
    path = project.config(RECORDER)
    done = project.run("check")

    assert (done.returncode, done.stderr) == (0, "")
    summary, _, row = done.stdout.splitlines()
    assert summary == f"ok: the reporter 'recorder' of {path} works"
    assert row.startswith("recorder  ok  started, flushed and stopped (")
    names = [call.hook for call in read_calls(project.folder / "calls.jsonl")]
    assert names == ["reporter_start", "reporter_flush", "reporter_stop"]


def test_quiet_says_nothing_of_what_works(project: CommandLine) -> None:
    """And everything of what doesn't."""
    project.config(RECORDER)
    assert project.run("check", "-q").stdout == ""
    project.config("[reporters.log]\nformt = 'json'\n")
    assert "Did you mean 'format'?" in project.run("check", "-q").stdout


def test_send_sends_a_labelled_failure_through_each_reporter(project: CommandLine) -> None:
    """Whatever `when` says, since a test that is filtered tests nothing. Every event of it says that it is a test."""
    project.config(RECORDER + "[reporters.recorder.when]\nevents = ['success']\n")
    done = project.run("check", "--send")

    assert done.returncode == 0
    assert "took a test failure, flushed and stopped (" in done.stdout
    events = [call.meta for call in read_calls(project.folder / "calls.jsonl") if call.meta]
    assert [type(event).__name__ for event in events] == ["Started", "Failure", "Stopped"]
    mark = {"test": "jobreporter check --send"}
    assert {event.job.name for event in events} == {"jobreporter.check"}
    assert [event.job.extra for event in events] == [mark] * 3
    (sent,) = [event for event in events if isinstance(event, Failure)]
    assert "test failure" in sent.error.message
    assert (sent.tags, sent.final) == (mark, True)


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        (["success"], ["Success"]),
        (["started"], ["Started"]),
        (["aborted", "stopped"], ["Aborted", "Stopped"]),
        (["failure", "success"], ["Success", "Failure"]),
    ],
)
def test_send_sends_the_kinds_that_are_asked_for(project: CommandLine, asked: list[str], sent: list[str]) -> None:
    """And no others: a success pages nobody."""
    project.config(RECORDER)
    words = [word for kind in asked for word in ("--event", kind)]
    (row,) = report(project, "--send", *words)["reporters"]

    assert row["sent"] == asked
    found = [type(call.meta).__name__ for call in read_calls(project.folder / "calls.jsonl") if call.meta]
    assert sorted(found) == sorted(sent)


def test_an_event_alone_is_wrong_usage(project: CommandLine) -> None:
    """Nothing is sent by accident."""
    done = project.run("check", "--event", "success")
    assert done.returncode == 2
    assert "--event says what --send sends: give both" in done.stderr
    done = project.run("check", "--send", "--event", "failed")
    assert done.returncode == 2
    assert "'failure'" in done.stderr


def test_one_reporter_may_be_asked_for(project: CommandLine) -> None:
    """The others are not started."""
    project.config(RECORDER + "[reporters.gone]\nuse = 'gone:away'\n")
    assert [row["name"] for row in report(project, "--reporter", "recorder")["reporters"]] == ["recorder"]
    done = project.run("check", "--reporter", "recrder")
    assert done.returncode == 2
    assert "the config has no reporter 'recrder'. Did you mean 'recorder'?" in done.stderr


def test_what_the_reporter_log_says_is_seen(project: CommandLine) -> None:
    """The test failure arrives on stderr."""
    project.config("[reporters.log]\n")
    done = project.run("check", "--send")

    assert done.returncode == 0
    assert "ERROR jobreporter.events: " in done.stderr
    assert "jobreporter.check" in done.stderr


def test_a_reporter_that_takes_no_failures_is_not_wrong(project: CommandLine) -> None:
    """It says that none was sent to it."""
    project.module(
        "quiet", "from jobreporter import hookimpl\nclass Q:\n    @hookimpl\n    def handle_success(self): ...\n"
    )
    project.config("[reporters.quiet]\nuse = 'quiet:Q'\n")
    (row,) = report(project, "--send")["reporters"]

    assert (row["status"], row["sent"]) == ("ok", [])
    assert row["detail"] == "started, flushed and stopped; it takes no started or failure or stopped, so none was sent"
    assert (row["use"], row["distribution"]) == ("quiet:Q", None)


def reporter(project: CommandLine, source: str, lane: str = "") -> None:
    """A reporter that takes a token, with ``source`` as the hooks of its class."""
    hooks = "".join(f"    {line}\n" for line in source.splitlines())
    project.module(
        "own",
        "import time\n"
        "from jobreporter import Options, Secret, hookimpl\n"
        "class O(Options):\n"
        "    token: Secret\n"
        "    more: list[Secret] = []\n"
        "    by_name: dict[str, Secret] = {}\n"
        f"class Own:\n{hooks}",
    )
    project.config(f"[reporters.own]\nuse = 'own:Own'\ntoken = 'c4nary'\nmore = ['c4nary-2']\n{lane}{RECORDER}")


START_RAISES = """
@hookimpl
def reporter_start(self, options: O):
    raise ConnectionError(f"refused {options.token.reveal()}")
"""
FAILURE_RAISES = """
@hookimpl
def reporter_start(self, options: O): ...
@hookimpl
def handle_failure(self):
    raise ConnectionError("no route")
"""
FLUSH_RAISES = """
@hookimpl
def reporter_start(self, options: O): ...
@hookimpl
def reporter_flush(self):
    raise ConnectionError("no route")
"""
STOP_RAISES = """
@hookimpl
def reporter_start(self, options: O): ...
@hookimpl
def reporter_stop(self):
    raise ConnectionError("no route")
"""


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (START_RAISES, "ConnectionError: refused [redacted]"),
        (FAILURE_RAISES, "ConnectionError: no route"),
        (FLUSH_RAISES, "ConnectionError: no route"),
        (STOP_RAISES, "ConnectionError: no route"),
    ],
)
def test_a_reporter_that_raises_is_wrong(project: CommandLine, source: str, told: str) -> None:
    """Whichever hook it is; the others are tried all the same, and no secret is shown."""
    reporter(project, source)
    done = project.run("check", "--send")

    assert done.returncode == 1
    assert told in done.stdout
    own, recorder = done.stdout.splitlines()[-2:]
    assert own.startswith("own       failed  ")
    assert recorder.startswith("recorder  ok      took a test failure, flushed and stopped (")
    assert "c4nary" not in done.stdout + done.stderr


TALKS = """
print("imported")
@hookimpl
def reporter_start(self, options: O): print("started")
@hookimpl
def handle_failure(self, meta): print("told")
"""


@pytest.mark.parametrize(
    "words", [("check", "--json", "--send"), ("explain", "--json", "--job", "x"), ("replay", "--json")]
)
def test_what_a_reporter_prints_is_no_part_of_the_answer(project: CommandLine, words: tuple[str, ...]) -> None:
    """Neither at its import nor later: a program reads the answer."""
    reporter(project, TALKS)
    done = project.run(*words)

    assert json.loads(done.stdout)
    assert "imported\n" in done.stderr


def test_what_is_wrong_elsewhere_keeps_no_reporter_from_being_tried(project: CommandLine) -> None:
    """A pattern or an address that is none is told, and left out of what reporters are tried with."""
    project.config(f"[capture]\npatterns = ['(', 'x']\n[context]\npage = 'ftp://x'\n{RECORDER}")
    found = report(project, "--send")

    assert [fault["key"] for fault in found["faults"]] == ["patterns[0]", "page"]
    assert found["reporters"][0]["status"] == "ok"


def test_a_reporter_that_hangs_is_wrong(project: CommandLine) -> None:
    """It is given up a little after its own timeout."""
    hangs = "@hookimpl\ndef reporter_start(self, options: O):\n    time.sleep(1000)\n"
    reporter(project, hangs, "lane.timeout = 0.2\n")
    done = project.run("check")

    assert done.returncode == 1
    assert "hung for more than 0.2 s" in done.stdout
    assert "c4nary" not in done.stdout + done.stderr


def test_a_reporter_that_takes_too_long_in_all_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """It hangs nowhere, and is not done when its time is up."""
    done = threading.Event()

    class Slow:
        @hookimpl
        def reporter_stop(self) -> None:
            done.wait(20)

    monkeypatch.setattr(_trial, "_MARGIN", -9.9)
    settings = ReporterConfig(name="slow", use="slow", place=Place("here"))
    try:
        trial = _trial.try_out(load("slow", Slow()), settings, Config(), send=())
    finally:
        done.set()

    assert trial.problems == ["not done within 0.1 s"]


def test_only_warnings_are_complaints(caplog: pytest.LogCaptureFixture) -> None:
    """What else jobreporter says of itself is no fault, and what a reporter logs is its own."""
    caplog.set_level(logging.INFO, "jobreporter")
    with _trial.complaints() as found:
        logging.getLogger("jobreporter").warning("it %s", "hurts")
        logging.getLogger("jobreporter").info("all is well")
        logging.getLogger("jobreporter.events").error("a job failed")

    assert found == ["it hurts"]
    assert caplog.messages == ["a job failed"]


def test_an_unset_variable_is_wrong(project: CommandLine) -> None:
    """It is named, and the value of the option is not made up."""
    reporter(project, START_RAISES)
    project.config("[reporters.own]\nuse = 'own:Own'\ntoken = { env = 'OWN_TOKEN' }\n")
    found = report(project)

    (row,) = found["reporters"]
    problem = "option 'token': the environment variable OWN_TOKEN is not set"
    assert (row["status"], row["problems"]) == ("broken", [problem])
    (token,) = [setting for setting in found["settings"] if setting["key"] == "token"]
    assert (token["value"], token["origin"], token["problem"]) == (None, "env OWN_TOKEN", "not available")


def test_an_unset_variable_is_told_beside_what_is_wrong_in_the_file(project: CommandLine) -> None:
    """Whoever has mended the file isn't told of the environment then."""
    reporter(project, START_RAISES)
    project.config("[reporters.own]\nuse = 'own:Own'\ntoken = { env = 'OWN_TOKEN' }\ntokn = 'x'\n")
    found = report(project)

    (row,) = found["reporters"]
    problem = "option 'token': the environment variable OWN_TOKEN is not set"
    assert (row["status"], row["problems"]) == ("wrong", [row["detail"], problem])
    assert [fault["key"] for fault in found["faults"]] == ["tokn"]
    assert found["summary"].startswith("wrong: 2 problems")
    (row,) = report(project, "--no-start")["reporters"]
    assert (row["status"], row["problems"]) == ("wrong", [])


def test_an_import_that_fails_is_wrong(project: CommandLine) -> None:
    """The others are tried all the same."""
    project.config("[reporters.gone]\nuse = 'gone:away'\n" + RECORDER)
    gone, recorder = report(project)["reporters"]

    assert gone["status"] == "broken"
    assert "there is no module 'gone' on sys.path" in gone["problems"][0]
    assert recorder["status"] == "ok"


def test_all_faults_of_the_config_are_told(project: CommandLine) -> None:
    """In one go, in the order of the file, each with its line; and reporters that are right are tried all the same."""
    path = project.config(
        "[reporters.log]\nfromat = 'json'\n[context]\nservce = 'x'\n[dispatcher]\nexit_timeot = 3\n" + RECORDER
    )
    done = project.run("check")

    assert done.returncode == 1
    summary, *told = done.stdout.splitlines()
    assert summary == f"wrong: 3 problems, and 1 of 2 reporters of {path} works"
    assert [line.strip() for line in told[:3]] == [
        f"{path}:2, [reporters.log]: unknown option 'fromat'. Did you mean 'format'?",
        f"{path}:4, [context]: unknown key 'servce'. Did you mean 'service'?",
        f"{path}:6, [dispatcher]: unknown key 'exit_timeot'. Did you mean 'exit_timeout'?",
    ]
    assert [line.split()[:2] for line in told[4:]] == [["log", "wrong"], ["recorder", "ok"]]

    fault = report(project)["faults"][0]
    assert fault == {
        "problem": "unknown option 'fromat'. Did you mean 'format'?",
        "file": str(path),
        "line": 2,
        "table": "reporters.log",
        "key": "fromat",
        "where": f"{path}:2, [reporters.log]",
    }


def test_a_file_that_is_no_toml_is_told_with_its_line(project: CommandLine) -> None:
    """Nothing else can be said of it then."""
    path = project.config("[context]\nservice = \n")
    found = report(project)
    assert found["config"] is None
    assert found["summary"] == "wrong: 1 problem"
    assert (found["faults"][0]["file"], found["faults"][0]["line"]) == (str(path), 2)


def test_a_switched_off_reporter_is_not_tried(project: CommandLine) -> None:
    """It is not wrong either, and says what switched it off."""
    project.config("[reporters.a]\nuse = 'gone:away'\nenabled = false\n[reporters.b]\nuse = 'gone:away'\n")
    found = report(project, JOBREPORTER_DISABLE="b")

    assert [(row["status"], row["detail"]) for row in found["reporters"]] == [
        ("off", "switched off by enabled = false"),
        ("off", "switched off by JOBREPORTER_DISABLE"),
    ]


def test_all_may_be_switched_off(project: CommandLine) -> None:
    """On purpose, so that is not wrong."""
    path = project.config("[reporters.a]\nuse = 'gone:away'\n" + RECORDER)
    done = project.run("check", JOBREPORTER_DISABLE="*")
    assert done.returncode == 0
    assert done.stdout.startswith(f"ok: every reporter of {path} is switched off by JOBREPORTER_DISABLE\n")


def test_a_kill_switch_for_another_program_is_no_mistake(project: CommandLine) -> None:
    """A fleet of programs has one value; what may be meant is noted."""
    project.config(RECORDER)
    found = report(project, JOBREPORTER_DISABLE="sentry,recordr")
    assert found["ok"]
    assert found["warnings"] == []
    assert found["notes"] == [
        "JOBREPORTER_DISABLE: there is no reporter 'recordr' here. Did you mean 'recorder'?",
        "JOBREPORTER_DISABLE: there is no reporter 'sentry' here",
    ]


def test_a_warning_is_wrong(project: CommandLine) -> None:
    """A context that can't be had: what a worker only warns of, check doesn't let pass."""
    path = project.config("[context]\nrelease = { env = 'APP_RELEASE' }\n" + RECORDER)
    done = project.run("check")

    assert (done.returncode, done.stderr) == (1, "")
    summary, told, *_ = done.stdout.splitlines()
    assert summary == f"wrong: 1 problem, and 1 of 1 reporter of {path} works"
    assert told.startswith(f"  {path}:2, [context]: key 'release': the environment variable APP_RELEASE is not set")


def test_a_file_can_be_looked_at_without_starting_anything(project: CommandLine) -> None:
    """Where there are no secrets, as in CI; what is wrong in the file is wrong all the same."""
    text = "[context]\nrelease = { env = 'APP_RELEASE' }\n[reporters.own]\nuse = 'own:Own'\ntoken = { env = 'OWN_TOKEN' }\n"
    reporter(project, START_RAISES)
    project.config(text)
    found = report(project, "--no-start")
    assert (found["ok"], found["warnings"]) == (True, [])
    assert [(row["status"], row["detail"]) for row in found["reporters"]] == [
        ("ok", "the config is right for it; not started")
    ]
    project.config(f"{text}tokn = 'x'\nwhen.jobs = ['^shop']\n")
    found = report(project, "--no-start")
    assert [problem["key"] for problem in (*found["faults"], *found["warnings"])] == ["tokn", "jobs[0]"]
    project.config("[reporters.gone]\nuse = 'gone:away'\n")
    assert [row["status"] for row in report(project, "--no-start")["reporters"]] == ["broken"]
    assert project.run("check", "--send", "--no-start").returncode == 2


def test_a_filter_that_the_plugin_never_hears_of_is_wrong(project: CommandLine) -> None:
    """It lets through what the plugin has no hook for."""
    project.module(
        "quiet", "from jobreporter import hookimpl\nclass Q:\n    @hookimpl\n    def handle_success(self): ...\n"
    )
    path = project.config("[reporters.quiet]\nuse = 'quiet:Q'\nwhen.events = ['failure', 'started']\n")
    found = report(project)
    assert found["summary"] == f"wrong: 1 problem, and 0 of 1 reporter of {path} work"
    assert found["reporters"][0]["problems"] == [
        "when.events lets 'failure' or 'started' through, for which the plugin has no hook, so no event ever reaches it"
    ]
    project.config("[reporters.quiet]\nuse = 'quiet:Q'\nwhen.events = ['failure', 'success']\n")
    assert report(project)["ok"]


def test_no_config_is_wrong(project: CommandLine) -> None:
    """Who asks for a check expects one."""
    done = project.run("check")

    assert done.returncode == 1
    summary, told = done.stdout.splitlines()
    assert summary == "wrong: 1 problem"
    assert told.startswith(f"  {project.folder}: there is no jobreporter.toml")


@pytest.mark.parametrize("text", ["", "[context]\nservice = 'shop'\n"])
def test_a_config_without_reporters_is_wrong(project: CommandLine, text: str) -> None:
    """Nothing would ever be reported, and somebody wrote a config."""
    path = project.config(text)
    done = project.run("check")
    assert done.returncode == 1
    assert lines(done.stdout) == [
        f"wrong: 1 problem with {path}",
        f"{path}: no reporter is switched on, so nothing is reported: add a table such as [reporters.log]",
    ]


def test_metadata_that_cant_be_read_is_told(project: CommandLine) -> None:
    """A reporter may be missing because of it."""
    project.config(RECORDER)
    project.install("outsider-pager", "1.2", "pager", "pager")
    (project.site / "outsider_pager-1.2.dist-info" / "entry_points.txt").write_bytes(b"[jobreporter.reporters]\n\xff=x")
    (warning,) = report(project)["warnings"]
    assert "outsider_pager-1.2.dist-info can't be read" in warning["problem"]

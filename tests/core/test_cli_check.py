"""``jobreporter check``: the real script, which starts real reporters."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from jobreporter import Failure, hookimpl
from jobreporter._cli import _trial
from jobreporter._config.records import Config, ReporterConfig
from jobreporter._plugins.plugin import load
from jobreporter.testing import read_calls

from .command_line import Project

RECORDER = """
[reporters.recorder]
use = "jobreporter.testing:FileRecorder"
path = "calls.jsonl"
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project without reporters."""
    return Project(tmp_path)


def lines(text: str) -> list[list[str]]:
    """The words of each line."""
    return [line.split() for line in text.splitlines()]


def test_a_config_that_works_exits_with_0(project: Project) -> None:
    """The reporter is started, flushed and stopped for real, and nothing is sent."""
    project.config(RECORDER)
    done = project.run("check")

    assert (done.returncode, done.stderr) == (0, "")
    assert "ok: started, flushed and stopped (" in done.stdout
    names = [call.hook for call in read_calls(project.folder / "calls.jsonl")]
    assert names == ["reporter_start", "reporter_flush", "reporter_stop"]


def test_each_value_is_shown_with_its_origin(project: Project) -> None:
    """The file itself, an environment variable, a file, or the default."""
    (project.folder / "dsn").write_text("sqlite:///calls\n")
    project.module(
        "pager",
        "from jobreporter import Options, Secret, hookimpl\n"
        "class O(Options):\n"
        "    token: Secret\n"
        "    dsn: str\n"
        "    api_key: str\n"
        "    severity: str = 'error'\n"
        "@hookimpl\n"
        "def reporter_start(options: O): ...\n",
    )
    project.install("outsider-pager", "1.2", "pager", "pager")
    project.config(
        "[context]\nservice = 'shop'\nenvironment = { env = 'APP_ENV' }\n"
        "[capture]\nredact = ['iban']\n"
        "[reporters.pager]\ntoken = 'c4nary-1'\ndsn = { file = 'dsn' }\napi_key = { env = 'KEY' }\n"
        "[reporters.pager.when]\nevents = ['failure']\n[reporters.pager.lane]\ncapacity = 50\n"
    )
    done = project.run("check", APP_ENV="prod", KEY="c4nary-2")

    assert done.returncode == 0
    assert done.stdout.startswith(f"config: {project.folder / 'jobreporter.toml'}\n")
    shown = lines(done.stdout)
    for line in (
        "service config 'shop'",
        "environment env APP_ENV 'prod'",
        "release default None",
        "exit_timeout default 2.0",
        "args default 'redacted'",
        "redact config ('iban',)",
        "use outsider-pager 1.2 pager",
        "token config Secret(...)",
        f"dsn file {project.folder / 'dsn'} [redacted]",
        "api_key env KEY [redacted]",
        "severity default 'error'",
        "when.events config ('failure',)",
        "when.attempts default 'every'",
        "lane.capacity config 50",
        "lane.timeout default 10.0",
    ):
        assert line.split() in shown
    assert "c4nary" not in done.stdout + done.stderr


def test_a_pyproject_is_read_too(project: Project) -> None:
    """Its table is below another."""
    (project.folder / "pyproject.toml").write_text("[tool.jobreporter.context]\nservice = 'shop'\n")
    done = project.run("check")

    assert done.returncode == 0
    assert ["service", "config", "'shop'"] in lines(done.stdout)


def test_send_sends_a_labelled_failure_through_each_reporter(project: Project) -> None:
    """Whatever `when` says, since a test that is filtered tests nothing."""
    project.config(RECORDER + "[reporters.recorder.when]\nevents = ['success']\n")
    done = project.run("check", "--send")

    assert done.returncode == 0
    assert "ok: took a test failure, flushed and stopped (" in done.stdout
    (sent,) = [call.meta for call in read_calls(project.folder / "calls.jsonl") if isinstance(call.meta, Failure)]
    assert sent.job.name == "jobreporter.check"
    assert "test failure" in sent.error.message
    assert sent.tags == {"test": "jobreporter check --send"}
    assert sent.final


def test_what_the_reporter_log_says_is_seen(project: Project) -> None:
    """The test failure arrives on stderr."""
    project.config("[reporters.log]\n")
    done = project.run("check", "--send")

    assert done.returncode == 0
    assert "ERROR jobreporter.events: " in done.stderr
    assert "jobreporter.check" in done.stderr


def test_a_reporter_that_takes_no_failures_is_not_wrong(project: Project) -> None:
    """It says that none was sent to it."""
    project.module(
        "quiet", "from jobreporter import hookimpl\nclass Q:\n    @hookimpl\n    def handle_success(self): ...\n"
    )
    project.config("[reporters.quiet]\nuse = 'quiet:Q'\n")
    done = project.run("check", "--send")

    assert done.returncode == 0
    assert "it takes no failures" in done.stdout
    assert ["use", "app-local", "quiet:Q"] in lines(done.stdout)


def reporter(project: Project, source: str, lane: str = "") -> None:
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
def test_a_reporter_that_raises_is_wrong(project: Project, source: str, told: str) -> None:
    """Whichever hook it is; the others are tried all the same, and no secret is shown."""
    reporter(project, source)
    done = project.run("check", "--send")

    assert done.returncode == 1
    assert told in done.stdout
    assert "  does not work (" in done.stdout
    assert "ok: took a test failure, flushed and stopped (" in done.stdout
    assert "c4nary" not in done.stdout + done.stderr


def test_a_reporter_that_hangs_is_wrong(project: Project) -> None:
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
    settings = ReporterConfig(name="slow", use="slow", where="here")
    try:
        trial = _trial.try_out(load("slow", Slow()), settings, Config(), send=False)
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


def test_an_unset_variable_is_wrong(project: Project) -> None:
    """It is named, and the value of the option is not made up."""
    reporter(project, START_RAISES)
    project.config("[reporters.own]\nuse = 'own:Own'\ntoken = { env = 'OWN_TOKEN' }\n")
    done = project.run("check")

    assert done.returncode == 1
    assert ["token", "env", "OWN_TOKEN", "(not", "available)"] in lines(done.stdout)
    assert "OWN_TOKEN is not set" in done.stdout


def test_an_import_that_fails_is_wrong(project: Project) -> None:
    """The others are tried all the same."""
    project.config("[reporters.gone]\nuse = 'gone:away'\n" + RECORDER)
    done = project.run("check")

    assert done.returncode == 1
    assert "  broken: " in done.stdout
    assert "ok: started, flushed and stopped (" in done.stdout


def test_all_faults_of_the_config_are_told(project: Project) -> None:
    """In one go, each with the nearest right name."""
    project.config("[context]\nservce = 'x'\n[reporters.log]\nfromat = 'json'\n[dispatcher]\nexit_timeot = 3\n")
    done = project.run("check")

    assert done.returncode == 1
    assert "Did you mean 'service'?" in done.stdout
    assert "Did you mean 'exit_timeout'?" in done.stdout


def test_a_switched_off_reporter_is_not_tried(project: Project) -> None:
    """It is not wrong either, and says what switched it off."""
    project.config("[reporters.a]\nuse = 'gone:away'\nenabled = false\n[reporters.b]\nuse = 'gone:away'\n")
    done = project.run("check", JOBREPORTER_DISABLE="b")

    assert done.returncode == 0
    assert "[reporters.a]\n  off: enabled = false\n" in done.stdout
    assert "[reporters.b]\n  off: JOBREPORTER_DISABLE\n" in done.stdout


def test_a_warning_is_wrong(project: Project) -> None:
    """A context that can't be had, a kill switch for nobody: what a worker only warns of, check doesn't let pass."""
    project.config("[context]\nrelease = { env = 'APP_RELEASE' }\n")
    done = project.run("check")

    assert done.returncode == 1
    assert "wrong: " in done.stdout
    assert "APP_RELEASE" in done.stdout
    assert done.stderr == ""


def test_no_config_is_wrong(project: Project) -> None:
    """Who asks for a check expects one."""
    done = project.run("check")

    assert done.returncode == 1
    assert done.stdout.startswith("config: none\n")
    assert "wrong: no jobreporter.toml" in done.stdout

"""Commands as jobs, as the reporters see them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from jobreporter import Aborted, Dispatcher, Failure, Started, Stopped, Success
from jobreporter.sourcekit import signal_name
from jobreporter.sources import command
from jobreporter.sources.command import argument_names, execute, run
from jobreporter.sources.command._wakeups import Wakeups
from jobreporter.testing import Recorder


class Reported:
    """A dispatcher, and what it reported."""

    def __init__(self, **config: object) -> None:
        self.recorder = Recorder()
        self.dispatcher = Dispatcher({"recorder": self.recorder}, config=config)

    def outcome(self) -> Success | Aborted | Failure:
        """The outcome of the one execution, which is whole."""
        assert self.dispatcher.flush(10)
        started, outcome, stopped = self.recorder.events
        assert isinstance(started, Started)
        assert isinstance(stopped, Stopped)
        assert isinstance(outcome, Success | Aborted | Failure)
        assert started.job == outcome.job == stopped.job
        return outcome

    def failure(self) -> Failure:
        outcome = self.outcome()
        assert isinstance(outcome, Failure)
        return outcome


@pytest.fixture
def reported() -> Iterator[Reported]:
    reported = Reported()
    yield reported
    assert reported.dispatcher.close(10)


def test_exit_code_0_is_a_success(reported: Reported, capfd: pytest.CaptureFixture[str]) -> None:
    """The job is named after the program, and its arguments are the words of the command line."""
    assert run(reported.dispatcher, ["/bin/sh", "-c", "echo done"], queue="cron") == 0

    outcome = reported.outcome()
    assert isinstance(outcome, Success)
    assert outcome.tags == {"exit_code": "0"}
    assert outcome.job.name == "sh"
    assert outcome.job.source == "command"
    assert outcome.job.queue == "cron"
    assert outcome.job.args == ("/bin/sh", "-c", "echo done")
    assert capfd.readouterr().out == "done\n"


def test_another_exit_code_is_a_failure_with_the_end_of_the_output(reported: Reported) -> None:
    """The last line that it wrote as an error is part of the message; both streams' last lines are notes."""
    script = "echo working; echo 'no such table' >&2; echo '  giving up' >&2; exit 3"
    assert run(reported.dispatcher, ["sh", "-c", script], name="nightly") == 3

    outcome = reported.failure()
    assert outcome.kind == "exit_code"
    assert outcome.job.name == "nightly"
    assert outcome.tags == {"exit_code": "3"}
    assert outcome.error.type == "jobreporter.sources.command.CommandFailed"
    assert outcome.error.message == "exited with code 3: giving up"
    assert outcome.error.notes == (
        "The end of its stdout:\nworking",
        "The end of its stderr:\nno such table\n  giving up",
    )
    assert outcome.error.frames == ()


def test_a_failure_without_errors_quotes_the_output(reported: Reported) -> None:
    """Programs that write their errors to stdout are quoted too."""
    assert run(reported.dispatcher, ["sh", "-c", "echo '2 tests failed'; exit 1"]) == 1

    assert reported.failure().error.message == "exited with code 1: 2 tests failed"


ENDS = {
    "blank lines": r"echo",
    "many blank lines": r"yes '' | head -n 100000",
    "blanks": r"printf '   \t  \n'",
    "a cleared progress line": r"printf '50%%\r\033[K'",
    "another one": r"printf '50%%\033[2K\r'",
    "a lone escape": r"printf '\033'",
    "a colour's end": r"printf '\033[0m\n'",
    "a NUL": r"printf '\0'",
    "many NULs": r"head -c 1000000 /dev/zero",
    "a bell": r"printf '\a\n'",
    "a window's title": r"printf '\033]0;done\a'",
    "a form feed": r"printf '\f'",
    "a return": r"printf '\r'",
    "a byte order mark": r"printf '\357\273\277\n'",
    "blanks without a width": r"printf '\342\200\213\342\201\240\n'",
    "a picture": r"printf '\033Pq#0;2;0;0;0~~\033\134\n'",
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("stream", ["1", "2"])
def test_the_message_ends_in_the_last_line_with_something_in_it(reported: Reported, end: str, stream: str) -> None:
    """Whatever a command writes after it that nobody can read."""
    script = f"{{ echo 'first line'; echo 'disk full'; {ENDS[end]}; }} >&{stream}; exit 3"
    assert run(reported.dispatcher, ["sh", "-c", script]) == 3
    error = reported.failure().error

    assert error.message == "exited with code 3: disk full"
    assert error.notes[0].endswith(":\nfirst line\ndisk full")


RULE = "printf '%s\\n' '--------' '=== ---' '╰────╯'"


@pytest.mark.parametrize("stream", ["1", "2"])
def test_a_rule_below_the_last_line_says_nothing(reported: Reported, stream: str) -> None:
    """On either stream, whatever it is drawn with. It is in the note still, and counts where there is nothing else."""
    script = f"{{ echo 'disk full'; {RULE}; }} >&{stream}; exit 3"
    assert run(reported.dispatcher, ["sh", "-c", script]) == 3
    error = reported.failure().error

    assert error.message == "exited with code 3: disk full"
    assert "disk full\n--------\n=== ---\n" in error.notes[0]


def test_a_rule_and_nothing_else(reported: Reported) -> None:
    """It is better than no word at all; what the other stream says is better."""
    assert run(reported.dispatcher, ["sh", "-c", "echo '-----' >&2; exit 3"]) == 3
    assert reported.failure().error.message == "exited with code 3: -----"


def test_a_rule_beside_words(reported: Reported) -> None:
    """Those on the other stream."""
    assert run(reported.dispatcher, ["sh", "-c", "echo '-----' >&2; echo 'disk full'; exit 3"]) == 3
    assert reported.failure().error.message == "exited with code 3: disk full"


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(("silent", "said"), [("2", "1"), ("1", "2")])
def test_the_line_may_be_on_either_stream(reported: Reported, end: str, silent: str, said: str) -> None:
    """Where one has nothing to read, the other's counts."""
    script = f"{{ {ENDS[end]}; }} >&{silent}; echo 'disk full' >&{said}; exit 3"
    assert run(reported.dispatcher, ["sh", "-c", script]) == 3

    assert reported.failure().error.message == "exited with code 3: disk full"


@pytest.mark.parametrize(
    ("words", "timeout", "status"),
    [
        (["sh", "-c", "exit 3"], None, 3),
        (["sh", "-c", "kill -SEGV $$"], None, -signal.SIGSEGV),
        (["sh", "-c", "kill -34 $$"], None, -34),
        (["sh", "-c", "exit 137"], None, 137),
        (["sleep", "1000"], 0.3, -signal.SIGTERM),
        (["sh", "-c", "trap 'exit 9' TERM; while :; do :; done"], 0.5, 9),
        (["/nonexistent/program"], None, 127),
        (["/"], None, 126),
    ],
)
def test_a_failure_tells_how_the_process_ended(
    reported: Reported, words: list[str], timeout: float | None, status: int
) -> None:
    """Its exit code, or minus the signal; where there was no process, what a shell says."""
    run(reported.dispatcher, words, timeout=timeout)

    assert reported.failure().exit_status == status


def test_what_is_shown_is_what_a_terminal_would_show(reported: Reported) -> None:
    """A line that was overwritten is the one that it became, without its colours."""
    script = r"printf 'copied 10%%\rcopied 90%%\n\033[31mE:\033[0m no room\n'; exit 3"
    assert run(reported.dispatcher, ["sh", "-c", script]) == 3
    error = reported.failure().error

    assert error.message == "exited with code 3: E: no room"
    assert error.notes == ("The end of its stdout:\ncopied 90%\nE: no room",)


def test_a_silent_failure_has_nothing_to_quote(reported: Reported) -> None:
    """Nothing is made up."""
    assert run(reported.dispatcher, ["false"]) == 1

    error = reported.failure().error
    assert error.message == "exited with code 1"
    assert error.notes == ()


def test_binary_output_is_only_counted(reported: Reported) -> None:
    """A report is no place for a tar file."""
    assert run(reported.dispatcher, ["sh", "-c", "head -c 100000 /dev/zero; exit 2"]) == 2

    assert reported.failure().error.notes == ("The end of its stdout:\n(100000 bytes that are not text)",)


def test_a_signal_that_kills_is_named(reported: Reported) -> None:
    """The exit code is 128 + n, as a shell has it."""
    assert run(reported.dispatcher, ["sh", "-c", "kill -SEGV $$"]) == 128 + signal.SIGSEGV

    outcome = reported.failure()
    assert outcome.kind == "exit_code"
    assert outcome.error.message == "killed by SIGSEGV"
    assert outcome.tags == {"exit_code": "139"}


def test_a_signal_without_a_name_has_its_number() -> None:
    """Real-time signals but the first and the last have no names."""
    assert signal_name(signal.SIGRTMIN + 3) == f"signal {signal.SIGRTMIN + 3}"


def test_a_skip_code_is_an_abort(reported: Reported) -> None:
    """The command says that there was nothing to do, and its exit code is passed on."""
    assert run(reported.dispatcher, ["sh", "-c", "exit 75"], skip_codes=(74, 75)) == 75

    outcome = reported.outcome()
    assert isinstance(outcome, Aborted)
    assert outcome.reason == "skipped"


def test_a_timeout_is_a_failure_of_its_kind(reported: Reported) -> None:
    """The exit code is 124, whatever the command made of its SIGTERM."""
    script = "trap 'echo cleaned up; exit 0' TERM; echo ready; while :; do :; done"
    assert run(reported.dispatcher, ["sh", "-c", script], timeout=0.5) == command.TIMED_OUT

    outcome = reported.failure()
    assert outcome.kind == "timeout"
    assert outcome.error.message == "timed out after 0.5 s: cleaned up"
    assert "builtins.TimeoutError" in outcome.error.mro
    assert outcome.error.notes == ("The end of its stdout:\nready\ncleaned up",)


def test_a_command_that_is_not_found_is_127(reported: Reported) -> None:
    """It failed, and the message says how."""
    assert run(reported.dispatcher, ["/nonexistent/program", "now"]) == command.NOT_FOUND

    outcome = reported.failure()
    assert outcome.kind == "exit_code"
    assert outcome.error.type == "jobreporter.sources.command.CommandNotStarted"
    assert outcome.error.message == "/nonexistent/program: No such file or directory"
    assert outcome.tags == {"exit_code": "127"}


def test_a_command_that_can_not_be_executed_is_126(reported: Reported) -> None:
    """A directory is found, and is no program."""
    assert run(reported.dispatcher, ["/"]) == command.NOT_EXECUTABLE

    outcome = reported.failure()
    assert outcome.error.message == "/: Permission denied"
    assert outcome.job.name == "/"


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("kill -TERM $PPID; exec sleep 1000", 128 + signal.SIGTERM),
        ("trap 'exit 143' TERM; kill -TERM $PPID; while :; do :; done", 143),
    ],
)
def test_a_command_that_ends_because_we_are_asked_to_is_an_abort(reported: Reported, script: str, code: int) -> None:
    """Dying of the forwarded signal is giving up, and so is to say so as a shell does."""
    with Wakeups(signals=True) as wakeups:
        assert execute(reported.dispatcher, ["sh", "-c", script], wakeups).code == code

    outcome = reported.outcome()
    assert isinstance(outcome, Aborted)
    assert outcome.reason == "shutdown"


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("trap 'exit 5' TERM; kill -TERM $PPID; while :; do :; done", 5),
        ("kill -USR1 $PPID; exec sleep 1000", 128 + signal.SIGUSR1),
    ],
)
def test_a_command_that_fails_on_a_signal_failed(reported: Reported, script: str, code: int) -> None:
    """It had its own reason, or wasn't asked to end and died of it all the same."""
    with Wakeups(signals=True) as wakeups:
        assert execute(reported.dispatcher, ["sh", "-c", script], wakeups).code == code

    assert reported.failure().tags == {"exit_code": str(code)}


def test_a_command_that_finishes_although_we_are_asked_to_end_is_a_success(reported: Reported) -> None:
    """A warm shutdown lets the work be done."""
    script = "trap '' TERM; kill -TERM $PPID; exit 0"
    with Wakeups(signals=True) as wakeups:
        assert execute(reported.dispatcher, ["sh", "-c", script], wakeups).code == 0

    assert isinstance(reported.outcome(), Success)


def test_output_that_can_not_be_passed_on_is_told(reported: Reported) -> None:
    """A full disk is not the command's own fault, so the report says so."""
    kept = os.dup(1)
    with open("/dev/full", "wb", buffering=0) as full:
        os.dup2(full.fileno(), 1)
    try:
        with Wakeups() as wakeups:
            result = execute(reported.dispatcher, ["yes"], wakeups)
    finally:
        os.dup2(kept, 1)
        os.close(kept)

    remark = "the command's stdout could not be passed on: No space left on device"
    assert (result.code, result.remarks) == (128 + signal.SIGPIPE, (remark,))
    assert reported.failure().error.notes[-1] == remark


def test_secrets_are_in_neither_the_arguments_nor_the_output(reported: Reported) -> None:
    """What is redacted in the words of the command is redacted where the command repeats it."""
    words = ["--token", "c4nary-1", "--api-key=c4nary-2", "https://me:c4nary-3@example.org", "PASSWORD=c4nary-4"]
    run(reported.dispatcher, ["sh", "-c", 'echo "$@" >&2; exit 1', "sh", *words])

    outcome = reported.failure()
    assert outcome.job.args[3:] == (
        "sh",
        "--token",
        "[redacted]",
        "--api-key=[redacted]",
        "https://[redacted]@example.org",
        "PASSWORD=[redacted]",
    )
    assert "c4nary" not in str(outcome)
    assert outcome.error.notes[0].startswith("The end of its stderr:\n--token [redacted] --api-key=[redacted]")


def test_hidden_arguments_are_hidden() -> None:
    """`capture.args` decides for commands as for any job."""
    reported = Reported(capture={"args": "hidden"})
    run(reported.dispatcher, ["sh", "-c", "echo seen c4nary; exit 1", "--token", "c4nary"])

    outcome = reported.failure()
    assert outcome.job.args == ()
    assert outcome.error.message == "exited with code 1: seen [redacted]"
    reported.dispatcher.close()


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["psql"], [""]),
        (["psql", "--password", "x", "shop"], ["", "", "password", ""]),
        (["psql", "-password", "-x"], ["", "", "password"]),
        (["psql", "--password", "--verbose"], ["", "", ""]),
        (["psql", "--password=x", "shop"], ["", "", ""]),
    ],
)
def test_a_word_is_named_by_the_option_in_front_of_it(words: list[str], names: list[str]) -> None:
    """Another option is no value, and an option that has its value already needs none."""
    assert argument_names(words) == tuple(names)


def test_words_may_hold_any_bytes(reported: Reported) -> None:
    """The command gets them as they are, and the report valid text."""
    word = os.fsdecode(b"caf\xe9")
    checks = "import os, sys; sys.exit(os.fsencode(sys.argv[1]) != b'caf\\xe9')"
    assert run(reported.dispatcher, [sys.executable, "-c", checks, word]) == 0

    assert reported.outcome().job.args[-1] == "caf\ufffd"


def test_no_command_is_refused(reported: Reported) -> None:
    """There is nothing to run, so nothing is reported."""
    with pytest.raises(ValueError, match="no command"):
        run(reported.dispatcher, [])
    assert reported.dispatcher.stats()["recorder"].accepted == 0


def test_an_exception_that_interrupts_is_the_outcome(reported: Reported, monkeypatch: pytest.MonkeyPatch) -> None:
    """A time limit of the caller's own ends the command, is reported and propagates."""

    def limited(child: object, timeout: float | None) -> None:
        raise TimeoutError("too long")

    monkeypatch.setattr("jobreporter.sources.command._child.Child._run", limited)
    with pytest.raises(TimeoutError, match="too long"):
        run(reported.dispatcher, ["sleep", "1000"])

    assert reported.failure().error.type == "builtins.TimeoutError"

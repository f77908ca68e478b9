"""``jobreporter exec``: the real script as a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jobreporter import Aborted, Failure, Started, Stopped, Success
from jobreporter.testing import read_calls

SCRIPT = str(Path(sys.executable).with_name("jobreporter"))

CONFIG = """
[dispatcher]
exit_timeout = 10

[reporters.recorder]
use = "jobreporter.testing:FileRecorder"
path = "calls.jsonl"
"""

# Names the signals that it gets, until it gets the last of those that it is told of.
NAMES_SIGNALS = """
import signal, sys
numbers = [signal.Signals[name] for name in sys.argv[1:]]
signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
print("ready", flush=True)
got = None
while got != numbers[-1]:
    got = signal.sigwait(numbers)
    print(got.name, flush=True)
"""

# Makes the terminal on stdin the controlling one, as a login does, and becomes another program.
IN_A_TERMINAL = "import os, sys; os.close(os.open(os.ttyname(0), os.O_RDWR)); os.execv(sys.argv[1], sys.argv[1:])"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with a config that records what is reported."""
    (tmp_path / "jobreporter.toml").write_text(CONFIG)
    return tmp_path


def execute(folder: Path, *words: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [SCRIPT, "exec", *words], cwd=folder, timeout=60, check=False, **{"capture_output": True, **options}
    )


def outcome(folder: Path) -> Success | Aborted | Failure:
    events = [call.meta for call in read_calls(folder / "calls.jsonl") if call.meta is not None]
    started, outcome, stopped = events
    assert isinstance(started, Started)
    assert isinstance(outcome, Success | Aborted | Failure)
    assert isinstance(stopped, Stopped)
    return outcome


class Running:
    """``jobreporter exec`` with a command that says when it is ready."""

    def __init__(self, folder: Path, *words: str, **options: Any) -> None:
        self.process = subprocess.Popen(
            [SCRIPT, "exec", *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
        )
        assert self.line() == "ready"

    def line(self) -> str:
        assert self.process.stdout is not None
        return str(self.process.stdout.readline()).rstrip("\n")

    def end(self) -> int:
        self.rest, self.errors = self.process.communicate(timeout=60)
        return self.process.returncode


@pytest.mark.parametrize(
    ("options", "command", "code"),
    [
        ([], ["true"], 0),
        ([], ["sh", "-c", "exit 3"], 3),
        ([], ["sh", "-c", "exit 255"], 255),
        (["--skip-code", "75"], ["sh", "-c", "exit 75"], 75),
        ([], ["sh", "-c", "kill -KILL $$"], 128 + signal.SIGKILL),
        ([], ["sh", "-c", "kill -INT $$"], 128 + signal.SIGINT),
        (["--timeout", "0.3"], ["sleep", "1000"], 124),
        ([], ["/"], 126),
        ([], ["/nonexistent/program"], 127),
    ],
)
def test_the_exit_code_is_the_command_s_own(folder: Path, options: list[str], command: list[str], code: int) -> None:
    """Or, where it has none, what a shell would make of it."""
    done = execute(folder, *options, "--", *command)

    assert done.returncode == code
    assert outcome(folder).tags.get("exit_code", "124") == str(code)


def test_it_is_one_execution_of_a_job(folder: Path) -> None:
    """The options say what it is called; the words after them, dashes and all, are the command's."""
    done = execute(folder, "--name", "nightly", "--queue", "cron", "printf", "%s", "--name=x")

    assert (done.returncode, done.stdout, done.stderr) == (0, b"--name=x", b"")
    job = outcome(folder).job
    assert (job.name, job.queue, job.source, job.attempt) == ("nightly", "cron", "command", 1)
    assert job.args == ("printf", "%s", "--name=x")


def test_a_failure_carries_the_end_of_the_output(folder: Path) -> None:
    """And stdout and stderr hold what the command wrote, and nothing else."""
    done = execute(folder, "sh", "-c", "echo fine; echo broken >&2; exit 9")

    assert (done.stdout, done.stderr) == (b"fine\n", b"broken\n")
    failure = outcome(folder)
    assert isinstance(failure, Failure)
    assert failure.error.message == "exited with code 9: broken"


@pytest.mark.parametrize(("skip_codes", "reason"), [(["3"], "skipped"), (["2", "3"], "skipped")])
def test_skip_codes_may_be_several(folder: Path, skip_codes: list[str], reason: str) -> None:
    """Each of them is an abort."""
    options = [word for code in skip_codes for word in ("--skip-code", code)]
    execute(folder, *options, "sh", "-c", "exit 3")

    aborted = outcome(folder)
    assert isinstance(aborted, Aborted)
    assert aborted.reason == reason


@pytest.mark.parametrize("name", ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2"])
def test_a_signal_is_forwarded(folder: Path, name: str) -> None:
    """The command gets it, once, and goes on as it likes: here it exits with 0."""
    last = "SIGUSR1" if name == "SIGUSR2" else "SIGUSR2"
    running = Running(folder, sys.executable, "-c", NAMES_SIGNALS, name, last, start_new_session=True)

    running.process.send_signal(signal.Signals[name])
    assert running.line() == name
    running.process.send_signal(signal.Signals[last])
    assert running.line() == last

    assert running.end() == 0
    assert isinstance(outcome(folder), Success)


def test_a_command_that_dies_of_the_forwarded_signal_was_shut_down(folder: Path) -> None:
    """We die of it too, as the service manager that sent it expects, and the outcome is an abort."""
    running = Running(folder, "sh", "-c", "echo ready; exec sleep 1000")
    running.process.terminate()

    assert running.end() == -signal.SIGTERM
    aborted = outcome(folder)
    assert isinstance(aborted, Aborted)
    assert aborted.reason == "shutdown"


def test_an_ignored_signal_is_ignored_by_the_command_too(folder: Path) -> None:
    """As under nohup."""
    script = "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", script, SCRIPT, "exec", "sh", "-c", "kill -HUP $$; echo alive"],
        cwd=folder,
        capture_output=True,
        check=True,
    )

    assert done.stdout == b"alive\n"


class Terminal:
    """``jobreporter exec`` in the foreground of a terminal of its own."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.keyboard, theirs = os.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", IN_A_TERMINAL, SCRIPT, "exec", *words],
            cwd=folder,
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            start_new_session=True,
            text=True,
        )
        os.close(theirs)

    def line(self) -> str:
        assert self.process.stdout is not None
        return str(self.process.stdout.readline()).rstrip("\n")

    def type(self, keys: bytes) -> None:
        os.write(self.keyboard, keys)

    def end(self) -> int:
        self.process.communicate(timeout=60)
        os.close(self.keyboard)
        return self.process.returncode


@pytest.mark.parametrize(("key", "name"), [(b"\x03", "SIGINT"), (b"\x1c", "SIGQUIT")])
def test_at_a_terminal_ctrl_c_reaches_the_command_once(folder: Path, key: bytes, name: str) -> None:
    """The terminal sends it to the whole group, so it isn't forwarded again."""
    terminal = Terminal(folder, sys.executable, "-c", NAMES_SIGNALS, name, "SIGUSR1", "SIGTERM")
    assert terminal.line() == "ready"

    terminal.type(key)
    assert terminal.line() == name
    # Of two signals that wait, the one with the smaller number comes first: a second SIGINT would be told before this.
    terminal.process.send_signal(signal.SIGUSR1)
    assert terminal.line() == "SIGUSR1"
    terminal.process.terminate()
    assert terminal.line() == "SIGTERM"

    assert terminal.end() == 0


def test_at_a_terminal_ctrl_c_is_a_shutdown(folder: Path) -> None:
    """Though it is not we who forward it, we were asked to end. A shell's script ends with what dies of a Ctrl-C."""
    terminal = Terminal(folder, "sh", "-c", "echo ready; exec sleep 1000")
    assert terminal.line() == "ready"
    terminal.type(b"\x03")

    assert terminal.end() == -signal.SIGINT
    aborted = outcome(folder)
    assert isinstance(aborted, Aborted)
    assert aborted.reason == "shutdown"


def test_at_a_terminal_the_command_reads_what_is_typed(folder: Path) -> None:
    """It is in the foreground too."""
    terminal = Terminal(folder, "sh", "-c", "echo ready; read word; echo got $word")
    assert terminal.line() == "ready"
    terminal.type(b"this\n")

    assert terminal.line() == "got this"
    assert terminal.end() == 0


def test_output_is_passed_on_at_once(folder: Path) -> None:
    """Nothing is kept back until a line or a buffer is full: the command waits for an answer to each piece."""
    command = [SCRIPT, "exec", "sh", "-c", "printf a; read x; printf b; read x; printf c"]
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    assert process.stdin is not None
    assert process.stdout is not None
    for piece in (b"a", b"b"):
        assert process.stdout.read(10) == piece
        process.stdin.write(b"go on\n")

    assert process.communicate()[0] == b"c"
    assert process.returncode == 0


def test_huge_binary_output_takes_no_memory(folder: Path) -> None:
    """A gigabyte passes byte for byte, and the process stays as small as it is."""
    measured = (
        "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:]);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr); sys.exit(code)"
    )
    command = ["sh", "-c", "head -c 1000000000 /dev/zero; exit 4"]
    process = subprocess.Popen(
        [sys.executable, "-c", measured, SCRIPT, "exec", *command],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    count = 0
    while chunk := process.stdout.read(1 << 20):
        count += len(chunk)
        assert chunk.count(b"\0") == len(chunk)
    _, errors = process.communicate()

    assert count == 1_000_000_000
    assert process.returncode == 4
    assert int(errors) < 200 * 1024  # KiB; what is read at a time counts 64
    failure = outcome(folder)
    assert isinstance(failure, Failure)
    assert failure.error.notes == ("The end of its stdout:\n(1000000000 bytes that are not text)",)


def test_when_nobody_reads_its_output_the_command_is_told(folder: Path) -> None:
    """As in ``yes | head -1``, it dies of SIGPIPE."""
    running = subprocess.Popen([SCRIPT, "exec", "yes"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert running.stdout is not None
    running.stdout.read(2)
    running.stdout.close()

    assert running.wait(60) == 128 + signal.SIGPIPE
    assert running.stderr is not None
    assert running.stderr.read() == b""
    running.stderr.close()


def test_standard_streams_may_be_closed(folder: Path) -> None:
    """``>&-`` and ``<&-`` put no file of ours in their place."""
    done = subprocess.run(
        ["sh", "-c", '"$@" <&- >&- 2>&-', "sh", SCRIPT, "exec", "sh", "-c", "echo lost; echo lost >&2; exit 6"],
        cwd=folder,
        check=False,
    )

    assert done.returncode == 6
    assert (folder / "jobreporter.toml").read_text() == CONFIG
    assert b"lost\n" not in (folder / "calls.jsonl").read_bytes()


def test_a_timeout_ends_what_a_shell_started(folder: Path) -> None:
    """Nothing of it goes on, and stderr says why it ended."""
    marker = str(1_000_000 + os.getpid())
    done = execute(folder, "--timeout", "0.5", "sh", "-c", f"sleep {marker}; :")

    assert done.returncode == 124
    assert done.stderr == b"jobreporter: timed out after 0.5 s\n"
    listed = subprocess.run(["ps", "-A", "-o", "args="], capture_output=True, check=True, text=True).stdout
    assert f"sleep {marker}" not in listed.splitlines()
    failure = outcome(folder)
    assert isinstance(failure, Failure)
    assert failure.kind == "timeout"


def test_a_timeout_ends_us_though_nobody_reads(folder: Path) -> None:
    """A stuck reader of the output keeps neither the command nor us."""
    process = subprocess.Popen(
        [SCRIPT, "exec", "--timeout", "0.3", "yes"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )

    assert process.wait(60) == 124
    assert process.stdout is not None
    process.stdout.close()


def test_a_broken_config_does_not_keep_the_command_from_running(folder: Path) -> None:
    """It is told on stderr, and the command runs with its own exit code."""
    (folder / "jobreporter.toml").write_text("[reporters.lgo]\n")
    done = execute(folder, "sh", "-c", "echo ran; exit 3")

    assert (done.returncode, done.stdout) == (3, b"ran\n")
    errors = done.stderr.decode()
    assert errors.startswith("jobreporter: the command runs, but is not reported:\n")
    assert "Did you mean 'log'?" in errors


def test_a_config_that_does_not_exist_does_not_either(folder: Path) -> None:
    """Neither does one that was named by hand."""
    done = subprocess.run(
        [SCRIPT, "--config", "nowhere.toml", "exec", "true"], cwd=folder, capture_output=True, check=True, text=True
    )

    assert "nowhere.toml" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["--config", "other.toml", "exec", "true"],
        ["exec", "--config", "other.toml", "true"],
        ["exec", "--config=other.toml", "--", "true", "--config", "nowhere.toml"],
        ["--config", "nowhere.toml", "exec", "--config", "other.toml", "true"],
    ],
)
def test_the_config_may_be_named(folder: Path, words: list[str]) -> None:
    """``--config`` goes before what is found, in front of ``exec`` and after it; after the command it is the command's."""
    (folder / "other.toml").write_text(CONFIG.replace("calls.jsonl", "other.jsonl"))
    subprocess.run([SCRIPT, *words], cwd=folder, check=True)

    assert not (folder / "calls.jsonl").exists()
    assert len(read_calls(folder / "other.jsonl")) > 0


def test_a_reporter_that_can_not_start_changes_nothing(folder: Path) -> None:
    """The exit code is the command's own, and stderr tells of the reporter."""
    (folder / "jobreporter.toml").write_text('[reporters.gone]\nuse = "gone:away"\n')
    done = execute(folder, "sh", "-c", "echo ran; exit 3")

    assert (done.returncode, done.stdout) == (3, b"ran\n")
    assert b"'gone'" in done.stderr


def test_whatever_is_wrong_with_reporting_does_not_either(folder: Path) -> None:
    """Not even a fault of jobreporter's own, or of a library that it needs."""
    (folder / "sitecustomize.py").write_text(
        "import importlib_metadata\ndef fails(**options): raise RuntimeError('boom')\nimportlib_metadata.distributions = fails\n"
    )
    done = execute(folder, "sh", "-c", "echo ran; exit 3", env={**os.environ, "PYTHONPATH": str(folder)})

    assert (done.returncode, done.stdout) == (3, b"ran\n")
    assert done.stderr == b"jobreporter: the command runs, but is not reported:\nRuntimeError: boom\n"


def test_a_reporter_that_hangs_does_not_keep_us(folder: Path) -> None:
    """It is given up after the config's `exit_timeout`, and the exit code is the command's own."""
    (folder / "hangs.py").write_text(
        "import threading\n"
        "from jobreporter import hookimpl\n"
        "class Hangs:\n"
        "    @hookimpl\n"
        "    def handle_started(self): threading.Event().wait()\n"
    )
    (folder / "jobreporter.toml").write_text("dispatcher.exit_timeout = 0.1\n[reporters.hangs]\nuse = 'hangs:Hangs'\n")
    done = execute(folder, "sh", "-c", "exit 3", env={**os.environ, "PYTHONPATH": str(folder)})

    assert done.returncode == 3
    assert b"reporter 'hangs' lost 3 of 3 events" in done.stderr


@pytest.mark.parametrize("config", [None, "", "[reporters.log]\n", "[context]\nservice = 'shop'\n"])
@pytest.mark.parametrize("command", [["true"], ["--skip-code", "3", "sh", "-c", "exit 3"], ["sh", "-c", "echo out"]])
def test_it_says_nothing_of_what_went_well(folder: Path, config: str | None, command: list[str]) -> None:
    """Whether there is a config, and whatever it says: cron would send a mail each time."""
    (folder / "jobreporter.toml").unlink()
    if config is not None:
        (folder / "jobreporter.toml").write_text(config)
    done = execute(folder, *command)

    assert done.stderr == b""
    assert done.stdout in (b"", b"out\n")


@pytest.mark.parametrize("variable", ["PYTHONDEVMODE", "PYTHONWARNDEFAULTENCODING"])
def test_it_says_nothing_where_python_warns_of_all_that_it_can(folder: Path, variable: str) -> None:
    """A host may ask that of all its programs."""
    done = execute(folder, "true", env={**os.environ, variable: "1", "PYTHONWARNINGS": "always"})

    assert (done.returncode, done.stderr) == (0, b"")


def test_it_says_nothing_of_an_option_that_switches_reporters_off(folder: Path) -> None:
    """Fleets set it everywhere, whatever a config has."""
    done = execute(folder, "true", env={**os.environ, "JOBREPORTER_DISABLE": "sentry,pager,recorder"})

    assert (done.returncode, done.stderr) == (0, b"")


def test_the_reporter_log_tells_a_failure_on_stderr(folder: Path) -> None:
    """A command has no logging of its own, so jobreporter shows what its `log` reporter says, if something is wrong."""
    (folder / "jobreporter.toml").write_text("[reporters.log]\n")
    done = execute(folder, "false")

    assert done.stderr.startswith(b"ERROR jobreporter.events: failure false #1")
    assert done.stderr.count(b"\n") == 1


def test_asked_for_the_reporter_log_tells_everything(folder: Path) -> None:
    """And jobreporter itself what it finds worth a warning."""
    (folder / "jobreporter.toml").write_text("[reporters.log]\n")
    done = execute(folder, "--verbose", "true")
    (folder / "jobreporter.toml").unlink()
    without = execute(folder, "-v", "true")

    assert b"INFO jobreporter.events: success true #1" in done.stderr
    assert b"WARNING jobreporter: " in without.stderr
    assert b"there is no jobreporter.toml" in without.stderr


def test_what_was_asked_for_in_the_config_is_told(folder: Path) -> None:
    """Somebody who wants to hear of each success says how loud that is."""
    (folder / "jobreporter.toml").write_text('[reporters.log.levels]\nsuccess = "warning"\n')
    done = execute(folder, "true")

    assert done.stderr.startswith(b"WARNING jobreporter.events: success true #1")


@pytest.mark.parametrize("timeout", ["0", "-1", "nan", "inf", "soon", "0s", "5 M", "1h 1h"])
def test_a_senseless_timeout_is_refused(folder: Path, timeout: str) -> None:
    """Wrong usage exits with 2, and nothing is run."""
    done = execute(folder, "--timeout", timeout, "touch", "ran")

    assert done.returncode == 2
    assert b"--timeout" in done.stderr
    assert not (folder / "ran").exists()


def test_there_has_to_be_a_command(folder: Path) -> None:
    """Otherwise there is nothing to do."""
    assert execute(folder, "--name", "x", "--").returncode == 2


def test_signals_while_reporting_do_not_change_the_exit_code(tmp_path: Path) -> None:
    """A second Ctrl-C comes when the command is gone and the reporters are at work."""
    (tmp_path / "slow.py").write_text(
        "import os, signal\n"
        "from jobreporter import hookimpl\n"
        "@hookimpl\n"
        "def handle_stopped():\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    open('reported', 'w').close()\n"
    )
    (tmp_path / "jobreporter.toml").write_text('[reporters.slow]\nuse = "slow"\n'.replace('"slow"', '"slow:plugin"'))
    with (tmp_path / "slow.py").open("a") as plugin:
        plugin.write("import sys\nplugin = sys.modules[__name__]\n")
    done = execute(tmp_path, "sh", "-c", "exit 3", env={**os.environ, "PYTHONPATH": str(tmp_path)})

    assert (done.returncode, done.stderr) == (3, b"")
    assert (tmp_path / "reported").exists()


def test_workers_never_import_the_command_line() -> None:
    """Neither the library nor a source, nor one that runs commands, pulls in click."""
    script = (
        "import sys, jobreporter, jobreporter.sources.huey, jobreporter.sources.command;"
        "print([name for name in sys.modules if name.startswith(('click', 'jobreporter._cli'))])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)

    assert done.stdout == "[]\n"


def test_it_is_a_module_too(folder: Path) -> None:
    """``python -m jobreporter`` is the same, where scripts are not on the path."""
    done = subprocess.run([sys.executable, "-m", "jobreporter", "exec", "sh", "-c", "exit 4"], cwd=folder, check=False)

    assert done.returncode == 4


def test_the_crontab_on_the_page_works(tmp_path: Path) -> None:
    """Each line of it, with what cron gives a command and no more: reported, and nothing to mail but the output."""
    page = (Path(__file__).parents[3] / "docs" / "cli.md").read_text(encoding="utf-8")
    crontab = page.split("```crontab\n")[1].split("```")[0]
    for folder, below in (("/srv/shop", ".venv/bin"), ("/etc/shop", "")):
        (tmp_path / folder[1:] / below).mkdir(parents=True)
        crontab = crontab.replace(folder, f"{tmp_path}{folder}")
    (tmp_path / "srv/shop/.venv/bin/jobreporter").symlink_to(SCRIPT)
    calls = tmp_path / "calls.jsonl"
    (tmp_path / "etc/shop/jobreporter.toml").write_text(
        f'[context]\nservice = {{ env = "SENTRY_DSN" }}\n{CONFIG.replace("calls.jsonl", str(calls))}'
    )
    for name, code in (("backup.sh", 1), ("empty-queue.sh", 75)):
        script = tmp_path / "srv/shop" / name
        script.write_text(f'#!/bin/sh\nenv | grep ^LC_\necho "$0 $*"\nexit {code}\n')
        script.chmod(0o755)
    environment = {"HOME": str(tmp_path), "LOGNAME": "shop", "SHELL": "/bin/sh"}
    printed = []
    for line in filter(None, crontab.splitlines()):
        if variable := re.fullmatch(r"(\w+)=(.*)", line):
            environment[variable[1]] = variable[2]
        else:
            command = line.split(maxsplit=5)[5]
            done = subprocess.run(
                ["/bin/sh", "-c", command], env=environment, cwd=tmp_path, capture_output=True, check=False, text=True
            )
            printed.append((done.stdout, done.stderr, done.returncode))
    events = [call.meta for call in read_calls(calls) if call.meta is not None]

    assert printed == [("./backup.sh --full\n", "", 1), ("./empty-queue.sh \n", "", 75)]
    assert [(type(event).__name__, event.job.name) for event in events] == [
        *((kind, "shop.backup") for kind in ("Started", "Failure", "Stopped")),
        *((kind, "shop.queue") for kind in ("Started", "Aborted", "Stopped")),
    ]

"""``jobreporter exec`` changes nothing of a command's world: what it prints and how it ends, with and without it."""

from __future__ import annotations

import os
import pty
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

SCRIPT = str(Path(sys.executable).with_name("jobreporter"))

CONFIG = """
[reporters.recorder]
use = "jobreporter.testing:FileRecorder"
path = "{path}"
"""

#: What cron gives its commands.
CRON = {"HOME": "/root", "LOGNAME": "root", "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"}

#: What systemd gives its services.
SYSTEMD = {
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "INVOCATION_ID": "0123456789abcdef0123456789abcdef",
    "JOURNAL_STREAM": "8:12345",
}

#: What somebody at a terminal has.
TERMINAL = {"HOME": "/root", "LANG": "de_DE.UTF-8", "PATH": "/usr/bin:/bin", "TERM": "xterm", "ODD": "caf\xe9 \udcff\n"}

# Becomes a service of systemd's: it leads a session, ignores SIGPIPE, and knows its own number.
AS_A_SERVICE = """
import os, signal, sys
os.umask(0o027)
os.dup2(os.open("jobreporter.toml", os.O_RDONLY), 7)
signal.signal(signal.SIGPIPE, signal.SIG_IGN)
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
given = dict(entry.split(b"=", 1) for entry in open("/proc/self/environ", "rb").read().split(b"\\0")[:-1])
os.execve(sys.argv[1], sys.argv[1:], {**given, b"SYSTEMD_EXEC_PID": b"%d" % os.getpid()})
"""

# Makes the terminal on stdin the controlling one, as a login does, with Python's own changes undone.
IN_A_TERMINAL = """
import os, signal, sys
os.close(os.open(os.ttyname(0), os.O_RDWR))
os.dup2(os.open("jobreporter.toml", os.O_RDONLY), 7)
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
given = dict(entry.split(b"=", 1) for entry in open("/proc/self/environ", "rb").read().split(b"\\0")[:-1])
os.execve(sys.argv[1], sys.argv[1:], given)
"""

COMMANDS = [
    # What a command is given
    ["cat", "/proc/self/environ"],
    ["env"],
    ["sh", "-c", "cat /proc/$$/environ"],
    ["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"],
    ["grep", "-E", "^(Umask|Uid|Gid|Groups|Cap...|NoNewPrivs|Seccomp|Cpus_allowed|Mems_allowed)", "/proc/self/status"],
    ["ls", "-1", "/proc/self/fd"],
    ["readlink", "/proc/self/fd/0", "/proc/self/cwd", "/proc/self/root"],
    ["sh", "-c", "cat <&7"],
    ["pwd"],
    ["sh", "-c", "umask; umask -S"],
    ["cat", "/proc/self/limits"],
    ["sh", "-c", "ulimit -a"],
    ["nice"],
    ["cat", "/proc/self/oom_score_adj", "/proc/self/personality"],
    ["sh", "-c", "cut -d' ' -f19,40,41 /proc/self/stat"],
    ["sh", "-c", 'set -- $(cat /proc/$$/stat); [ "$5" = "$8" ] && echo in the foreground; [ "$7" = 0 ] && echo no tty'],
    ["sh", "-c", "test -t 0 && stty -a; true"],
    ["printf", "%s|", "a b", "", "-x", "--config", "$HOME", "caf\xe9", "*"],
    # What depends on the language
    ["sh", "-c", r"printf 'caf\303\251\n' | wc -m"],
    ["sh", "-c", r"printf 'caf\303\251\n' | sed 's/./x/g'"],
    ["sh", "-c", r"printf 'caf\303\251\n' | grep -c '^....$'"],
    ["sh", "-c", r"printf 'caf\303\251\n' | awk '{ print length($0), toupper($0) }'"],
    ["sh", "-c", r"printf 'b\nA\na\nB\n\303\251\n' | sort"],
    ["sh", "-c", r"printf '\303\251\n' | tr '[:lower:]' '[:upper:]'"],
    ["locale"],
    ["date", "-u", "-d", "@0", "+%A %B %c"],
    ["/usr/bin/python3", "-c", "import sys, os; print(sys.stdout.encoding, sys.flags.utf8_mode, dict(os.environb))"],
    # What it prints
    ["sh", "-c", r"printf 'no newline'; printf '\0\377\200\033[31m' >&2"],
    ["sh", "-c", "for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; done"],
    ["sh", "-c", "seq 200000 | sha256sum; seq 100000"],
    ["head", "-c", "300000", "/dev/zero"],
    ["sh", "-c", "(yes; echo yes ended with $? >&2) | head -n 1 >/dev/null"],
    ["true"],
    # How it ends
    ["false"],
    ["sh", "-c", "echo no >&2; exit 3"],
    ["sh", "-c", "exit 124"],
    ["sh", "-c", "exit 126"],
    ["sh", "-c", "exit 127"],
    ["sh", "-c", "exit 255"],
    ["sh", "-c", "kill -TERM $$"],
    ["sh", "-c", "kill -KILL $$"],
    ["sh", "-c", "kill -PIPE $$; echo alive"],
    ["sh", "-c", "kill -XFSZ $$; echo alive"],
    ["sh", "-c", "trap 'echo caught; exit 9' USR1; kill -USR1 $$; sleep 1"],
]


# Once the leader of its session has ended, a terminal takes nothing more.
LEAVES_SOMETHING_BEHIND = ["sh", "-c", "echo early; (sleep 0.1; echo late) &"]


class Done(NamedTuple):
    """What came of a command. code: as a shell has it."""

    printed: bytes
    code: int


def as_cron_does(folder: Path, command: list[str]) -> Done:
    """A line for the shell; what is printed goes into one pipe, for a mail."""
    done = subprocess.run(
        ["/bin/sh", "-c", f"{shlex.join(command)} 7<jobreporter.toml"],
        cwd=folder,
        env=CRON,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        start_new_session=True,
    )
    # The shell says what killed its command. That is exec's own, which ends as a shell would.
    said = re.sub(rb"^(Killed|Terminated|File size limit exceeded|Broken pipe)\n", b"", done.stdout)
    return Done(said, code_of(done.returncode))


def as_systemd_does(folder: Path, command: list[str]) -> Done:
    """No shell; what is printed goes into a socket, for the journal."""
    ours, journal = socket.socketpair()
    with ours:
        with journal:
            process = subprocess.Popen(
                [sys.executable, "-I", "-c", AS_A_SERVICE, *command],
                cwd=folder,
                env=SYSTEMD,
                stdin=subprocess.DEVNULL,
                stdout=journal,
                stderr=journal,
                start_new_session=True,
            )
        printed = b"".join(iter(lambda: ours.recv(65_536), b""))
    return Done(re.sub(rb"SYSTEMD_EXEC_PID(=|': b')\d+", b"SYSTEMD_EXEC_PID", printed), code_of(process.wait(60)))


def as_a_terminal_does(folder: Path, command: list[str]) -> Done:
    """All three streams are the terminal, which the command has in the foreground."""
    keyboard, screen = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", IN_A_TERMINAL, *command],
        cwd=folder,
        env={os.fsencode(name): os.fsencode(value) for name, value in TERMINAL.items()},
        stdin=screen,
        stdout=screen,
        stderr=screen,
        start_new_session=True,
    )
    os.close(screen)
    printed = b"".join(iter(lambda: read_terminal(keyboard), b""))
    os.close(keyboard)
    # Which terminal it is makes no difference.
    return Done(re.sub(rb"/dev/pts/\d+", b"/dev/pts/N", printed), code_of(process.wait(60)))


def read_terminal(keyboard: int) -> bytes:
    try:
        return os.read(keyboard, 65_536)
    except OSError:  # nobody is left
        return b""


def found(program: str) -> str:
    return next(path for folder in ("/usr/bin", "/bin", "") if os.path.exists(path := os.path.join(folder, program)))


def code_of(returncode: int) -> int:
    """Of a process that a signal has killed, exec can only say what a shell says."""
    return returncode if returncode >= 0 else 128 - returncode


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with a config, whose reporter records elsewhere."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "jobreporter.toml").write_text(CONFIG.format(path=tmp_path / "calls.jsonl"))
    return folder


@pytest.mark.parametrize("start", [as_cron_does, as_systemd_does, as_a_terminal_does], ids=lambda start: start.__name__)
def test_a_command_does_the_same_with_and_without_it(folder: Path, start: Callable[[Path, list[str]], Done]) -> None:
    """Its environment, signals, files, folder, masks and limits are the same, and so are its output and its end."""
    assert len(COMMANDS) > 40
    wrong = {}
    for command in [*COMMANDS, *([] if start is as_a_terminal_does else [LEAVES_SOMETHING_BEHIND])]:
        words = [found(command[0]), *command[1:]]
        without, within = start(folder, words), start(folder, [SCRIPT, "exec", "--", *words])
        if without != within:
            wrong[shlex.join(command)] = (without, within)

    assert wrong == {}
    assert (folder.parent / "calls.jsonl").read_bytes().count(b'"stopped"') >= len(COMMANDS)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-", "2>&1 >&-"])
def test_a_stream_that_was_closed_stays_closed(folder: Path, closed: str) -> None:
    """What a command can't write to without exec it can't write to with it."""
    commands = [
        ["sh", "-c", "cat; echo said $? || echo not said >&2; ls /proc/self/fd > fds; exit $?"],
        ["sh", "-c", "echo out; a=$?; echo err >&2; exit $a$?"],
    ]
    for command in commands:
        ended = []
        for words in (command, [SCRIPT, "exec", "--", *command]):
            done = subprocess.run(
                ["/bin/sh", "-c", f'"$@" {closed}', "sh", *words],
                cwd=folder,
                env=CRON,
                capture_output=True,
                check=False,
            )
            fds = (folder / "fds").read_text() if (folder / "fds").exists() else ""
            ended.append((done.stdout, done.stderr, done.returncode, fds))
        assert ended[0] == ended[1]


@pytest.mark.parametrize("ignored", ["PIPE", "PIPE XFSZ", "HUP", "INT QUIT", "TERM USR1 USR2"])
def test_what_a_shell_ignores_its_commands_ignore(folder: Path, ignored: str) -> None:
    """Also those signals that Python ignores for itself in any case."""
    probe = ["grep", "^SigIgn", "/proc/self/status"]
    script = f"trap '' {ignored}; {{}}; :"
    without, within = (
        subprocess.run(
            ["/bin/sh", "-c", script.format(shlex.join(words))], cwd=folder, env=CRON, capture_output=True, check=True
        )
        for words in (probe, [SCRIPT, "exec", "--", *probe])
    )

    assert (within.stdout, within.stderr) == (without.stdout, b"")
    assert int(without.stdout.split()[1], 16) != 0


def test_a_signal_that_python_itself_ignores_is_not_taken_for_ignored(folder: Path) -> None:
    """Whoever starts it is a Python that gives its children the defaults, or a shell that ignores nothing."""
    probe = ["grep", "^SigIgn", "/proc/self/status"]
    directly = subprocess.run([SCRIPT, "exec", *probe], cwd=folder, env=CRON, capture_output=True, check=True)
    by_a_shell = subprocess.run(
        ["/bin/sh", "-c", f"{shlex.join([SCRIPT, 'exec', *probe])}; :"],
        cwd=folder,
        env=CRON,
        capture_output=True,
        check=True,
    )

    # The C library may have its own signals ignored in what it spawns.
    without = subprocess.run(probe, cwd=folder, env=CRON, capture_output=True, check=True)

    assert {directly.stdout, by_a_shell.stdout} == {without.stdout}
    assert not int(without.stdout.split()[1], 16) & (1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1)


# As the first process of a container

AS_THE_FIRST = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]

LEAVES_ORPHANS = """
for i in 1 2 3; do (sh -c 'exit 7' & exec true) & done
wait
for i in $(seq 100); do
    zombies=$(grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null | wc -l)
    [ "$zombies" = 0 ] && [ "$i" -gt 30 ] && exit 0
    sleep 0.1
done
ps -A -o pid,ppid,state,args >&2
exit 1
"""


def test_as_the_first_process_it_leaves_no_zombies(folder: Path) -> None:
    """What nobody else waits for becomes its child, as in a container, and is waited for; the command's end is its own."""
    done = subprocess.run(
        [*AS_THE_FIRST, SCRIPT, "exec", "--", "sh", "-c", LEAVES_ORPHANS],
        cwd=folder,
        env=CRON,
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stderr) == (0, b"")

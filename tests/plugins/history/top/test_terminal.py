"""The live view in a real terminal, tmux's: what it shows there, and how it leaves it."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.missing import lacking

PATIENCE = 60.0
_LOOK = 0.05


class Terminal:
    """A terminal of tmux's, with a shell in it; the server is its own."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("tmux")
        if program is None:
            lacking("tmux is missing: apt-get install tmux")
        self._tmux = [program, "-S", str(folder / "socket"), "-f", "/dev/null"]
        shell = "env -u NO_COLOR -u TEXTUAL_THEME -u COLUMNS -u LINES PS1='$ ' LC_ALL=C.UTF-8 sh"
        self._do("new-session", "-d", "-x", "80", "-y", "24", shell)
        self.shows("$")

    def _do(self, *arguments: str) -> str:
        done = subprocess.run([*self._tmux, *arguments], capture_output=True, text=True, check=True, timeout=PATIENCE)
        return done.stdout

    def type(self, *keys: str) -> None:
        """Press keys, by tmux's names for them."""
        self._do("send-keys", *keys)

    def run(self, command: str) -> None:
        """Give the shell a command."""
        self._do("send-keys", "-l", command)
        self.type("Enter")

    def screen(self, *, colours: bool = False) -> str:
        """What is to be seen."""
        return self._do("capture-pane", "-p", *(["-e"] if colours else []))

    def shows(self, said: str, *, first: str = "") -> str:
        """Wait until this is to be seen, and the first line begins so. Returns the screen."""
        deadline = time.monotonic() + PATIENCE
        while True:
            screen = self.screen()
            if said in screen and screen.startswith(first):
                return screen
            assert time.monotonic() < deadline, f"{said!r} in:\n{screen}"
            time.sleep(_LOOK)

    def resize(self, width: int, height: int) -> None:
        """Make it another size."""
        self._do("resize-window", "-x", str(width), "-y", str(height))

    def close(self) -> None:
        """End it, and what runs in it."""
        self._do("kill-server")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A terminal with a shell."""
    opened = Terminal(tmp_path)
    yield opened
    opened.close()


def command(store: str, folder: Path, before: str = "") -> str:
    """A line for the shell: the program between two looks at how the terminal is set, and then what differs."""
    top = f"{before} {shlex.join([sys.executable, '-m', 'jobreporter', 'top', '--store', store])}"
    was, now, number = (shlex.quote(str(folder / name)) for name in ("was", "now", "pid"))
    started = f"(sh -c 'echo $PPID' > {number}; exec {top.strip()})" if not before else top
    return f"clear; stty -g > {was}; {started}; echo code $?; stty -g > {now}; cmp {was} {now} && echo as it was"


@pytest.mark.parametrize("width", [40, 80, 150])
def test_it_fits_and_leaves_the_terminal_as_it_was(terminal: Terminal, tmp_path: Path, full: str, width: int) -> None:
    """Every line of the screen is the program's own, at each width and when that changes; ``q`` ends it."""
    terminal.resize(width, 24)
    terminal.run(command(full, tmp_path))
    screen = terminal.shows("NEEDS YOU", first="jobreporter top")
    assert max(map(cell_len, screen.splitlines())) <= width
    assert "<script>" in screen
    terminal.type("j", "Enter")
    terminal.shows("WHERE")
    terminal.type("Escape")
    terminal.shows("NEEDS YOU")
    terminal.resize(62, 15)
    screen = terminal.shows("s sort\n", first="jobreporter top")
    assert max(map(cell_len, screen.splitlines())) <= 62
    terminal.type("q")
    screen = terminal.shows("as it was")
    assert "code 0" in screen
    assert "NEEDS YOU" not in screen


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_leaves_the_terminal_as_it_was(
    terminal: Terminal, tmp_path: Path, full: str, number: signal.Signals
) -> None:
    """However it is told to end."""
    terminal.run(command(full, tmp_path))
    terminal.shows("NEEDS YOU")
    if number == signal.SIGINT:
        terminal.type("C-c")  # the terminal is set so that this is a key
    else:
        os.kill(int((tmp_path / "pid").read_text()), number)
    assert "code 0" in terminal.shows("as it was")


def test_without_colours(terminal: Terminal, tmp_path: Path, full: str) -> None:
    """With NO_COLOR nothing that goes to the terminal has a colour; without, failures have."""
    escapes = {}
    for before in ("", "env NO_COLOR=1"):
        terminal.run(command(full, tmp_path, before))
        terminal.shows("NEEDS YOU")
        escapes[before] = terminal.screen(colours=True)
        terminal.type("q")
        terminal.shows("as it was")
    assert "\x1b[31m" in escapes[""]
    # 30 to 37 and 90 to 97 are the colours of letters, 40 to 47 and 100 to 107 those behind them, 38 and 48 all others.
    codes = {
        code for part in escapes["env NO_COLOR=1"].split("\x1b[")[1:] for code in part.partition("m")[0].split(";")
    }
    assert codes & {str(code) for tens in (30, 40, 90, 100) for code in range(tens, tens + 9)} == set()

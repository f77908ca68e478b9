"""What `check` and `plugins` look like on a terminal: its colours, and its width."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
WIDE, NARROW = 120, 40
#: What is at fault in it is told; the long line of an option's description has to be broken somewhere.
CONFIG = """\
[reporters.log]
levle = "INFO"
"""


def on_terminal(*arguments: str, folder: Path, columns: int, **environ: str) -> str:
    """What the command writes to a terminal of that width."""
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
    command = [sys.executable, "-m", "jobreporter", *arguments]
    process = subprocess.Popen(
        command, cwd=folder, env=environment | {"TERM": "xterm"} | environ, stdin=side, stdout=side, stderr=side
    )
    os.close(side)
    written = b""
    while True:
        try:
            read = os.read(main, 65536)
        except OSError:  # Linux says so when the last that could write has gone
            break
        if not read:
            break
        written += read
    os.close(main)
    assert process.wait(60) in (0, 1, 2)
    return written.decode().replace("\r\n", "\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "jobreporter.toml").write_text(CONFIG)
    return tmp_path


@pytest.mark.parametrize("command", [("check",), ("plugins",), ("plugins", "log")], ids=" ".join)
def test_a_terminal_gets_colours_and_nobody_who_asks_for_none(folder: Path, command: tuple[str, ...]) -> None:
    """With ``NO_COLOR``, and through a pipe, it is the same text without them."""
    coloured = on_terminal(*command, folder=folder, columns=WIDE)
    plain = on_terminal(*command, folder=folder, columns=WIDE, NO_COLOR="1")
    piped = subprocess.run(
        [sys.executable, "-m", "jobreporter", *command], cwd=folder, capture_output=True, text=True, check=False
    )

    if command != ("plugins",):  # a table has none
        assert COLOUR.search(coloured)
    assert "\x1b" not in plain + piped.stdout + piped.stderr
    assert COLOUR.sub("", coloured) == plain
    assert plain.split() == (piped.stdout + piped.stderr).split()


def test_an_empty_no_color_is_none(folder: Path) -> None:
    """As the convention has it."""
    assert COLOUR.search(on_terminal("check", folder=folder, columns=WIDE, NO_COLOR=""))


@pytest.mark.parametrize("command", [("plugins",), ("plugins", "log")], ids=" ".join)
def test_a_narrow_terminal_breaks_lines_between_words(folder: Path, command: tuple[str, ...]) -> None:
    """No word is lost, and only words that are longer stand out."""
    wide = COLOUR.sub("", on_terminal(*command, folder=folder, columns=WIDE))
    narrow = COLOUR.sub("", on_terminal(*command, folder=folder, columns=NARROW))
    assert narrow.split() == wide.split()
    assert len(narrow.splitlines()) > len(wide.splitlines())
    if command != ("plugins",):  # of a table, the first columns alone may be wider
        assert [line for line in narrow.splitlines() if len(line) > NARROW and len(line.split()) > 1] == []

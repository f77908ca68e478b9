"""What a command has started."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobreporter.sources.command import _process_tree
from jobreporter.sources.command._process_tree import Process, ProcessTree, processes_of_proc, processes_of_ps

# Three generations. The pids come out once all of them run; each waits for the next to end, the last for ever.
GENERATIONS = "sh -c 'sh -c \"echo \\$\\$; read forever\" <&3 3<&-; :' 3<&0; :"


class Family:
    """A shell, its child and its grandchild."""

    def __init__(self) -> None:
        self.root = subprocess.Popen(
            ["sh", "-c", GENERATIONS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.root.stdout is not None
        self.grandchild = int(self.root.stdout.readline())

    def end(self) -> None:
        assert self.root.stdin is not None
        assert self.root.stdout is not None
        self.root.stdin.close()
        self.root.stdout.read()  # ends once nobody holds the pipe
        self.root.stdout.close()
        self.root.wait()


@pytest.fixture
def family() -> Iterator[Family]:
    family = Family()
    yield family
    family.end()


def test_all_generations_are_found(family: Family) -> None:
    """The tree holds children and theirs, and not the root itself."""
    alive = ProcessTree(family.root.pid).alive()

    assert len(alive) == 2
    assert alive[-1] == family.grandchild
    assert processes_of_proc()[family.grandchild].parent == alive[0]


def test_what_was_seen_counts_when_its_parent_is_gone(family: Family) -> None:
    """A grandchild that was given up meanwhile is still known."""
    tree = ProcessTree(family.root.pid)
    child = tree.alive()[0]

    os.kill(child, signal.SIGKILL)
    family.root.kill()
    family.root.wait()

    assert tree.alive() == [family.grandchild]


def test_a_number_that_is_used_again_is_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process with a known number that started later is left alone."""
    processes = {10: Process(1, "a"), 11: Process(10, "b")}
    monkeypatch.setattr(_process_tree, "processes_of_proc", lambda: processes)
    tree = ProcessTree(10)
    assert tree.alive() == [11]

    processes[11] = Process(1, "c")
    assert tree.alive() == []


def test_ps_tells_the_same(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no /proc, ps finds the same tree."""
    found = ProcessTree(family.root.pid).alive()
    monkeypatch.setattr(_process_tree, "processes_of_proc", dict)

    assert ProcessTree(family.root.pid).alive() == found


def test_the_dead_are_left_out(family: Family) -> None:
    """A zombie, which nobody has waited for yet, is in neither list."""
    family.root.kill()
    os.waitid(os.P_PID, family.root.pid, os.WEXITED | os.WNOWAIT)

    assert family.root.pid not in processes_of_proc()
    assert family.root.pid not in processes_of_ps()


def test_a_process_that_ends_while_it_is_looked_at_is_left_out(tmp_path: Path) -> None:
    """A directory of /proc may be gone by the time it is read; a name may hold anything."""
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "stat").write_text("7 (a) b (c) S 3 " + "0 " * 17 + "99 0\n")
    (tmp_path / "8").mkdir()
    (tmp_path / "8" / "stat").symlink_to(tmp_path / "gone")

    assert processes_of_proc(tmp_path) == {7: Process(3, "99")}


def test_without_proc_and_ps_no_descendants_are_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Then the command itself is all that can be ended."""
    monkeypatch.setattr(_process_tree, "processes_of_proc", dict)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert ProcessTree(os.getpid()).alive() == []

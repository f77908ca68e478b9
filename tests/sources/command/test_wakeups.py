"""What wakes the thread that waits for a command."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from jobreporter.sources.command._wakeups import FORWARDED, Wakeups


def test_a_signal_is_caught_and_told_by_number() -> None:
    """A caught signal ends the wait, and nothing else happens."""
    with Wakeups(signals=True) as wakeups:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGUSR1)

        assert sorted(wakeups.wait()) == [signal.SIGUSR1, signal.SIGTERM]
        assert wakeups.wait(0) == []


def test_leaving_puts_back_what_was_there() -> None:
    """Handlers and the wakeup descriptor are the caller's own again."""
    received: list[int] = []
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    former = signal.signal(signal.SIGUSR1, lambda number, frame: received.append(number))
    former_pipe = signal.set_wakeup_fd(writing)
    before = [signal.getsignal(number) for number in sorted(FORWARDED)]
    try:
        with Wakeups(signals=True):
            assert [signal.getsignal(number) for number in sorted(FORWARDED)] != before

        assert [signal.getsignal(number) for number in sorted(FORWARDED)] == before
        os.kill(os.getpid(), signal.SIGUSR1)
        assert received == [signal.SIGUSR1]
        assert os.read(reading, 8) == bytes([signal.SIGUSR1])
    finally:
        assert signal.set_wakeup_fd(former_pipe) == writing
        signal.signal(signal.SIGUSR1, former)
        os.close(reading)
        os.close(writing)


def test_an_ignored_signal_stays_ignored() -> None:
    """Under nohup the command goes on ignoring SIGHUP, because we do."""
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Wakeups(signals=True) as wakeups:
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            os.kill(os.getpid(), signal.SIGHUP)
            assert wakeups.wait(0) == []
    finally:
        signal.signal(signal.SIGHUP, former)


def test_the_exit_status_of_children_is_not_thrown_away() -> None:
    """An inherited SIG_IGN for SIGCHLD, which makes every command look successful, is lifted for the time."""
    former = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with Wakeups(signals=True):
            assert signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL
        assert signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGCHLD, former)


def test_without_being_asked_no_signal_is_touched() -> None:
    """A program that uses it as a library keeps its own handlers."""
    before = [signal.getsignal(number) for number in sorted(FORWARDED)]
    with Wakeups():
        assert [signal.getsignal(number) for number in sorted(FORWARDED)] == before


def test_in_another_thread_no_signal_is_touched() -> None:
    """Only a main thread can catch signals; elsewhere there are none to forward."""
    problems: list[BaseException] = []

    def elsewhere() -> None:
        try:
            with Wakeups(signals=True) as wakeups:
                assert wakeups.wait(0) == []
        except BaseException as error:
            problems.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert problems == []


def test_another_thread_wakes_the_one_that_waits() -> None:
    """A wake ends a wait that has no end of its own."""
    with Wakeups() as wakeups:
        thread = threading.Thread(target=wakeups.wake)
        thread.start()
        assert wakeups.wait() == []
        thread.join()


def test_a_wake_that_comes_too_late_is_harmless() -> None:
    """What is left of a command may call when all is over; it writes into nobody else's file."""
    with Wakeups() as wakeups:
        pass
    reading, writing = os.pipe()  # most likely the numbers that were just closed
    os.set_blocking(reading, False)
    wakeups.wake()
    with pytest.raises(BlockingIOError):
        os.read(reading, 1)
    os.close(reading)
    os.close(writing)

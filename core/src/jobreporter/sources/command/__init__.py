"""Commands as jobs: what ``jobreporter exec`` does, as a function.

    from jobreporter.sources.command import run

    run(dispatcher, ["pg_dump", "--file", "shop.sql", "shop"], timeout=600)

One call is one execution. Exit code 0 is a success, one of ``skip_codes`` ``aborted(skipped)``, any other a failure of
the kind ``exit_code``, and so is death by a signal, which is named. A command that ran out of time failed by
``timeout``. One that ends because this process was asked to end is ``aborted(shutdown)``. A failure carries the last
lines of the output.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from jobreporter import one_line
from jobreporter.sourcekit import signal_name
from jobreporter.sources.command._child import GRACE, Child, Ending
from jobreporter.sources.command._inherited import Inherited
from jobreporter.sources.command._wakeups import Wakeups

if TYPE_CHECKING:
    from jobreporter import Dispatcher, Execution

#: As ``jobreporter sources`` shows it. A command needs no library.
ATTACHED_BY = "jobreporter exec -- COMMAND"

TIMED_OUT = 124
NOT_EXECUTABLE = 126
NOT_FOUND = 127

# Characters of the output's last line that a failure's message quotes.
MESSAGE = 300

_NOTHING = Inherited()


class CommandFailed(Exception):  # noqa: N818 - reads better in a report, and is never raised
    """A command ended with another exit code than 0, or was killed by a signal. Reported, never raised."""


class CommandTimedOut(CommandFailed, TimeoutError):  # noqa: N818 - as above
    """A command was ended because its time was up."""


class CommandNotStarted(CommandFailed):
    """A command wasn't found, or couldn't be executed."""


class Result(NamedTuple):
    """What came of a command."""

    #: Its exit code; 128 + n if signal n killed it; 124, 126 or 127 as a shell has them.
    code: int
    #: What the command couldn't say itself: that it didn't start, was ended, or that its output went nowhere.
    remarks: tuple[str, ...] = ()
    #: The signal that killed it, where this process was asked to end by the same.
    ended_by: int | None = None


def run(
    dispatcher: Dispatcher,
    command: Sequence[str],
    *,
    name: str | None = None,
    queue: str | None = None,
    timeout: float | None = None,
    skip_codes: Collection[int] = (),
) -> int:
    """Run a command as a job and return its exit code.

    - ``dispatcher``: reports it.
    - ``command``: the program and its arguments; no shell is involved.
    - ``name``: what the job is called; by default the program's own name.
    - ``queue``: the job's queue, if it is to have one.
    - ``timeout``: seconds that it may take; by default as long as it takes.
    - ``skip_codes``: exit codes by which it says that there was nothing to do.

    Its input and output are this process's own. A signal that kills it is 128 + n, a timeout 124, a program that can't
    be executed 126, one that isn't found 127. Signals that this process gets are not forwarded: an exception that
    interrupts the call ends the command, and propagates.
    """
    with Wakeups() as wakeups:
        return execute(
            dispatcher, command, wakeups, name=name, queue=queue, timeout=timeout, skip_codes=skip_codes
        ).code


def execute(
    dispatcher: Dispatcher,
    command: Sequence[str],
    wakeups: Wakeups,
    *,
    name: str | None = None,
    queue: str | None = None,
    timeout: float | None = None,
    skip_codes: Collection[int] = (),
    grace: float = GRACE,
    inherited: Inherited = _NOTHING,
) -> Result:
    """Like `run`; the signals that ``wakeups`` catches are forwarded, and the command has ``grace`` seconds to obey.

    inherited: what this process itself was given, for the command to get the same.
    """
    if not command:
        raise ValueError("there is no command to run")
    words = tuple(readable(word) for word in command)
    name = name or os.path.basename(words[0]) or words[0] or "command"
    names = argument_names(words)
    environment = _as_text(os.environb if inherited.environment is None else inherited.environment)
    with dispatcher.begin(
        name, source="command", queue=queue, args=words, argument_names=names, _beside=environment
    ) as execution:
        execution._know(environment)  # what it is given without a word may be in its output all the same
        try:
            child = Child(command, wakeups, inherited)
        except OSError as error:
            result = note_not_started(execution, words[0], error)
        else:
            result = note_ending(execution, child.wait(timeout, grace), timeout, skip_codes)
    return result


def note_not_started(execution: Execution, program: str, error: OSError) -> Result:
    """Note that there is no command to wait for."""
    remark = f"{program or repr(program)}: {error.strerror}"
    code = NOT_FOUND if error.errno == errno.ENOENT else NOT_EXECUTABLE
    execution.tag(exit_code=code)
    execution.fail(CommandNotStarted(remark), kind="exit_code", exit_status=code)
    return Result(code, (remark,))


def note_ending(execution: Execution, ending: Ending, timeout: float | None, skip_codes: Collection[int]) -> Result:
    """Note how the command ended, and say what its caller should exit with."""
    remarks = tuple(
        f"the command's {output.name} could not be passed on: {output.problem.strerror}"
        for output in ending.outputs
        # EPIPE: nobody wanted to read on, which the command was told as well.
        if output.problem is not None and output.problem.errno != errno.EPIPE
    )
    if ending.timed_out or ending.returncode is None:
        how = f"timed out after {timeout:g} s"
        error = failure(CommandTimedOut, how, ending, remarks, execution.redacted)
        execution.fail(error, kind="timeout", exit_status=ending.returncode)
        return Result(TIMED_OUT, (how, *remarks))
    signalled = -min(ending.returncode, 0)
    code = 128 + signalled if signalled else ending.returncode
    execution.tag(exit_code=code)
    if code in skip_codes:
        execution.abort("skipped")
    elif code - 128 in ending.asked:
        # It died of what we were sent, or says so as a shell does.
        execution.abort("shutdown")
        return Result(code, remarks, ended_by=signalled or None)
    elif code != 0:
        how = f"killed by {signal_name(signalled)}" if signalled else f"exited with code {code}"
        error = failure(CommandFailed, how, ending, remarks, execution.redacted)
        execution.fail(error, kind="exit_code", exit_status=ending.returncode)
    return Result(code, remarks)


def failure(
    kind: type[CommandFailed], how: str, ending: Ending, remarks: Sequence[str], hide: Callable[[str], str]
) -> CommandFailed:
    """The error to report: its message ends in the last line that says something, its notes hold the last lines.

    hide: takes out what is secret, before anything is cut.
    """
    tails = {output.name: tail for output in ending.outputs if (tail := output.tail(hide)).strip()}
    # What it writes to stderr is about itself; what is no text says less than any line.
    best_last = sorted(ending.outputs, key=lambda output: (output.is_text, output.name == "stderr"))
    last = last_line(*(tails.get(output.name, "") for output in reversed(best_last)))
    error = kind(f"{how}: {one_line(last, MESSAGE)}" if last else how)
    for name, tail in tails.items():
        error.add_note(f"The end of its {name}:\n{tail}")
    for remark in remarks:
        error.add_note(remark)
    return error


def last_line(*texts: str) -> str:
    """The last line of these that says something: with a letter or a digit in it, and not a rule drawn below others.

    The first text that has one counts; where none has, any line that isn't blank will do.
    """
    lines = [line for text in texts for line in map(str.strip, reversed(text.splitlines())) if line]
    return next((line for line in lines if any(map(str.isalnum, line))), next(iter(lines), ""))


def argument_names(words: Sequence[str]) -> tuple[str, ...]:
    """For each word of a command line the option that it is the value of, so that secrets among them are found.

    What one word says by itself, as ``--token=x`` does, is found without that.
    """
    return ("", *(_option(before) if not word.startswith("--") else "" for before, word in pairwise(words)))


def _option(word: str) -> str:
    """The name that announces the next word: ``token`` for ``--token`` and ``-token``."""
    name = word.lstrip("-")
    return name if word.startswith("-") and "=" not in name else ""


def _as_text(environment: Mapping[bytes, bytes]) -> dict[str, str]:
    return {os.fsdecode(name): value.decode(errors="replace") for name, value in environment.items()}


def readable(word: str) -> str:
    """A word of a command line as valid text: it may hold any bytes."""
    return os.fsencode(word).decode(errors="replace")

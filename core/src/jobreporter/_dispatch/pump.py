"""The one thread that moves published events into the lanes, and watches them: one turn after the other (`turns`)."""

from __future__ import annotations

from collections.abc import Sequence

from jobreporter._dispatch.dispatcher_log import DispatcherLog
from jobreporter._dispatch.hiding import Hiding
from jobreporter._dispatch.intake import Intake
from jobreporter._dispatch.turns import STARTING, Turns
from jobreporter._lane.flush import Flush
from jobreporter._lane.lane import Lane
from jobreporter._lane.wording import describe
from jobreporter._publish.ingress import Ingress, keep_out
from jobreporter._system import threads
from jobreporter._system.aside import LOG
from jobreporter._system.clock import Clock
from jobreporter._system.greenlets import patched_by
from jobreporter._system.wakeup import Latch, Wakeup

# Seconds after which a thread that was started, and is not there yet, is given up. One that had no memory to begin says so
# to nobody.
LOST_START = 1.0

# Seconds before a thread is started again after that failed: the machine may be out of them for a moment.
RESTART = 0.1

# What Python says where the system has no thread to give. Whatever else it says of threads stays so: the interpreter shuts
# down, or it is a subinterpreter that has none.
OUT_OF_THREADS = "can't start new thread"

# How often the thread tries to end in order, while it is interrupted.
LAST_TRIES = 10

# Seconds between two turns while each is interrupted: at first, doubled each time, and at most.
SHORTEST_PAUSE = 0.002
LONGEST_PAUSE = 1.0


class Pump:
    """Runs in a thread of its own from the first event of a process to the close of its dispatcher.

    Whatever interrupts a turn, the next one makes it good. Whatever ends the thread, another takes its place: it is started
    by the one that ends, or else by the next publisher, flush or close.
    """

    def __init__(
        self,
        ingress: Ingress,
        lanes: Sequence[Lane],
        log: DispatcherLog,
        clock: Clock,
        hiding: Hiding | None = None,
    ) -> None:
        self._ingress = ingress
        self._log = log
        self._clock = clock
        self.intake = Intake(ingress, lanes, log.invalid, hiding)
        self._turns = Turns(ingress, self.intake, lanes, clock, wake=self.wake, stumbled=self._stumbled)
        # The thread that has the claim is the pump. A lock would be held by whatever code a signal interrupts.
        self._claims = [None]
        # The monotonic time before which no other thread is started, and whether one was.
        self._no_start_before = 0.0
        self._launched = False
        self._up = Latch(clock)
        #: Whether the thread has run.
        self.has_run = False
        self._patched_by = patched_by()
        # How many turns in a row were interrupted.
        self._stumbles = 0
        # Whether the thread has ended by itself, and not by an exception: then it holds no lock of a lane's.
        self._ended_well = True
        #: Whether the thread runs; before that, events wait.
        self.running = False
        #: Stop at once.
        self.quitting = False
        #: Nothing more will be asked of its thread, which may log once it has ended otherwise.
        self.dismissed = False
        # Wakes the thread where it stays to log after its end: there may be no other any more.
        self._spare: Wakeup | None = None
        #: Opens when the thread has ended, and no other will take its place.
        self.ended = Latch(clock)
        #: Whether there never will be a thread.
        self.barred = False
        #: Why events are not handed out, though they should be; ``None`` while they are.
        self.trouble: str | None = None

    @property
    def started(self) -> bool:
        """Whether the thread runs, or is about to."""
        return self._launched or self.running

    @property
    def outdated(self) -> bool:
        """Whether threads have become greenlets since this was made: then its locks are none that greenlets may wait for."""
        return not self.started and self._patched_by != patched_by()

    def start(self) -> None:
        """Start the thread, unless it is there, and give it a moment to start the lanes.

        Without that moment, a program that ends right after its first events would lose them: from Python 3.12 on, no
        thread starts once the main one has ended. Greenlets start later too, and a publisher is never switched away from.
        """
        now = self._clock.monotonic()
        if not self._claims or now < self._no_start_before or self._over():
            return
        try:
            self._no_start_before = now + LOST_START
            threads.start(self._run, "pump", self._did_not_start)
            self._launched = True
            if self._patched_by is None:
                self._up.wait(STARTING)
        except (RuntimeError, MemoryError) as error:
            self._did_not_start(error)
        except BaseException:
            self._no_start_before = 0.0  # a time limit lands anywhere: whoever comes next tries again
            raise

    def _did_not_start(self, error: BaseException) -> None:
        self._launched = False
        self._no_start_before = self._clock.monotonic() + RESTART
        why = str(error) or type(error).__name__
        self.barred = type(error) is RuntimeError and why != OUT_OF_THREADS
        self.trouble = f"no thread can be started: {why}"
        self._log.no_thread(why)

    def flush(self, flush: Flush) -> None:
        """Pass a request on to the lanes, behind all that has been published."""
        self._turns.flush(flush)
        self.wake()

    def close(self, by: float) -> None:
        """Hand out what has come, close the lanes, and end. by: the monotonic time when nobody waits for that any more."""
        self._turns.close(by)
        self.wake()

    def quit(self) -> None:
        """End now. Threads that hang are left behind."""
        self.quitting = True
        self.wake()

    def dismiss(self) -> None:
        """Nobody needs the thread any more, not even to log."""
        self.dismissed = True
        if self._spare is not None:
            LOG.recall(self._spare)

    def give_up(self) -> None:
        """Where no thread runs that would do so: count what was taken, and reached no lane. Called after `quit`.

        The claim is taken away for good: nobody becomes the pump any more.
        """
        try:
            self._claims.pop()
        except IndexError:
            return  # it runs
        self.intake.give_up()

    def forking(self) -> None:
        """Before a fork: have the lanes come to rest. The pump itself runs nobody's code, and holds nothing in C."""
        for watchdog in self._turns.watchdogs:
            watchdog.forking()

    def at_rest(self) -> bool:
        """Whether they have."""
        return all(watchdog.at_rest for watchdog in self._turns.watchdogs)

    def forked(self) -> None:
        """In a forked child: greenlets come along, so what is left of the parent's must end without a word."""
        self.quitting = self.dismissed = True
        for watchdog in self._turns.watchdogs:
            watchdog.forked()

    def wake(self) -> None:
        """Have the thread look around. Before it runs, it will do so anyhow."""
        if self.running:
            self._ingress.wakeup.wake()

    def _run(self) -> None:
        claim: list[None] = []
        try:
            try:
                if _move(self._claims, claim):
                    keep_out()
                    self._serve()
            finally:
                self._leave_whatever_comes(claim)
        finally:
            self._leave_whatever_comes(claim)  # an interruption may land before the first call of it has begun
        if claim and self._spare is not None:
            LOG.serve(self._spare, lambda: self.dismissed)

    def _leave_whatever_comes(self, claim: list[None]) -> None:
        """Leave, and once more if that is interrupted: every step of it can be repeated."""
        for _ in range(LAST_TRIES):
            try:
                self._leave(claim)
            except BaseException:  # noqa: S112 - the thread has nothing left that could be told of it
                continue
            return

    def _serve(self) -> None:
        self._ended_well = False
        self._ingress.asleep.clear()
        self._turns.begin()
        self.running = self.has_run = True
        self.barred = False
        self._up.open()
        while not self._over():
            try:
                self._take_turn()
            except BaseException as error:
                self._stumbled(error)
        self._ended_well = True

    def _leave(self, claim: list[None]) -> None:
        """The thread ends. If it shouldn't, another takes its place, which runs as soon as it gets the claim."""
        over = self._over()
        if claim:
            if not self._ended_well:  # what interrupted a turn came again, before that was made good
                self._turns.free_locks()
                self._ended_well = True
            self.running = False
            self._no_start_before = 0.0
            if over:
                self.intake.give_up()
                if self._spare is None:
                    self._spare = LOG.lend()
            # From here on, publishers turn to the dispatcher, which knows whether it is closed.
            self._ingress.desert()
            if over:
                self.ended.open()
            else:
                self._launched = False
                _move(claim, self._claims)
        if self.quitting:
            self.give_up()  # whoever asked it to end may have found that it runs
        else:
            self.start()

    def _take_turn(self) -> None:
        stumbles = self._stumbles
        rest = self._turns.take()
        if self._stumbles == stumbles:
            self._stumbles = 0
            self.trouble = None
        self._turns.rest(rest, is_expected=lambda: self.quitting)

    def _stumbled(self, error: BaseException) -> None:
        """A turn was interrupted. The first time the next one follows at once, and then after a pause."""
        self._stumbles += 1
        self.trouble = f"handing out events was interrupted: {describe(error)}"
        self.intake.be_careful()
        self._turns.free_locks()
        self._log.stumbled(error)
        if self._stumbles > 1:
            self._ingress.wakeup.wait(min(SHORTEST_PAUSE * 2**self._stumbles, LONGEST_PAUSE))

    def _over(self) -> bool:
        return self.quitting or self._turns.over


def _move(source: list[None], target: list[None]) -> bool:
    """Move the claim, if it is there: whatever interrupts a thread, and whoever else tries, one list has it.

    No interpreter switches threads or raises what another thread has thrown while a list extends itself from built-in
    iterators.
    """
    try:
        target.extend(map(list.pop, [source]))
    except IndexError:
        return False
    return True

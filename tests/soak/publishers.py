"""Those who publish, each in its own way. Each numbers its jobs, and counts what it has published."""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time

from jobreporter import Abort, Execution
from jobreporter.testing import make_event, make_job

from .litter import Litter
from .odd import odd_items
from .stage import Stage

KINDS = ("started", "success", "aborted", "failure", "stopped")


class Publisher:
    """Publishes to one dispatcher, from one thread."""

    def __init__(self, stage: Stage, name: str, dice: random.Random) -> None:
        self.stage = stage
        self.name = name
        self.dice = dice
        self._counts = stage.sent().part()
        self._number = 0

    def _id(self) -> str:
        self._number += 1
        return f"{os.getpid()}/{self.name}/{self._number}"

    def act(self) -> None:
        """One random thing."""
        deeds = (self.burst, self.execution, self.race, self.nonsense, self.look, self.flush)
        (deed,) = self.dice.choices(deeds, (50, 35, 5, 2, 5, 3))
        deed()

    def burst(self, most: int = 200) -> None:
        """Some events that were made elsewhere."""
        for _ in range(self.dice.randint(1, most)):
            kind = self.dice.choice(KINDS)
            self.stage.dispatcher.publish(make_event(kind, job=make_job(id=self._id())))
            self._counts[kind] += 1

    def flood(self, count: int) -> None:
        """So many events, made beforehand."""
        events = [make_event("started", job=make_job(id=self._id())) for _ in range(count)]
        for event in events:
            self.stage.dispatcher.publish(event)
        self._counts["started"] += count

    def nonsense(self) -> None:
        """What is no event, not plain data, or hostile."""
        self.stage.dispatcher.publish(self.dice.choice(odd_items(self._id())))
        self._counts["nonsense"] += 1

    def look(self) -> None:
        """Read the ledger, whatever goes on."""
        self.stage.look()

    def flush(self) -> None:
        """Wait for a while for what was published to leave; if it is said to have left, it has."""
        published = self._counts.total() - self._counts["nonsense"]
        if self.stage.flush(self.dice.choice([0, 0.01, 0.1, 1])):
            self.stage.expect(self.name, published)

    def begin(self) -> Execution:
        """Start an execution with arguments that may be anything."""
        anything = self.dice.choice([(), (1, "text"), ({"password": "hunter2"},), (object(), b"x" * 5_000)])
        execution = self.stage.dispatcher.begin("soak", id=self._id(), args=anything, kwargs={"number": self._number})
        self._counts["started"] += 1
        return execution

    def end(self, outcome: str) -> None:
        """Count what an execution's end has published."""
        self._counts[outcome] += 1
        self._counts["stopped"] += 1

    def execution(self) -> None:
        """A whole one, ended in any way."""
        self.dice.choice((self._noted, self._noted, self._as_block, self._given_up, self.begin))()

    def _noted(self) -> None:
        execution = self.begin()
        outcome = self.dice.choice(["success", "aborted", "failure"])
        self._note(execution, outcome)
        execution.stop()
        self.end(outcome)

    def _note(self, execution: Execution, outcome: str) -> None:
        if outcome == "success":
            execution.succeed()
        elif outcome == "aborted":
            execution.abort("skipped", will_retry=self.dice.choice([None, True, False]))
        else:
            execution.fail(ValueError("no luck"), will_retry=self.dice.choice([None, True, False]))

    def _as_block(self) -> None:
        error = self.dice.choice([None, Abort("locked"), KeyError("k"), KeyboardInterrupt(), asyncio.CancelledError()])
        if self._out_of_block(error) is not (None if isinstance(error, Abort) else error):
            self.stage.complaints().append(f"a block that raised {error!r} raised something else")
        self.end("success" if error is None else "failure" if isinstance(error, KeyError) else "aborted")

    def _out_of_block(self, error: BaseException | None) -> BaseException | None:
        """What comes out of a block that raises this."""
        try:
            with self.begin() as execution:
                execution.tag(lucky=error is None)
                _give(error)
        except BaseException as raised:
            return raised
        return None

    def _given_up(self) -> None:
        self.stage.dispatcher.abort("expired", "soak", id=self._id())
        self.end("aborted")

    def race(self) -> None:
        """Two threads stop an execution, and one of them comes too late. Not for signal handlers: they start no threads."""
        execution = self.begin()
        execution.succeed()
        threads = [threading.Thread(target=execution.stop) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.end("success")
        self.stage.sent().races.append(None)


def _give(error: BaseException | None) -> None:
    if error is not None:
        raise error


def on_a_thread(publisher: Publisher, until: float) -> None:
    """Anything, with pauses."""
    while time.monotonic() < until:
        publisher.act()
        time.sleep(publisher.dice.choice([0, 0, 0.001, 0.01]))


def in_executions(publisher: Publisher, until: float) -> None:
    """One execution after the other."""
    while time.monotonic() < until:
        publisher.execution()


def in_asyncio(publisher: Publisher, until: float) -> None:
    """Several executions at once on one thread, some of them cancelled: each is a publisher of its own."""

    async def job(one: Publisher) -> None:
        execution = one.begin()
        outcome = "aborted"
        try:
            with execution:
                await asyncio.sleep(one.dice.uniform(0, 0.01))
                outcome = "success"
        finally:
            one.end(outcome)

    async def main() -> None:
        number = 0
        while time.monotonic() < until:
            names = [f"{publisher.name}-{number + index}" for index in range(5)]
            number += len(names)
            tasks = [asyncio.ensure_future(job(Publisher(publisher.stage, name, publisher.dice))) for name in names]
            await asyncio.sleep(publisher.dice.uniform(0, 0.01))
            for task in tasks:
                if publisher.dice.random() < 0.3:
                    task.cancel()
            await asyncio.wait(tasks)

    asyncio.run(main())


def with_litter(publisher: Publisher, until: float) -> None:
    """Finalizers publish too."""
    while time.monotonic() < until:
        Litter.drop(publisher.stage.dispatcher, publisher.stage.sent, publisher.name)
        publisher.burst(5)
        time.sleep(0.001)


def as_a_flood(publisher: Publisher, _until: float) -> None:
    """More at once than the ingress has room for."""
    publisher.flood(150_000)


WAYS = {
    "thread": on_a_thread,
    "executions": in_executions,
    "asyncio": in_asyncio,
    "litter": with_litter,
    "flood": as_a_flood,
}

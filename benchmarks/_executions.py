"""The executions that stores are given: the same to each, a failure among twenty."""

from __future__ import annotations

from typing import NamedTuple

from jobreporter import ErrorInfo, Event, Failure, Frame, Job, Started, Stopped, Success

#: Unix seconds.
BEGIN = 1_790_000_000.0
JOBS = tuple(f"shop.tasks.job_{number}" for number in range(20))
#: A word that one in a thousand has among its arguments.
RARE = "zeppelin"

_FRAMES = tuple(
    Frame(
        filename=f"/srv/shop/shop/{module}.py",
        lineno=40 + line,
        function="charge",
        module=f"shop.{module}",
        in_app=True,
    )
    for line, module in enumerate(("tasks", "bank", "cards"))
)
ERROR = ErrorInfo(type="shop.errors.Declined", message="card was declined", frames=_FRAMES)
TRACEBACK = "".join(f'  File "{frame.filename}", line {frame.lineno}, in charge\n' for frame in _FRAMES)


class Done(NamedTuple):
    """One execution that has ended."""

    id: str
    name: str
    args: tuple[object, ...]
    at: float
    failed: bool

    def events(self) -> list[Event]:
        """As jobreporter tells of it."""
        job = Job(id=self.id, execution_id=self.id, name=self.name, source="celery", queue="mail", args=self.args)
        outcome: Event = (
            Failure(job=job, at=self.at, error=ERROR, will_retry=False, duration=0.5)
            if self.failed
            else Success(job=job, at=self.at, duration=0.5)
        )
        ended = "failure" if self.failed else "success"
        return [Started(job=job, at=self.at - 0.5), outcome, Stopped(job=job, at=self.at, outcome=ended, duration=0.5)]


def executions(first: int, count: int) -> list[Done]:
    """So many, a second apart, from the ``first`` on."""
    return [
        Done(
            id=f"{number:08x}-0000-4000-8000-000000000000",
            name=JOBS[number * 7 % len(JOBS)],
            args=(number, RARE if number % 1000 == 0 else "a report, in three parts", 2.5),
            at=BEGIN + number,
            failed=number % 20 == 3,
        )
        for number in range(first, first + count)
    ]

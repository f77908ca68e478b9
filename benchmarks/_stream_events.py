"""Events as they come out of an application: ids, times and arguments that differ, and a failure among twenty."""

from __future__ import annotations

import random
import uuid

from _executions import ERROR, JOBS

from jobreporter import Event, Failure, Job, Started, Stopped, Success

_WORDS = "invoice reminder parcel nightly export import refund cart photo thumbnail newsletter welcome".split()


def events(jobs: int, seed: int = 1) -> list[Event]:
    """Three for each job: started, success or failure, stopped. The same for the same seed."""
    drawn = random.Random(seed)  # noqa: S311 - to be repeated, and no secret
    made: list[Event] = []
    for _ in range(jobs):
        name = str(uuid.UUID(int=drawn.getrandbits(128), version=4))
        words = " ".join(drawn.choices(_WORDS, k=3))
        job = Job(
            id=name,
            execution_id=name,
            name=drawn.choice(JOBS),
            source="celery",
            queue="mail",
            args=(drawn.randrange(10**6), words, round(drawn.random() * 100, 2)),
            worker=f"web-{drawn.randrange(20)}:{drawn.randrange(30_000)}",
        )
        at, duration = 1.7e9 + drawn.random() * 1e6, drawn.random()
        fails = drawn.random() < 1 / 20
        outcome: Event = (
            Failure(job=job, at=at + duration, error=ERROR, will_retry=False, duration=duration)
            if fails
            else Success(job=job, at=at + duration, duration=duration)
        )
        ended = "failure" if fails else "success"
        made += [
            Started(job=job, at=at),
            outcome,
            Stopped(job=job, at=at + duration, outcome=ended, duration=duration),
        ]
    return made

"""The Celery app that Flower and the page look at: a task that fails now and then, and one that never ends."""

from __future__ import annotations

import os
import sys
import time

from celery import Celery

from jobreporter.sources.celery import attach

#: A word that one task in a thousand has among its arguments.
RARE = "zeppelin"

app = Celery("shop", broker=os.environ["BENCH_REDIS"])
app.conf.task_ignore_result = True
app.conf.worker_prefetch_multiplier = 64
app.conf.broker_connection_retry_on_startup = True
attach(app)


class Declined(Exception):  # noqa: N818 - as an application calls it
    """One task in twenty ends so."""


@app.task(name="shop.charge")
def charge(number: int, title: str, amount: float) -> None:
    """Charge a card, or fail to."""
    if number % 20 == 3:
        raise Declined(f"card {number % 7} was declined")


@app.task(name="shop.wait")
def wait() -> None:
    """Never ends."""
    time.sleep(100_000)


if __name__ == "__main__":
    for number in range(int(sys.argv[1])):
        charge.delay(number, RARE if number % 1000 == 0 else "a report, in three parts", 2.5)

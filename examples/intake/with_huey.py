"""The intake's jobs in a Huey on disk. The worker: ``huey_consumer intake.with_huey.huey``."""

from datetime import UTC, datetime, timedelta

from huey import SqliteHuey

from intake import jobs, talk  # noqa: F401 - talk: so that the reporter `log` shows
from intake.places import HOME
from jobreporter.sources.huey import attach

huey = SqliteHuey("intake", filename=str(HOME / "intake.db"), store_intermediate_errors=False)

# The one line that it takes. A process that only enqueues starts nothing: the reporters run in the worker.
attach(huey)

register = huey.task()(jobs.register)
index_words = huey.task()(jobs.index_words)
total_invoices = huey.task()(jobs.total_invoices)
close_month = huey.task(retries=3, retry_delay=1)(jobs.close_month)
archive_log = huey.task()(jobs.archive_log)
remind = huey.task()(jobs.remind)
proofread = huey.task()(jobs.proofread)


def enqueue() -> None:
    """Put a day's work into the queue. The ids keep the lines of the log short; left out, Huey makes up long ones."""
    for job in (
        register.s("terms.txt", id="1").then(index_words.s(id="2")),
        register.s("terms-again.txt", id="3"),
        close_month.s("march.csv", id="4"),  # comes before the totals that it needs
        total_invoices.s("march.csv", id="5"),
        total_invoices.s("april.csv", id="6"),  # has an amount that is no number
        remind.s("order paper", id="7", expires=datetime.now(UTC) - timedelta(hours=1)),
        archive_log.s("gate.log", id="8"),
    ):
        huey.enqueue(job)


def enqueue_long() -> None:
    """One job more, which takes a minute."""
    huey.enqueue(proofread.s("terms.txt", id="9"))

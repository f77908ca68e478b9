"""The intake's jobs in Celery, with Redis. The worker: ``celery -A intake.with_celery worker``."""

import os
from datetime import UTC, datetime, timedelta

from celery import Celery, chain

from intake import jobs, talk  # noqa: F401 - talk: so that the reporter `log` shows
from jobreporter.sources.celery import attach

app = Celery("intake", broker=os.environ.get("INTAKE_REDIS", "redis://localhost"))
app.conf.task_default_queue = "intake"
app.conf.task_ignore_result = True

# The one line that it takes. A process that only enqueues starts nothing: the reporters run in the worker.
attach(app)

register = app.task(jobs.register, max_retries=0)
index_words = app.task(jobs.index_words, max_retries=0)
total_invoices = app.task(jobs.total_invoices, max_retries=0)
close_month = app.task(jobs.close_month, autoretry_for=(Exception,), max_retries=3, default_retry_delay=1)
archive_log = app.task(jobs.archive_log, max_retries=0)
remind = app.task(jobs.remind, max_retries=0)
proofread = app.task(jobs.proofread, max_retries=0)


def enqueue() -> None:
    """Put a day's work into the queue. The ids keep the lines of the log short; left out, Celery makes up long ones."""
    chain(register.s("terms.txt").set(task_id="1"), index_words.s().set(task_id="2")).apply_async()
    register.apply_async(["terms-again.txt"], task_id="3")
    close_month.apply_async(["march.csv"], task_id="4")  # comes before the totals that it needs
    total_invoices.apply_async(["march.csv"], task_id="5")
    total_invoices.apply_async(["april.csv"], task_id="6")  # has an amount that is no number
    remind.apply_async(["order paper"], task_id="7", expires=datetime.now(UTC) - timedelta(hours=1))
    archive_log.apply_async(["gate.log"], task_id="8")


def enqueue_long() -> None:
    """One job more, which takes a minute."""
    proofread.apply_async(["terms.txt"], task_id="9")

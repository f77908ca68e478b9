"""The intake's jobs in RQ. The worker: ``rq worker -c intake.with_rq -w jobreporter.sources.rq.Worker --with-scheduler``.

That class is the one line that it takes.
"""

import os

from redis import Redis
from rq import Queue, Retry

from intake import jobs, talk  # noqa: F401 - talk: so that the reporter `log` shows

# RQ reads these two.
REDIS_URL = os.environ.get("INTAKE_REDIS", "redis://localhost")
QUEUES = ["intake"]

queue = Queue("intake", connection=Redis.from_url(REDIS_URL))


def enqueue() -> None:
    """Put a day's work into the queue. The ids keep the lines of the log short; left out, RQ makes up long ones."""
    terms = queue.enqueue(jobs.register, "terms.txt", job_id="1")
    queue.enqueue(jobs.index_words, jobs.checksum_of("terms.txt"), job_id="2", depends_on=terms)
    queue.enqueue(jobs.register, "terms-again.txt", job_id="3")
    # Comes before the totals that it needs.
    queue.enqueue(jobs.close_month, "march.csv", job_id="4", retry=Retry(max=3, interval=1))
    queue.enqueue(jobs.total_invoices, "march.csv", job_id="5")
    queue.enqueue(jobs.total_invoices, "april.csv", job_id="6")  # has an amount that is no number
    queue.enqueue(jobs.archive_log, "gate.log", job_id="8")

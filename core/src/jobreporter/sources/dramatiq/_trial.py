"""One job that fails, for ``jobreporter check --app``."""

from __future__ import annotations

import dramatiq
from dramatiq.brokers.stub import StubBroker

from jobreporter import Dispatcher
from jobreporter.sources.dramatiq import attach


def fail_once(dispatcher: Dispatcher, error: Exception) -> None:
    """Run an actor that raises ``error``, in a worker whose broker is in memory."""
    broker = StubBroker()
    attach(broker, dispatcher)

    def fail() -> None:
        raise error

    actor = dramatiq.actor(actor_name="jobreporter.check", broker=broker, max_retries=0)(fail)
    worker = dramatiq.Worker(broker, worker_threads=1, worker_timeout=50)
    worker.start()
    try:
        actor.send()
        broker.join(actor.queue_name, fail_fast=False)
        worker.join()
    finally:
        worker.stop()

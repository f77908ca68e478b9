"""A job queue's real worker in a program with a Sentry of its own: ``python queue_program.py QUEUE``.

``HOST_DSN``: what the program passes to ``sentry_sdk.init``, with nothing else. ``WITHOUT``: the SDK's integration that it
switches off. ``ASYNCIO``: an asyncio program switches the SDK's integration for that on.
``OWN_DSN``: the reporter's own. ``LATE``: it starts once the first job is over.

Each queue runs one job that fails for good, and one that fails, is tried again, and succeeds; jobs that fail say which of
their attempts it was.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from typing import Any

import sentry_sdk
from queue_jobs import second, work
from sentry_sdk.integrations.asyncio import enable_asyncio_integration
from sentry_sdk.integrations.dramatiq import DramatiqIntegration

from jobreporter import Context, Dispatcher, hookimpl
from jobreporter_sentry import SentryOptions, SentryReporter


class LateReporter(SentryReporter):
    """As where its thread gets to run late."""

    @hookimpl
    def reporter_start(self, options: SentryOptions, context: Context) -> None:
        assert second.wait(9), "the second job has not begun"
        super().reporter_start(options, context)


def celery(dispatcher: Dispatcher) -> None:
    """Four tasks in a worker of the solo pool, in memory: two of them fail outside of their own code."""
    from celery import Celery, Task
    from celery.contrib.testing.worker import start_worker

    from jobreporter.sources.celery import attach

    app = Celery("shop", broker="memory://", backend="cache+memory://")
    attach(app, dispatcher)

    @app.task(name="shop.fatal")
    def fatal() -> str:
        return work("fatal", 99)

    @app.task(name="shop.flaky", autoretry_for=(ValueError,), retry_backoff=False, default_retry_delay=0, max_retries=3)
    def flaky() -> str:
        return work("flaky", 1)

    class Unready(Task):
        """Fails before the task's own code."""

        def before_start(self, *_: object) -> None:
            work("before", 99)

    @app.task(name="shop.unready", base=Unready)
    def unready() -> None: ...

    @app.task(name="shop.odd")
    def odd() -> object:
        return object()  # nothing that could be stored as a result

    with start_worker(app, pool="solo", perform_ping_check=False):
        results = [fatal.delay(), flaky.delay(), unready.delay(), odd.delay()]
        for result in results:
            result.get(timeout=30, propagate=False)


def lost(dispatcher: Dispatcher) -> None:
    """Two tasks in a Celery worker of the prefork pool: one is over its hard time limit, one ends its child."""
    import signal
    import threading
    import time

    from celery import Celery

    from jobreporter.sources.celery import attach

    app = Celery("shop", broker=os.environ["REDIS_URL"])
    attach(app, dispatcher)

    @app.task(name="shop.slow", time_limit=1)
    def slow() -> None:
        time.sleep(60)

    @app.task(name="shop.killed")
    def killed() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def watch() -> None:
        # Of each job its child has told the start, and this process the failure and the end.
        while dispatcher.stats()["log"].handled < 4:
            time.sleep(0.05)
        # The main thread waits for the broker, and any other would get the signal.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)

    killed.delay()
    slow.delay()
    threading.Thread(target=watch, daemon=True).start()
    try:
        app.worker_main(["worker", "--pool=prefork", "--concurrency=1", "--without-mingle", "--without-gossip"])
    except SystemExit:
        pass


def rq(dispatcher: Dispatcher) -> None:
    """Two jobs in a simple worker."""
    from redis import Redis
    from rq import Queue, Retry

    from jobreporter.sources.rq import SimpleWorker

    connection = Redis.from_url(os.environ["REDIS_URL"])
    queue = Queue("shop", connection=connection)
    queue.enqueue(work, "fatal", 99)
    queue.enqueue(work, "flaky", 1, retry=Retry(max=3))
    SimpleWorker([queue], connection=connection, dispatcher=dispatcher).work(burst=True)


def huey(dispatcher: Dispatcher) -> None:
    """Two tasks, each executed as a consumer does it."""
    from huey import MemoryHuey
    from huey.exceptions import TaskException

    from jobreporter.sources.huey import attach

    queue = MemoryHuey()
    attach(queue, dispatcher)
    fatal, flaky = (
        queue.task()(lambda: work("fatal", 99)),
        queue.task(retries=3, name="flaky")(lambda: work("flaky", 1)),
    )
    fatal()
    flaky()
    while (task := queue.dequeue()) is not None:
        try:
            queue.execute(task)
        except TaskException:
            pass


def dramatiq(dispatcher: Dispatcher) -> None:
    """Two messages in a worker with a broker in memory."""
    import dramatiq
    from dramatiq.brokers.stub import StubBroker

    from jobreporter.sources.dramatiq import attach

    broker = StubBroker()
    dramatiq.set_broker(broker)
    attach(broker, dispatcher)
    fatal = dramatiq.actor(lambda: work("fatal", 99), actor_name="fatal", max_retries=0)
    flaky = dramatiq.actor(lambda: work("flaky", 1), actor_name="flaky", max_retries=3, min_backoff=1)
    worker = dramatiq.Worker(broker, worker_threads=1, worker_timeout=50)
    worker.start()
    fatal.send()
    flaky.send()
    broker.join("default", fail_fast=False)
    worker.join()
    worker.stop()


def program(dispatcher: Dispatcher) -> None:
    """An asyncio program of its own, such as arq's worker.

    Of one job it logs what that raised, once it is over; one it tries again, and says nothing; one lets its error go.
    """

    async def attempt(name: str, failures: int, number: int) -> None:
        with dispatcher.begin(f"shop.{name}", id=name, attempt=number, max_attempts=2).enter() as execution:
            try:
                work(name, failures)
            except ValueError as error:
                execution.fail(error, will_retry=number < 2 and name == "flaky")
                raise

    async def logged() -> None:
        try:
            await attempt("fatal", 99, 1)
        except ValueError:
            logging.getLogger("shop").exception("a job failed")

    async def again() -> None:
        try:
            await attempt("flaky", 1, 1)
        except ValueError:
            await attempt("flaky", 1, 2)

    async def run() -> None:
        if os.environ.get("ASYNCIO"):
            enable_asyncio_integration()
        for job in (logged(), again(), attempt("crash", 99, 1)):
            await asyncio.gather(asyncio.create_task(job), return_exceptions=True)

    asyncio.run(run())


def arq(dispatcher: Dispatcher) -> None:
    """Two jobs in a worker of arq, which jobreporter has no source for: they report themselves."""
    from arq import Retry, create_pool, worker
    from arq.connections import RedisSettings

    async def fatal(context: dict[str, Any]) -> None:
        with dispatcher.begin("shop.fatal", id=context["job_id"], attempt=context["job_try"]):
            work("fatal", 99)

    async def flaky(context: dict[str, Any]) -> None:
        try:
            with dispatcher.begin("shop.flaky", id=context["job_id"], attempt=context["job_try"]):
                work("flaky", 1)
        except ValueError as error:
            raise Retry from error

    class Settings:
        functions = (worker.func(fatal, name="fatal"), worker.func(flaky, name="flaky"))

    async def run() -> None:
        redis = await create_pool(RedisSettings.from_dsn(os.environ["REDIS_URL"]))
        for name in ("fatal", "flaky"):
            await redis.enqueue_job(name)
        # As arq's command does it, which is where the SDK's integration looks.
        made = worker.create_worker(Settings, redis_pool=redis, burst=True, handle_signals=False, poll_delay=0.05)
        await made.async_run()
        await made.close()

    asyncio.run(run())


QUEUES: dict[str, Callable[[Dispatcher], None]] = {
    each.__name__: each for each in (celery, lost, rq, huey, dramatiq, program, arq)
}


def main(name: str) -> None:
    logging.basicConfig()
    if (host := os.environ.get("HOST_DSN")) is not None:
        without: list[Any] = []
        if switched_off := os.environ.get("WITHOUT"):
            module = __import__(f"sentry_sdk.integrations.{switched_off}", fromlist=["x"])
            without = [getattr(module, f"{'Rq' if switched_off == 'rq' else switched_off.capitalize()}Integration")()]
        # The only one for a queue that the SDK doesn't enable by itself.
        enabled: list[Any] = [DramatiqIntegration()] if name == "dramatiq" and not without else []
        sentry_sdk.init(host, integrations=enabled, disabled_integrations=without)
    options = {} if (own := os.environ.get("OWN_DSN")) is None else {"dsn": own}
    from jobreporter.reporters.log import LogReporter

    config = {"reporters": {"sentry": options, "log": {}}}
    reporter = LateReporter if os.environ.get("LATE") else SentryReporter
    with Dispatcher({"sentry": reporter, "log": LogReporter()}, config=config) as dispatcher:
        QUEUES[name](dispatcher)
        dispatcher.flush(20)
    sentry_sdk.flush(10)


if __name__ == "__main__":
    main(sys.argv[1])

"""Who takes what the peers send: processes that count, and do nothing else."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

# Seconds in which what was sent has to arrive.
_PATIENCE = 60.0


class Consumer:
    """A process that counts from `__init__` to `close`. address: where it listens, if it does."""

    def __init__(self, serve: Callable[..., None], *given: object) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, *given), daemon=True)
        self._process.start()
        assert self._ours.poll(_PATIENCE), "the consumer does not start"
        self.address: str = self._ours.recv()
        self.pid: int = self._process.pid or 0

    def lost(self, sent: int) -> str:
        """How many of those that were sent have not arrived, as the table has it."""
        deadline = time.monotonic() + _PATIENCE
        while (seen := self._seen()) < sent and time.monotonic() < deadline:
            time.sleep(0.05)
        return "none" if seen == sent else f"peer's: {sent - seen:,} of {sent:,}"

    def _seen(self) -> int:
        self._ours.send("seen")
        return int(self._ours.recv())

    def close(self) -> None:
        self._ours.send("end")
        self._process.join(_PATIENCE)
        self._process.kill()


def collector() -> Consumer:
    """An OpenTelemetry collector: a gRPC server that answers when it has decoded what it was sent."""
    return Consumer(_collect)


def _collect(pipe: Any) -> None:
    import grpc
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as messages
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as services

    class Counting(services.TraceServiceServicer):  # type: ignore[misc]  # it has no types
        seen = 0

        def Export(self, request: Any, _context: object) -> Any:  # noqa: N802 - the protocol's name
            self.seen += sum(len(scope.spans) for each in request.resource_spans for scope in each.scope_spans)
            return messages.ExportTraceServiceResponse()

    counting = Counting()
    server = grpc.server(ThreadPoolExecutor(2))
    services.add_TraceServiceServicer_to_server(counting, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    pipe.send(f"127.0.0.1:{port}")
    while pipe.recv() == "seen":
        pipe.send(counting.seen)
    server.stop(None)


def celery_monitor(url: str) -> Consumer:
    """Celery's own receiver of its events, as ``celery events`` has it."""
    return Consumer(_monitor, url)


def _monitor(pipe: Any, url: str) -> None:
    from celery import Celery
    from redis import Redis

    seen = 0
    redis = Redis.from_url(url)

    def count(_event: object) -> None:
        nonlocal seen
        seen += 1

    app = Celery("bench", broker=url)
    receiver = app.events.Receiver(app.connection_for_read(), handlers={"*": count})
    with receiver.consumer_context() as (connection, _channel, _consumers):

        def drain() -> None:
            try:
                connection.drain_events(timeout=1.0)  # as its own loop does
            except TimeoutError:
                pass

        while not redis.pubsub_numpat() and not redis.pubsub_channels():
            drain()  # it subscribes with the first one
        pipe.send("")
        while True:
            while not pipe.poll():
                drain()
            if pipe.recv() != "seen":
                return
            pipe.send(seen)

"""What else takes events out of a process: a bare write, bare Redis, Celery's events, OpenTelemetry's OTLP exporter."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec
from _consumers import Consumer
from _stream_ours import ORIGIN
from redis import Redis

from jobreporter import Event
from jobreporter._stream.encode import Header, encode

_encode = msgspec.json.Encoder().encode


class Appender(Protocol):
    """One side."""

    def append(self, events: Sequence[Event]) -> object:
        """When it returns, what is to take the events has them."""
        ...

    def close(self) -> object:
        """Let go of files and connections."""
        ...


class BareWrite:
    """One ``write`` for all of them, of as many bytes as the spool takes, which are ready."""

    def __init__(self, folder: Path) -> None:
        self._ready: dict[int, bytes] = {}
        self._file = os.open(folder / f"bare-{os.getpid()}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def append(self, events: Sequence[Event]) -> None:
        count = len(events)
        if count not in self._ready:
            self._ready[count] = encode(Header(b"8 bytes!", 1, ORIGIN), events).data
        os.write(self._file, self._ready[count])

    def close(self) -> None:
        os.close(self._file)


class JsonLines(BareWrite):
    """Each as a line of JSON, and one ``write`` for all of them."""

    def append(self, events: Sequence[Event]) -> None:
        os.write(self._file, b"".join(_encode(event) + b"\n" for event in events))


class Xadd:
    """Each as JSON, and an ``XADD`` for each."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(url)

    def append(self, events: Sequence[Event]) -> None:
        for event in events:
            self._redis.xadd("bare", {"d": _encode(event)})

    def close(self) -> None:
        self._redis.close()


class XaddPipeline(Xadd):
    """Each as JSON, and one pipeline with an ``XADD`` for each."""

    def append(self, events: Sequence[Event]) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for event in events:
            pipeline.xadd("bare", {"d": _encode(event)})
        pipeline.execute()


class CeleryEvents:
    """Celery's own events, in groups as its worker sends them. sent: how many there were."""

    def __init__(self, url: str) -> None:
        from celery import Celery

        self.sent = 0
        app = Celery("bench", broker=url)
        self._connection = app.connection_for_write()
        self._send: Any = app.events.Dispatcher(self._connection, buffer_group={"task"})

    def append(self, events: Sequence[Event]) -> None:
        for event in events:
            job = event.job
            self._send.send(
                "task-started", uuid=job.id, name=job.name, args=repr(job.args), kwargs="{}", worker=job.worker
            )
        self._send.flush()
        self.sent += len(events)

    def close(self) -> None:
        self._send.close()
        self._connection.release()


class Otlp:
    """OpenTelemetry's exporter over gRPC, with spans that are ready made, to a collector on this machine. sent: how many there were."""

    def __init__(self, collector: Consumer, most: int) -> None:
        from _peers import spans
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # it tells of each connection's end
        self.sent = 0
        self._exporter = OTLPSpanExporter(endpoint=collector.address, insecure=True)
        self._spans = spans(most)

    def append(self, events: Sequence[Event]) -> None:
        said = self._exporter.export(self._spans[: len(events)])
        assert said.name == "SUCCESS"
        self.sent += len(events)

    def close(self) -> None:
        self._exporter.shutdown()


def read_group(redis: Redis[bytes], count: int) -> None:
    """What reads a stream by hand: a consumer group, JSON, and an acknowledgement."""
    redis.xgroup_create("bare", "group", id="0")
    seen = 0
    while seen < count:
        [(_, entries)] = redis.xreadgroup("group", "one", {"bare": ">"}, count=512)
        seen += sum(msgspec.json.decode(fields[b"d"]) is not None for _, fields in entries)
        redis.xack("bare", "group", *(name for name, _ in entries))


def copy_group(source: Redis[bytes], target: Redis[bytes], count: int) -> None:
    """What hands a stream on by hand: a consumer group, the same bytes in a pipeline, and an acknowledgement."""
    source.xgroup_create("bare", "group", id="0")
    seen = 0
    while seen < count:
        [(_, entries)] = source.xreadgroup("group", "one", {"bare": ">"}, count=512)
        pipeline = target.pipeline(transaction=False)
        for _, fields in entries:
            pipeline.xadd("copy", fields)
        seen += len(pipeline.execute())
        source.xack("bare", "group", *(name for name, _ in entries))


def read_lines(path: Path) -> int:
    """What reads lines of JSON by hand."""
    with path.open("rb") as file:
        return sum(msgspec.json.decode(line) is not None for line in file)

"""What else carries events from a job to somebody, set up as its documentation recommends, with consumers that count."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Sequence
from functools import partial
from logging.handlers import QueueHandler, QueueListener
from typing import Any

from _subject import Subject
from celery.signals import task_success
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SynchronousMultiSpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanContext, TraceFlags


def simple_queue(items: Sequence[Any]) -> Subject:
    """The cheapest way there is from one thread to another. It is emptied between the measurements."""
    bare: queue.SimpleQueue[Any] = queue.SimpleQueue()
    taken = [0]

    def settle() -> None:
        while not bare.empty():
            bare.get_nowait()
            taken[0] += 1

    return Subject("SimpleQueue.put", items, bare.put, settle, lambda: taken[0], close=lambda: None)


class _Counting(logging.Handler):
    """Counts the records that the listener hands it."""

    seen = 0

    def handle(self, record: logging.LogRecord) -> bool:
        self.seen += 1
        return True


def queue_handler(count: int, room: queue.Queue[Any] | queue.SimpleQueue[Any]) -> Subject:
    """`logging.handlers.QueueHandler` and a live `QueueListener`.

    room: the logging cookbook takes ``queue.Queue(-1)``; a `SimpleQueue` is quicker, and allowed.
    """
    handler, counting = QueueHandler(room), _Counting()
    listener = QueueListener(room, counting)
    listener.start()

    def settle() -> None:
        if isinstance(room, queue.Queue):
            room.join()
        while counting.seen < subject.sent:  # a SimpleQueue can't be joined
            time.sleep(0.0002)

    subject = Subject(
        name=f"QueueHandler.emit ({type(room).__name__})",
        items=_records(count),
        send=handler.emit,
        settle=settle,
        seen=lambda: counting.seen,
        close=listener.stop,
    )
    return subject


def _records(count: int) -> list[logging.LogRecord]:
    return [
        logging.LogRecord("jobs", logging.INFO, __file__, 1, "job %s %s", (f"job-{number}", "started"), None)
        for number in range(count)
    ]


class _CountingExporter(SpanExporter):
    """Counts the spans that it is given, once it may."""

    def __init__(self, may: threading.Event) -> None:
        self.may = may
        self.seen = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.may.wait()
        self.seen += len(spans)
        return SpanExportResult.SUCCESS


def batch_span_processors(number: int, count: int, may_export: threading.Event | None = None) -> Subject:
    """OpenTelemetry's `BatchSpanProcessor`, so many of them side by side as a `TracerProvider` has them.

    All is as by default but for the room: of the 2,048 spans that it has room for, a burst would lose most. may_export:
    what its exporters wait for, if anything.
    """
    if may_export is None:
        may_export = threading.Event()
        may_export.set()
    exporters = [_CountingExporter(may_export) for _ in range(number)]
    processors = [BatchSpanProcessor(exporter, max_queue_size=100_000) for exporter in exporters]
    together = SynchronousMultiSpanProcessor()  # type: ignore[no-untyped-call]  # its only argument has no type
    for processor in processors:
        together.add_span_processor(processor)

    def settle() -> None:
        # Exports at once what waits: the delay of five seconds until it would have done so is not held against it.
        for processor in processors:
            processor.force_flush()

    return Subject(
        name=f"BatchSpanProcessor.on_end, {number}",
        items=spans(count),
        send=processors[0].on_end if number == 1 else together.on_end,
        settle=settle,
        seen=lambda: sum(exporter.seen for exporter in exporters),
        close=together.shutdown,
        consumers=number,
    )


def spans(count: int) -> list[ReadableSpan]:
    """Ready made."""
    resource = Resource({})
    sampled = TraceFlags(TraceFlags.SAMPLED)
    return [
        ReadableSpan(
            "reports.nightly",
            SpanContext(trace_id=1, span_id=number + 1, is_remote=False, trace_flags=sampled),
            resource=resource,
            start_time=number,
            end_time=number + 1,
        )
        for number in range(count)
    ]


def celery_signal(count: int) -> Subject:
    """Celery's `task_success` with one receiver, which it calls at once."""
    taken = [0]

    def receiver(**_named: object) -> None:
        taken[0] += 1

    task_success.connect(receiver, weak=False)
    return Subject(
        name="celery Signal.send, 1 receiver",
        items=[receiver] * count,  # any object will do as the sender
        send=partial(task_success.send, result=None),
        settle=lambda: None,
        seen=lambda: taken[0],
        close=lambda: task_success.disconnect(receiver),
    )

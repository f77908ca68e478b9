"""Into the stream: what workers append, and the endings of executions whose worker died."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence

from jobreporter.streams import Appended, Batch, Beat, OpenExecution
from jobreporter.streams.sqlite._database import OFFSET_BITS, Database

# Executions that one query asks for: SQLite has a bound for values.
_AT_ONCE = 500


class Appending:
    """The part of a stream that lets events in. See `jobreporter.streams.Stream` for what each method promises."""

    _database: Database

    def append(self, producer: bytes, batches: Sequence[Batch], beat: bytes | None = None) -> tuple[Appended, ...]:
        if len({batch.partition for batch in batches}) < len(batches):
            raise ValueError("at most one batch for each partition")
        with self._database.writing():
            if batches:
                self._database.refuse_if_full()
            answers = tuple(self._append_one(producer, batch) for batch in batches)
            if beat is not None:
                self._beat(producer, beat)
        return answers

    def beat(self, process: bytes, data: bytes) -> None:
        with self._database.writing():
            self._beat(process, data)

    def leave(self, process: bytes) -> None:
        with self._database.writing():
            self._database.run("DELETE FROM beat WHERE process = ?", (process,))
            # A timed-out append may yet be executed, so its numbers stay for a while.
            self._database.run("UPDATE producer SET has_left = 1, at = ? WHERE producer = ?", (time.time(), process))

    def beats(self) -> Mapping[bytes, Beat]:
        found = self._database.rows("SELECT process, counter, at, data FROM beat")
        return {process: Beat(counter=counter, at=at, data=data) for process, counter, at, data in found}

    def open_executions(self) -> Sequence[OpenExecution]:
        found = self._database.rows("SELECT execution, producer, partition, data FROM open_execution")
        return [
            OpenExecution(id=execution, producer=producer, partition=partition, data=data)
            for execution, producer, partition, data in found
        ]

    def lose(self, execution: OpenExecution, data: bytes, events: int) -> bool:
        with self._database.writing():
            removed = self._database.run(
                "DELETE FROM open_execution WHERE execution = ? AND producer = ?", (execution.id, execution.producer)
            )
            if removed:
                self._database.refuse_if_full()
                self._store(execution.partition, data, events)
                self._database.run("INSERT OR REPLACE INTO lost_execution VALUES (?, ?)", (execution.id, time.time()))
        return bool(removed)

    def _append_one(self, producer: bytes, batch: Batch) -> Appended:
        last: int = (
            self._database.value(
                "SELECT last FROM producer WHERE producer = ? AND partition = ?", (producer, batch.partition)
            )
            or 0
        )
        if batch.last <= last:
            return Appended(status="known", last=last)
        if batch.first <= last:
            return Appended(status="partly_known", last=last)
        if lost := self._lost_of(batch.ended):
            return Appended(status="lost", last=last, lost=lost)
        if batch.events:
            self._store(batch.partition, batch.data, batch.events)
        self._note_executions(producer, batch)
        self._database.run(
            "INSERT OR REPLACE INTO producer VALUES (?, ?, ?, ?, 0)",
            (producer, batch.partition, batch.last, time.time()),
        )
        return Appended(status="stored", last=batch.last, rolled_back=batch.first - last - 1)

    def _store(self, partition: int, data: bytes, events: int) -> None:
        head = self._database.row("SELECT offset, through FROM head WHERE partition = ?", (partition,))
        if head is None:
            raise ValueError(f"there is no partition {partition}")
        offset, through = head
        through += len(data)
        self._database.run(
            "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)",
            (partition << OFFSET_BITS | offset, events, time.time(), random.getrandbits(63), through, data),
        )
        self._database.run(
            "UPDATE head SET offset = ?, through = ? WHERE partition = ?", (offset + events, through, partition)
        )

    def _lost_of(self, executions: Sequence[str]) -> tuple[str, ...]:
        lost: list[str] = []
        for start in range(0, len(executions), _AT_ONCE):
            asked = executions[start : start + _AT_ONCE]
            marks = ", ".join("?" * len(asked))
            found = self._database.rows(
                f"SELECT execution FROM lost_execution WHERE execution IN ({marks})",  # noqa: S608 - marks only
                tuple(asked),
            )
            lost += (execution for (execution,) in found)
        return tuple(lost)

    def _note_executions(self, producer: bytes, batch: Batch) -> None:
        if batch.begun:
            self._database.run_many(
                "DELETE FROM lost_execution WHERE execution = ?", [(execution,) for execution in batch.begun]
            )
        if batch.open:
            self._database.run_many(
                "INSERT OR REPLACE INTO open_execution VALUES (?, ?, ?, ?)",
                [(execution, producer, batch.partition, data) for execution, data in batch.open.items()],
            )
        # One that began and ended in this batch may be open from an earlier beginning, whose ending was lost.
        ended = [*batch.ended, *(execution for execution in batch.begun if execution not in batch.open)]
        if ended:
            self._database.run_many(
                "DELETE FROM open_execution WHERE execution = ?", [(execution,) for execution in ended]
            )

    def _beat(self, process: bytes, data: bytes) -> None:
        self._database.run(
            "INSERT INTO beat VALUES (?, 1, ?, ?)"
            " ON CONFLICT (process) DO UPDATE SET counter = counter + 1, at = excluded.at, data = excluded.data",
            (process, time.time(), data),
        )

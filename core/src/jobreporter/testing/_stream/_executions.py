"""Executions that are open, those that were declared lost, and the processes that give signs of life."""

from __future__ import annotations

from jobreporter.streams import Stream
from jobreporter.testing._stream._base import LONG, OTHER, PRODUCER, StreamCases, append, batch, lease, read, settle


def begin(stream: Stream, *executions: str, first: int = 1, producer: bytes = PRODUCER, partition: int = 0) -> None:
    """Append an event that begins so many executions."""
    data = {execution: execution.encode() for execution in executions}
    append(stream, b"begins", first=first, producer=producer, partition=partition, begun=executions, open=data)


def opened(stream: Stream) -> dict[str, tuple[bytes, int, bytes]]:
    """What is open."""
    return {each.id: (each.producer, each.partition, each.data) for each in stream.open_executions()}


class ExecutionCases(StreamCases):
    """What becomes of a worker's executions when it dies."""

    def test_an_execution_is_open_from_its_beginning_to_its_end(self) -> None:
        """With what was given to end it; whoever ends it."""
        stream = self.stream()
        begin(stream, "a", "b")
        begin(stream, "c", partition=1)
        assert opened(self.stream()) == {
            "a": (PRODUCER, 0, b"a"),
            "b": (PRODUCER, 0, b"b"),
            "c": (PRODUCER, 1, b"c"),
        }
        append(stream, b"ends", first=1, producer=OTHER, ended=("a", "unknown"))
        append(stream, b"ends", first=2, partition=1, ended=("c",))
        assert list(opened(stream)) == ["b"]

    def test_what_begins_and_ends_in_a_batch_is_not_open(self) -> None:
        """Nor is it when it was open before under the same id."""
        stream = self.stream()
        append(stream, b"both", first=1, begun=("a",))
        begin(stream, "b", first=2)
        append(stream, b"both", first=3, begun=("b",))
        assert opened(stream) == {}

    def test_an_execution_that_begins_again_is_its_new_producers(self) -> None:
        """Ids may come again."""
        stream = self.stream()
        begin(stream, "a")
        begin(stream, "a", producer=OTHER)
        assert opened(stream) == {"a": (OTHER, 0, b"a")}

    def test_what_is_not_stored_opens_and_ends_nothing(self) -> None:
        """A batch that is known already, or partly."""
        stream = self.stream()
        begin(stream, "a")
        append(stream, b"ends", first=2, ended=("a",))
        begin(stream, "a")
        append(stream, b"x", b"y", b"z", first=1, begun=("b",), open={"b": b"b"})
        assert opened(stream) == {}

    def test_a_lost_execution_is_ended_once(self) -> None:
        """With the events that were given, in its partition. The second who tries ends nothing."""
        stream, second = self.stream(), self.stream()
        begin(stream, "a", partition=1)
        (execution,) = stream.open_executions()
        assert stream.lose(execution, b"failed|stopped", 2)
        assert not second.lose(execution, b"failed|stopped", 2)
        assert read(stream, 1) == [b"begins", b"failed|stopped"]
        assert stream.read(1, 0, 1).head == 3
        assert opened(stream) == {}

    def test_an_execution_that_is_somebody_elses_now_is_not_lost(self) -> None:
        """It was begun again, or ended, after the sweeper had looked."""
        stream = self.stream()
        begin(stream, "a", "b")
        before = stream.open_executions()
        begin(stream, "a", producer=OTHER)
        append(stream, b"ends", first=2, ended=("b",))
        assert [stream.lose(execution, b"failed", 1) for execution in before] == [False, False]
        assert b"failed" not in read(stream)

    def test_the_late_end_of_a_lost_execution_is_refused(self) -> None:
        """With all of its batch; without it, the rest is stored, and other partitions are not held up."""
        stream = self.stream()
        begin(stream, "a", "b")
        for execution in stream.open_executions():
            if execution.id == "a":
                stream.lose(execution, b"failed", 1)
        answers = stream.append(
            PRODUCER,
            [batch(2, b"ends a", b"ends b", ended=("a", "b")), batch(1, b"other", partition=1)],
        )
        assert [(answer.status, answer.lost) for answer in answers] == [("lost", ("a",)), ("stored", ())]
        assert list(opened(stream)) == ["b"]
        assert append(stream, b"ends b", first=2, last=3, ended=("b",)).status == "stored"
        assert read(stream) == [b"begins", b"failed", b"ends b"]

    def test_a_lost_execution_may_begin_again(self) -> None:
        """Its new end is taken then, whether in the same batch or later."""
        stream = self.stream()
        begin(stream, "a", "b")
        for execution in stream.open_executions():
            stream.lose(execution, b"failed", 1)
        begin(stream, "a", first=2)
        assert append(stream, b"ends", first=3, ended=("a",)).status == "stored"
        append(stream, b"both", first=4, begun=("b",))
        assert append(stream, b"stops", first=5, ended=("b",)).status == "stored"

    def test_an_execution_is_found_when_its_beginning_is_gone(self) -> None:
        """It may be open for a month, and its beginning was settled and trimmed long ago."""
        stream = self.stream()
        held = lease(stream)
        begin(stream, "a")
        assert settle(stream, held, 1) == "settled"
        assert stream.trim(LONG).entries == 1
        (execution,) = stream.open_executions()
        assert (execution.id, execution.data) == ("a", b"a")
        assert stream.lose(execution, b"failed", 1)
        assert read(stream, position=1) == [b"failed"]

    def test_signs_of_life_change_a_counter(self) -> None:
        """Alone or with an append; each process has its own."""
        stream = self.stream()
        stream.beat(OTHER, b"I am")
        seen = [stream.beats()[OTHER]]
        stream.beat(OTHER, b"I am still")
        seen.append(stream.beats()[OTHER])
        stream.append(OTHER, [batch(1, b"a")], beat=b"I append")
        seen.append(stream.beats()[OTHER])
        assert len({beat.counter for beat in seen}) == 3
        assert [beat.data for beat in seen] == [b"I am", b"I am still", b"I append"]
        append(stream, b"b", first=2, producer=OTHER)
        assert self.stream().beats() == {OTHER: seen[-1]}

    def test_a_refused_batch_is_a_sign_of_life_too(self) -> None:
        """The process lives, whatever became of its events."""
        stream = self.stream()
        append(stream, b"a", first=1)
        stream.append(PRODUCER, [batch(1, b"a")], beat=b"again")
        assert stream.beats()[PRODUCER].data == b"again"

    def test_a_process_that_leaves_gives_no_sign_any_more(self) -> None:
        """Its numbers are kept all the same: an append that timed out may be executed late."""
        stream = self.stream()
        stream.append(PRODUCER, [batch(1, b"a")], beat=b"here")
        stream.leave(PRODUCER)
        assert stream.beats() == {}
        assert append(stream, b"a", first=1).status == "known"
        stream.leave(b"nobody--")

"""What is appended, and how it is read."""

from __future__ import annotations

import time

from jobreporter.streams import StreamMissing
from jobreporter.testing._stream._base import OTHER, PRODUCER, StreamCases, append, batch, fill, mistaken, read


class EntryCases(StreamCases):
    """Numbers, offsets and windows."""

    def test_what_is_appended_is_read_in_order(self) -> None:
        """By another handle, with offsets that count events."""
        stream = self.stream()
        append(stream, b"a", b"b", first=1)
        append(stream, b"c", first=1, producer=OTHER)
        append(stream, b"d", b"e", b"f", first=3)
        window = self.stream().read(0, 0, 10**6)
        assert [(entry.offset, entry.events, entry.end, entry.data) for entry in window.entries] == [
            (0, 2, 2, b"a|b"),
            (2, 1, 3, b"c"),
            (3, 3, 6, b"d|e|f"),
        ]
        assert (window.partition, window.head) == (0, 6)
        assert len({entry.key for entry in window.entries}) == 3
        assert all(abs(entry.at - time.time()) < 60 for entry in window.entries)

    def test_who_only_looks_makes_no_stream(self) -> None:
        """Where there is none, that is told, however often; where there is one, all of it is seen."""
        for _ in range(2):
            try:
                assert self.stream(create=False).partitions is None
            except StreamMissing:
                pass
        stream = self.stream(partitions=3)
        append(stream, b"a", first=1)
        looking = self.stream(create=False, partitions=1)
        assert (looking.partitions, looking.identity) == (3, stream.identity)
        assert read(looking) == [b"a"]

    def test_data_is_kept_as_it_is(self) -> None:
        """Whatever bytes it consists of, and as many as a batch can have."""
        stream = self.stream()
        every, large = bytes(range(256)), bytes(1024 * 1024)
        append(stream, every, first=1)
        append(stream, large, first=2)
        assert read(stream) == [every, large]

    def test_partitions_are_apart(self) -> None:
        """Each has its offsets, and one call appends to several."""
        stream = self.stream()
        answers = stream.append(PRODUCER, [batch(1, b"a", partition=1), batch(1, b"b", b"c", partition=0)])
        assert [(answer.status, answer.last) for answer in answers] == [("stored", 1), ("stored", 2)]
        assert (read(stream, 0), read(stream, 1)) == ([b"b|c"], [b"a"])
        assert [stream.read(partition, 0, 1).head for partition in (0, 1)] == [2, 1]

    def test_the_number_of_partitions_stays(self) -> None:
        """As it was when the stream was created, whatever is asked for later."""
        assert self.stream(partitions=3).partitions == 3
        assert self.stream(partitions=5).partitions == 3
        assert self.stream(partitions=None).partitions == 3

    def test_a_stream_has_an_identity(self) -> None:
        """The same in each process that opens it, whatever it is asked for."""
        identity = self.stream().identity
        assert len(identity) >= 8
        assert self.stream(partitions=5).identity == identity

    def test_a_batch_that_ends_at_nothing_asks_for_the_last_number(self) -> None:
        """It is known to every producer, stores nothing, and its answer says how far the stream has the others."""
        stream = self.stream()
        asked = append(stream, first=0, last=0)
        assert (asked.status, asked.last) == ("known", 0)
        append(stream, b"a", b"b", first=1)
        asked = append(stream, first=0, last=0)
        assert (asked.status, asked.last) == ("known", 2)
        assert read(stream) == [b"a|b"]

    def test_an_append_that_is_repeated_is_known(self) -> None:
        """Nothing is stored twice, also where something else was appended meanwhile."""
        stream = self.stream()
        assert append(stream, b"a", b"b", first=1).status == "stored"
        append(stream, b"x", first=1, producer=OTHER)
        again = append(stream, b"a", b"b", first=1)
        assert (again.status, again.last) == ("known", 2)
        assert read(stream) == [b"a|b", b"x"]

    def test_a_repeat_that_holds_more_is_partly_known(self) -> None:
        """Nothing of it is stored; without what is known, it is."""
        stream = self.stream()
        append(stream, b"a", b"b", first=1)
        more = append(stream, b"a", b"b", b"c", first=1)
        assert (more.status, more.last) == ("partly_known", 2)
        assert append(stream, b"c", first=3).status == "stored"
        assert read(stream) == [b"a|b", b"c"]

    def test_a_producer_that_is_ahead_is_believed(self) -> None:
        """The stream was set back; what it lacks is counted, and the batch is stored."""
        stream = self.stream()
        append(stream, b"a", first=1)
        ahead = append(stream, b"f", b"g", first=6)
        assert (ahead.status, ahead.rolled_back, ahead.last) == ("stored", 4, 7)
        assert append(stream, b"h", first=8).rolled_back == 0
        assert append(stream, b"z", first=3, producer=OTHER).rolled_back == 2
        assert read(stream) == [b"a", b"f|g", b"h", b"z"]

    def test_one_answer_does_not_hold_up_another(self) -> None:
        """Each batch of a call is stored or not by itself."""
        stream = self.stream()
        append(stream, b"a", b"b", first=1)
        answers = stream.append(PRODUCER, [batch(1, b"a", b"b", b"c"), batch(1, b"x", partition=1)])
        assert [answer.status for answer in answers] == ["partly_known", "stored"]
        assert (read(stream, 0), read(stream, 1)) == ([b"a|b"], [b"x"])

    def test_a_batch_without_events_moves_the_number_on(self) -> None:
        """As where all events of these numbers are in other partitions, or only some are here."""
        stream = self.stream()
        assert append(stream, first=1, last=7).status == "stored"
        assert read(stream) == []
        assert stream.read(0, 0, 1).head == 0
        some = append(stream, b"a", b"b", first=8, last=12)
        assert (some.status, some.rolled_back, some.last) == ("stored", 0, 12)
        assert append(stream, b"a", b"b", first=8, last=12).status == "known"
        assert append(stream, b"b", first=12, last=14).status == "partly_known"
        assert stream.read(0, 0, 10**6).head == 2

    def test_a_call_takes_one_batch_for_each_partition(self) -> None:
        """Two for one, or one for a partition that isn't there, are a mistake, and nothing is stored."""
        stream = self.stream()
        for batches in ([batch(1, b"a"), batch(2, b"b")], [batch(1, b"a"), batch(1, b"b", partition=2)]):
            with mistaken():
                stream.append(PRODUCER, batches)
        assert read(stream) == []

    def test_a_window_begins_with_the_entry_that_holds_the_position(self) -> None:
        """Also in the middle of it; at the head there is none."""
        stream = self.stream()
        fill(stream, 3, 2)
        for position, offsets in {0: [0, 3], 2: [0, 3], 3: [3], 4: [3], 5: []}.items():
            window = stream.read(0, position, 10**6)
            assert [entry.offset for entry in window.entries] == offsets
            assert window.head == 5

    def test_a_window_has_its_bound(self) -> None:
        """In bytes of data, and it holds one entry at least."""
        stream = self.stream()
        fill(stream, 1, 1, 1, bytes_each=1000)
        for most, count in {1: 1, 1000: 1, 2000: 2, 2999: 2, 3000: 3}.items():
            assert len(stream.read(0, 0, most).entries) == count

    def test_reading_a_partition_that_is_not_there_is_a_mistake(self) -> None:
        """Nobody waits for events that will never come."""
        with mistaken():
            self.stream().read(2, 0, 1)

    def test_waiting_ends_when_something_is_there(self) -> None:
        """At once where it was there before, in any partition."""
        stream = self.stream()
        fill(stream, 1, partition=1)
        began = time.monotonic()
        assert stream.wait({0: 0, 1: 0}, 10)
        assert time.monotonic() - began < 5

    def test_waiting_ends_with_its_timeout(self) -> None:
        """When nothing comes."""
        stream = self.stream()
        fill(stream, 2)
        began = time.monotonic()
        assert not stream.wait({0: 2, 1: 0}, 0.2)
        assert time.monotonic() - began < 5

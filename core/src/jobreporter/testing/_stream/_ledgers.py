"""Where reporters stand, and what became of their events."""

from __future__ import annotations

from jobreporter.streams import DeadLetter, Ledger, Settlement, Stream
from jobreporter.testing._stream._base import AGENT, AGENT_2, StreamCases, append, fill, lease, mistaken, settle


def ledger(stream: Stream, reporter: str = "log", partition: int = 0) -> Ledger:
    """That of one partition."""
    (found,) = (each for each in stream.ledgers() if (each.reporter, each.partition) == (reporter, partition))
    settled = found.handled + found.dead + found.filtered + found.expired + found.unknown
    assert settled == found.position - found.start
    assert found.accepted == settled + found.pending
    return found


def letter(offset: int, *, reporter: str = "log", at: float = 1.5, **more: object) -> DeadLetter:
    """A dead letter."""
    fields = {"partition": 0, "reason": "it is poison", "data": b"\x00poison\xff", **more}
    return DeadLetter(reporter=reporter, offset=offset, at=at, **fields)  # type: ignore[arg-type]  # as given


class LedgerCases(StreamCases):
    """Registration, settlements, dead letters."""

    def test_the_first_reporters_begin_at_the_oldest_entry(self) -> None:
        """What was appended before the first agent came is theirs, in every partition."""
        stream = self.stream()
        fill(stream, 3)
        stream.register({"log": "now", "sentry": "now"})
        assert [(ledger(stream, name).position, ledger(stream, name).pending) for name in ("log", "sentry")] == [
            (0, 3),
            (0, 3),
        ]
        assert ledger(stream, "log", 1).head == 0

    def test_a_later_reporter_begins_now_or_at_the_oldest_entry(self) -> None:
        """As its config says; one that is known stays where it is."""
        stream = self.stream()
        fill(stream, 3)
        stream.register({"log": "now"})
        settle(stream, lease(stream), 1)
        stream.register({"log": "now", "new": "now", "history": "oldest"})
        assert {name: ledger(stream, name).position for name in ("log", "new", "history")} == {
            "log": 1,
            "new": 3,
            "history": 0,
        }
        assert (ledger(stream, "new").start, ledger(stream, "new").accepted) == (3, 0)

    def test_settling_moves_the_position_and_counts(self) -> None:
        """In one write, also in the middle of an entry; the next owner begins there."""
        stream = self.stream()
        fill(stream, 4, 4)
        held = lease(stream)
        assert settle(stream, held, 3, handled=1, filtered=2) == "settled"
        assert settle(stream, held, 8, begin=3, handled=3, unknown=2) == "settled"
        found = ledger(stream)
        assert (found.position, found.handled, found.filtered, found.unknown) == (8, 4, 2, 2)
        assert (found.pending, found.oldest_at) == (0, None)
        stream.release(held)
        assert lease(stream, owner=AGENT_2).position == 8

    def test_counts_are_those_of_the_events(self) -> None:
        """A settlement whose counts don't add up is a mistake, and changes nothing."""
        stream = self.stream()
        fill(stream, 4)
        held = lease(stream)
        with mistaken():
            settle(stream, held, 3, handled=2)
        assert ledger(stream).position == 0

    def test_only_what_follows_the_position_is_settled(self) -> None:
        """A settlement that was executed, though its answer was lost, has moved it."""
        stream = self.stream()
        fill(stream, 4)
        held = lease(stream)
        assert settle(stream, held, 2) == "settled"
        assert settle(stream, held, 2) == "moved"
        assert settle(stream, held, 4, begin=3) == "moved"
        assert (ledger(stream).position, ledger(stream).handled) == (2, 2)

    def test_an_entry_that_the_stream_does_not_have_is_not_settled(self) -> None:
        """It was read before the stream was set back, and another one has its offset now."""
        stream = self.stream()
        fill(stream, 2)
        assert settle(stream, lease(stream), 2, key="of another history") == "gone"
        assert ledger(stream).position == 0

    def test_what_is_still_to_come_is_not_settled(self) -> None:
        """No position is beyond the head, also where the entry before it is there."""
        stream = self.stream()
        fill(stream, 2)
        held = lease(stream)
        key = stream.read(0, 0, 1).entries[0].key
        assert stream.settle(held, Settlement(begin=0, end=3, last_key=key, handled=3)) == "gone"
        assert stream.settle(held, Settlement(begin=0, end=2, last_key=key, handled=2)) == "settled"

    def test_the_age_of_what_waits_is_that_of_its_oldest_event(self) -> None:
        """Not of one that is settled."""
        stream = self.stream()
        fill(stream, 2, 2)
        first, second = stream.read(0, 0, 10**6).entries
        held = lease(stream)
        assert ledger(stream).oldest_at == first.at
        settle(stream, held, 2)
        assert ledger(stream).oldest_at == second.at

    def test_dead_letters_are_kept(self) -> None:
        """In the same write that counts them, until somebody drops them."""
        stream = self.stream()
        fill(stream, 4)
        letters = (letter(1, at=2.0), letter(3, at=1.0, events=1))
        assert settle(stream, lease(stream), 4, handled=2, dead=letters) == "settled"
        assert ledger(stream).dead == 2
        assert list(stream.dead_letters()) == [letters[1], letters[0]]
        assert list(stream.dead_letters("log")) == list(stream.dead_letters())
        assert list(stream.dead_letters("sentry")) == []
        assert stream.drop_letter(letters[0])
        assert not stream.drop_letter(letters[0])
        assert list(self.stream().dead_letters()) == [letters[1]]
        assert ledger(stream).dead == 2

    def test_a_dead_letter_may_stand_for_several_events(self) -> None:
        """Of an entry that nobody can read."""
        stream = self.stream()
        fill(stream, 4)
        assert settle(stream, lease(stream), 4, dead=(letter(0, events=4),)) == "settled"
        assert ledger(stream).dead == 4

    def test_the_newest_dead_letters_are_kept(self) -> None:
        """As many as the settings say, and so much of them, one at least; all are counted. They must not fill the stream."""
        stream = self.stream(max_bytes=160_000, most_letters=5)
        cases = {"small": (10, 5), "large": (2_501, 3), "huge": (20_000, 1)}
        stream.register(dict.fromkeys(cases, "oldest"))
        fill(stream, 8)
        for name, (size, kept) in cases.items():
            held = lease(stream, name)
            letters = [letter(at, reporter=name, at=float(at), data=bytes(size)) for at in range(8)]
            assert settle(stream, held, 4, dead=tuple(letters[:4])) == "settled"
            for each in letters[4:]:
                assert settle(stream, held, each.offset + 1, begin=each.offset, dead=(each,)) == "settled"
            assert list(stream.dead_letters(name)) == letters[-kept:]
            assert ledger(stream, name).dead == 8

    def test_a_settlement_that_is_refused_keeps_no_dead_letter(self) -> None:
        """It comes again, with whoever has the lease now."""
        stream = self.stream()
        fill(stream, 2)
        held = lease(stream)
        stream.release(held)
        assert settle(stream, held, 1, dead=(letter(0),)) == "fenced"
        assert list(stream.dead_letters()) == []

    def test_a_reporter_is_forgotten(self) -> None:
        """With all that was kept of it, unless an agent runs it. Its name can be used anew."""
        stream = self.stream()
        fill(stream, 2)
        stream.register({"log": "oldest", "other": "oldest"})
        held = lease(stream)
        settle(stream, held, 1, dead=(letter(0),))
        assert not stream.forget("log")
        stream.release(held)
        assert stream.forget("log")
        assert {each.reporter for each in stream.ledgers()} == {"other"}
        assert list(stream.dead_letters()) == []
        assert stream.renew([held], 10) == (False,)
        with mistaken():
            stream.forget("log")
        stream.register({"log": "now"})
        assert (ledger(stream).start, ledger(stream).dead) == (2, 0)

    def test_a_reporter_begins_anew(self) -> None:
        """At the oldest entry or at a time, with a ledger of zeros, unless an agent runs it."""
        stream = self.stream()
        fill(stream, 2, 2)
        append(stream, b"z", first=9, partition=1)
        later = stream.read(0, 2, 1).entries[0].at
        held = lease(stream)
        settle(stream, held, 4)
        assert not stream.rewind("log", None)
        stream.release(held)
        assert stream.rewind("log", None)
        assert (ledger(stream).position, ledger(stream).handled, ledger(stream).pending) == (0, 0, 4)
        assert stream.rewind("log", later + 1000)
        assert [ledger(stream, partition=partition).pending for partition in (0, 1)] == [0, 0]
        assert stream.rewind("log", later)
        assert ledger(stream).position in (0, 2), "the two entries may be of one moment"
        with mistaken():
            stream.rewind("nobody", None)

    def test_a_window_from_before_a_rewind_is_not_settled(self) -> None:
        """Whoever still has it is fenced off."""
        stream = self.stream()
        fill(stream, 4)
        stream.register({"log": "oldest"})
        late = stream.acquire("log", 0, AGENT, 0)
        assert late is not None
        assert stream.rewind("log", None)
        assert settle(stream, late, 2) == "fenced"

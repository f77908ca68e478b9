"""The lives of a partition's offsets, where a server throws keys away: what each script makes of a position of before."""

from __future__ import annotations

import pytest

from tests.plugins.redis.script_calls import HEADS, Scripts, entries, ledger


@pytest.fixture
def settled(scripts: Scripts) -> Scripts:
    """A reporter that has settled two of four events, and holds the lease."""
    scripts.append({"first": 1, "last": 2}, {"first": 1, "last": 2, "partition": 1})
    scripts.append({"first": 3, "last": 4})
    scripts.register(log="oldest")
    scripts.acquire()
    first = scripts.client.xrange(entries())[0][0]  # type: ignore[index]  # no coroutine
    assert scripts.settle(0, 2, first) == b"settled"
    return scripts


@pytest.fixture
def anew(settled: Scripts) -> Scripts:
    """The same after one partition was lost, and six events came."""
    settled.client.hdel(HEADS, "0", "0b", "0l")
    settled.client.delete(entries())
    settled.append({"first": 5, "last": 8})
    settled.append({"first": 9, "last": 10})
    return settled


def noted(scripts: Scripts, partition: int = 0) -> list[bytes]:
    return scripts.client.hmget(ledger("log", partition), "start", "position", "handled")  # type: ignore[return-value]


def test_a_position_of_another_life_is_none(anew: Scripts) -> None:
    """Nobody gets the lease for it, and who has that settles nothing, whether there are as many offsets by now or not."""
    assert anew.acquire() is None
    second = anew.client.xrange(entries())[1][0]  # type: ignore[index]  # no coroutine
    assert anew.settle(2, 6, second) == b"gone"
    assert noted(anew) == [b"0", b"2", b"2"]
    assert noted(anew, 1) == [b"0", b"0", None]


def test_it_is_no_place_to_read_from(anew: Scripts) -> None:
    """For who says which life it is of."""
    life: bytes = anew.client.hget(HEADS, "0l")  # type: ignore[assignment]  # no coroutine
    assert anew.read(2, life=b"another") == [b"-1"]
    assert anew.read(2, life=life)[0] == anew.read(2)[0] == b"6"


@pytest.mark.parametrize("how", ["register", "trim"])
def test_the_reporter_goes_on_at_the_oldest_entry(anew: Scripts, how: str) -> None:
    """Its counts stay, and so does what the ledger says of the other partition."""
    if how == "register":
        anew.register(log="now")
    else:
        assert anew.trim("log") == [0, 0], "nothing of it counts as settled"
    assert noted(anew) == [b"-2", b"0", b"2"]
    assert noted(anew, 1) == [b"0", b"0", None]
    assert anew.acquire("other") == 0, "the lease is still somebody's"
    assert anew.acquire() == [1, b"0"]


def test_ledgers_say_so_before_it_does(anew: Scripts) -> None:
    """And change nothing."""
    before = anew.dump()
    (first, _second) = anew.ledgers("log")
    assert first[2] == b"6"
    assert first[5:8] == [b"-2", b"0", b"2"]
    assert anew.dump() == before


def test_a_rewind_begins_in_the_life_that_there_is(anew: Scripts) -> None:
    """Once nobody has the lease."""
    anew.release()
    assert anew.begin() == 1
    assert noted(anew) == [b"0", b"0", None]
    assert anew.acquire()[1] == b"0"


@pytest.mark.parametrize("how", ["append", "register", "trim", "lose"])
def test_a_head_that_is_lost_alone_is_made_to_fit_the_entries(settled: Scripts, how: str) -> None:
    """Offsets go on after them, and bytes too."""
    settled.append({"first": 5, "open": {"a": b"x"}})
    settled.client.hdel(HEADS, "0", "0b", "0l")
    expected = [b"5", b"%d" % (3 * len(b"data"))]
    if how == "append":
        settled.append({"first": 6})
        expected = [b"6", b"%d" % (4 * len(b"data"))]
    elif how == "lose":
        assert settled.lose("a") == 1
        expected = [b"7", b"%d" % (3 * len(b"data") + len(b"ending"))]
    elif how == "register":
        settled.register(log="now")
    else:
        settled.trim("log")
    assert settled.client.hmget(HEADS, "0", "0b") == expected


def test_an_empty_partition_that_remembers_an_offset_takes_what_comes(settled: Scripts) -> None:
    """Nothing is left of it but that, since everything was settled."""
    settled.client.xtrim(entries(), maxlen=0, approximate=False)
    settled.client.hdel(HEADS, "0", "0b", "0l")
    assert settled.append({"first": 5})[0][0] == b"stored"
    assert settled.client.hget(HEADS, "0") == b"1"


def test_a_stream_of_an_earlier_version_has_no_names_for_lives(settled: Scripts) -> None:
    """It goes on as it did; and its first loss begins a life that has one."""
    settled.client.hdel(HEADS, "0l")
    settled.client.hdel(ledger(), "life")
    second = settled.client.xrange(entries())[1][0]  # type: ignore[index]  # no coroutine
    settled.register(log="now")
    assert settled.acquire() == [1, b"2"]
    assert settled.settle(2, 4, second) == b"settled"
    settled.client.hdel(HEADS, "0", "0b")
    settled.client.delete(entries())
    settled.append({"first": 5})
    assert settled.acquire() is None
    settled.register(log="now")
    assert settled.acquire() == [1, b"0"]

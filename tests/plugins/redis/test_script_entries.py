"""The scripts that put entries in, read them and remove them: ``append``, ``beat``, ``lose``, ``read`` and ``trim``."""

from __future__ import annotations

import pytest
from redis.exceptions import ResponseError

from tests.plugins.redis.script_calls import (
    BEATS,
    HEADS,
    LOST,
    NUMBERS,
    OPEN,
    PRODUCER,
    REPORTERS,
    WEEK,
    Scripts,
    entries,
    ledger,
)


def ids(scripts: Scripts, partition: int = 0) -> list[int]:
    """The offsets of the entries."""
    found = scripts.client.xrange(entries(partition))
    return [int(key.split(b"-")[0]) for key, _fields in found]  # type: ignore[union-attr]  # no coroutine


def test_append_stores_an_entry_with_its_offset_and_bytes(scripts: Scripts) -> None:
    """The id is the offset and the server's milliseconds; the heads and the producer's number go with it."""
    before = scripts.now()
    assert scripts.append({"last": 3, "data": b"abc"}) == [[b"stored", 3, 0]]
    assert scripts.append({"first": 4, "data": b"defg"}, beat=b"alive") == [[b"stored", 4, 0]]
    (first, fields), (second, more) = scripts.client.xrange(entries())  # type: ignore[misc]  # no coroutine
    assert fields == {b"n": b"3", b"d": b"abc", b"t": b"3"}
    assert more == {b"n": b"1", b"d": b"defg", b"t": b"7"}
    assert [int(key.split(b"-")[0]) for key in (first, second)] == [0, 3]
    assert before <= int(first.split(b"-")[1]) <= scripts.now()
    assert scripts.client.hmget(HEADS, "0", "0b") == [b"4", b"7"]
    assert scripts.client.hgetall(NUMBERS) == {b"0": b"4"}
    assert 0 < scripts.client.pttl(NUMBERS) <= WEEK  # type: ignore[operator]  # no coroutine
    counter, _at, said = scripts.client.hget(BEATS, "producer").split(b" ", 2)  # type: ignore[union-attr]  # likewise
    assert (counter, said) == (b"1", b"alive")


def test_append_answers_known_and_partly_known_and_stores_nothing(scripts: Scripts) -> None:
    """A repeat ends where the last one ended or before; one that holds more has to be cut."""
    scripts.append({"last": 3})
    held = scripts.client.xrange(entries())
    assert scripts.append({"last": 3}) == [[b"known", 3, 0]]
    assert scripts.append({"last": 2}) == [[b"known", 3, 0]]
    assert scripts.append({"first": 0, "last": 0, "events": 0}) == [[b"known", 3, 0]]
    assert scripts.append({"first": 3, "last": 5}) == [[b"partly_known", 3, 0]]
    assert scripts.client.xrange(entries()) == held


def test_append_counts_a_gap(scripts: Scripts) -> None:
    """The store was set back: what it lacks is said, and the batch is stored."""
    assert scripts.append({"first": 6, "last": 7}) == [[b"stored", 7, 5]]


def test_append_of_nothing_moves_the_number_alone(scripts: Scripts) -> None:
    """A batch whose events are all in other partitions makes no entry."""
    assert scripts.append({"last": 9, "events": 0, "data": b""}) == [[b"stored", 9, 0]]
    assert scripts.client.exists(entries(), HEADS) == 0
    assert scripts.append() == []
    assert scripts.append(beat=b"") == []
    assert scripts.client.hlen(BEATS) == 1


def test_append_answers_for_each_partition(scripts: Scripts) -> None:
    """One batch is known, another is new, and each gets its own answer."""
    scripts.append({"partition": 1, "last": 2})
    assert scripts.append({"partition": 0, "last": 2}, {"partition": 1, "last": 2}) == [
        [b"stored", 2, 0],
        [b"known", 2, 0],
    ]
    assert (ids(scripts, 0), ids(scripts, 1)) == ([0], [0])


def test_append_keeps_executions_open_until_they_end(scripts: Scripts) -> None:
    """With the producer and the partition; one that begins and ends in a batch closes an older beginning too."""
    scripts.append({"begun": ["a", "b"], "open": {"a": b"A", "b": b"B:"}})
    assert scripts.client.hgetall(OPEN) == {b"a": b"8:producer0:A", b"b": b"8:producer0:B:"}
    scripts.append({"first": 2, "ended": ["a"]})
    scripts.append({"first": 3, "begun": ["b"]})
    assert scripts.client.hlen(OPEN) == 0


def test_append_takes_more_executions_than_lua_can_unpack(scripts: Scripts) -> None:
    """Tens of thousands at once."""
    many = [f"execution-{number}" for number in range(20_000)]
    scripts.append({"begun": many, "open": dict.fromkeys(many, b"x")})
    assert scripts.client.hlen(OPEN) == len(many)
    scripts.append({"first": 2, "ended": many})
    assert scripts.client.hlen(OPEN) == 0


def test_append_refuses_the_ending_of_what_was_declared_lost(scripts: Scripts) -> None:
    """All such executions are named, once; nothing is stored. A new beginning takes the declaration back."""
    scripts.client.zadd(LOST, {"a": 1, "c": 1})
    answer = scripts.append({"last": 3, "ended": ["a", "b", "c"]})
    assert answer == [[b"lost", 0, 0, b"a", b"c"]]
    assert scripts.client.exists(entries(), HEADS) == 0
    assert scripts.append({"begun": ["a"], "open": {"a": b"x"}})[0][0] == b"stored"
    assert scripts.append({"first": 2, "ended": ["a"]})[0][0] == b"stored"
    assert scripts.client.zscore(LOST, "a") is None


def test_offsets_beyond_what_lua_writes_plainly_stay_exact(scripts: Scripts) -> None:
    """Lua has floating-point numbers, and would write 1e+15."""
    large = 2**52
    scripts.client.hset(HEADS, mapping={"0": large, "0b": large})
    scripts.append({"first": large, "last": large + 1})
    assert scripts.client.hget(HEADS, "0") == str(large + 2).encode()
    assert ids(scripts) == [large]
    assert scripts.read(large)[0] == str(large + 2).encode()
    assert scripts.client.hget(NUMBERS, "0") == str(large + 1).encode()


@pytest.mark.parametrize("key", [HEADS, OPEN, LOST, BEATS, NUMBERS, entries(0), entries(1)])
def test_append_changes_nothing_where_a_key_is_of_another_type(scripts: Scripts, key: str) -> None:
    """It is refused before the first write: what is stored in part would be stored again with each repeat."""
    scripts.client.set(key, "a string")
    before = scripts.dump()
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        scripts.append(
            {"partition": 0, "begun": ["a"], "open": {"a": b"x"}, "ended": ["b"]}, {"partition": 1}, beat=b"alive"
        )
    assert scripts.dump() == before


def test_beat_counts_and_keeps_the_numbers(scripts: Scripts) -> None:
    """What was said last stands there; a producer that has no numbers yet gets none."""
    scripts.beat(b"one two")
    assert scripts.client.exists(NUMBERS) == 0
    scripts.append({})
    scripts.client.pexpire(NUMBERS, 1000)
    scripts.beat(b"")
    counter, at, said = scripts.client.hget(BEATS, "producer").split(b" ", 2)  # type: ignore[union-attr]  # no coroutine
    assert (counter, said) == (b"2", b"")
    assert abs(int(at) - scripts.now()) < 60_000
    assert scripts.client.pttl(NUMBERS) > 1000  # type: ignore[operator]  # no coroutine


def test_lose_ends_what_is_open_and_its_producers(scripts: Scripts) -> None:
    """The entry, the head and the declaration go together, once."""
    scripts.append({"begun": ["a"], "open": {"a": b"x"}})
    assert scripts.lose("a", b"another-") == 0
    assert scripts.lose("a", partition=1) == 0
    assert scripts.lose("b") == 0
    assert scripts.lose("a") == 1
    assert scripts.lose("a") == 0
    assert ids(scripts) == [0, 1]
    assert scripts.client.hmget(HEADS, "0", "0b") == [b"3", b"10"]
    assert scripts.client.hlen(OPEN) == 0
    assert scripts.client.zscore(LOST, "a") is not None
    assert scripts.append({"first": 2, "ended": ["a"]})[0] == [b"lost", 1, 0, b"a"]


def test_lose_tells_producers_apart_that_begin_alike(scripts: Scripts) -> None:
    """The length stands before the name, which may hold anything."""
    scripts.append({"begun": ["a"], "open": {"a": b"x"}}, producer=b"a:0")
    assert scripts.lose("a", b"a") == 0
    assert scripts.lose("a", b"a:0") == 1


@pytest.mark.parametrize("key", [HEADS, LOST, entries(0)])
def test_lose_changes_nothing_where_a_key_is_of_another_type(scripts: Scripts, key: str) -> None:
    """The execution stays open, for the next sweep."""
    scripts.append({"begun": ["a"], "open": {"a": b"x"}})
    scripts.client.delete(key)
    scripts.client.set(key, "a string")
    before = scripts.dump()
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        scripts.lose("a")
    assert scripts.dump() == before


def test_read_begins_with_the_entry_that_holds_the_position(scripts: Scripts) -> None:
    """An empty stream has no entries; at the head and beyond there are none; in the middle of an entry, all of it."""
    assert scripts.read() == [b"0"]
    for number in range(3):
        scripts.append({"first": 3 * number + 1, "last": 3 * number + 3, "data": b"%d" % number})
    assert scripts.read(0)[0] == b"9"
    assert scripts.read(4)[3::3] == [b"1", b"2"]
    assert scripts.read(3)[3::3] == [b"1", b"2"]
    assert scripts.read(9) == [b"9"]
    assert scripts.read(10) == [b"9"]
    scripts.client.xtrim(entries(), minid="6", approximate=False)
    assert scripts.read(0)[3::3] == [b"2"], "where it was trimmed, the oldest"


def test_read_gives_one_entry_at_least_and_no_more_than_fits(scripts: Scripts) -> None:
    """However small the bound; and more than one lot of them, where it is large."""
    for number in range(40):
        scripts.append({"first": number + 1, "data": bytes(10)})
    assert len(scripts.read(0, 1)) == 1 + 3
    assert len(scripts.read(0, 29)) == 1 + 2 * 3
    assert len(scripts.read(0, 30)) == 1 + 3 * 3
    assert len(scripts.read(0)) == 1 + 40 * 3


def test_trim_removes_what_everybody_has_settled(scripts: Scripts) -> None:
    """Up to the slowest that was seen lately, entry by entry, never in part."""
    scripts.register(log="oldest", mail="oldest")
    for number in range(4):
        scripts.append({"first": 2 * number + 1, "last": 2 * number + 2})
    scripts.client.hset(ledger("log"), "position", 8)
    scripts.client.hset(ledger("mail"), "position", 5)
    assert scripts.trim("log", "mail") == [2, 0]
    assert ids(scripts) == [4, 6]
    assert scripts.trim("log", "mail") == [0, 0]
    scripts.client.hset(REPORTERS, "mail", scripts.now() - 5000)
    assert scripts.trim("log", "mail", forget_after=1000) == [2, 0, b"mail", 3]
    assert scripts.client.hmget(ledger("mail"), "position", "expired") == [b"8", b"3"]


def test_trim_says_when_there_is_more(scripts: Scripts) -> None:
    """No call removes more than it is allowed to; none at all is allowed too."""
    scripts.register(log="oldest")
    for number in range(3):
        scripts.append({"first": number + 1})
    scripts.client.hset(ledger(), "position", 3)
    assert scripts.trim("log", most=0) == [0, 1]
    assert scripts.trim("log", most=2) == [2, 1]
    assert scripts.trim("log", most=2) == [1, 0]


def test_trim_counts_what_goes_by_age_and_by_bytes(scripts: Scripts) -> None:
    """Oldest first, over all partitions; what was settled is not counted."""
    scripts.register(log="oldest")
    scripts.append({"partition": 0, "last": 2, "data": bytes(100)}, {"partition": 1, "last": 3, "data": bytes(100)})
    stored_at = scripts.now()
    while scripts.now() == stored_at:
        pass  # what is stored in the same millisecond is as old
    scripts.append({"partition": 0, "first": 3, "data": bytes(100)})
    scripts.client.hset(ledger("log", 0), "position", 1)
    assert scripts.trim("log", max_bytes=100) == [2, 0, b"log", 4]
    assert (ids(scripts, 0), ids(scripts, 1)) == ([2], [])
    assert scripts.trim("log", max_age=-1) == [1, 0, b"log", 1]
    assert scripts.client.hmget(ledger("log", 0), "position", "expired") == [b"3", b"2"]
    assert scripts.client.hmget(ledger("log", 1), "position", "expired") == [b"3", b"3"]


def test_trim_without_a_reporter_removes_by_its_bounds_alone(scripts: Scripts) -> None:
    """Nobody has settled anything: it waits for the first agent. And an empty stream is nothing special."""
    assert scripts.trim() == [0, 0]
    scripts.append({"data": bytes(100)})
    assert scripts.trim() == [0, 0]
    assert scripts.trim(max_bytes=99) == [1, 0]


def test_trim_forgets_processes_and_losses_in_time(scripts: Scripts) -> None:
    """What is older than ``forget_after``, and nothing younger."""
    now = scripts.now()
    scripts.client.zadd(LOST, {"old": now - 5000, "new": now})
    scripts.client.hset(BEATS, mapping={"old": f"7 {now - 5000} x", "new": f"7 {now} x"})
    scripts.trim(forget_after=2500)
    assert scripts.client.zrange(LOST, 0, -1) == [b"new"]
    assert scripts.client.hkeys(BEATS) == [b"new"]


@pytest.mark.parametrize("key", [LOST, BEATS, entries(1), ledger("mail", 1)])
def test_trim_changes_nothing_where_a_key_is_of_another_type(scripts: Scripts, key: str) -> None:
    """Otherwise entries would be gone, and nobody would have counted them."""
    scripts.register(log="oldest", mail="oldest")
    scripts.append({"begun": ["a"], "data": bytes(100)}, beat=PRODUCER)
    scripts.client.delete(key)
    scripts.client.set(key, "a string")
    before = scripts.dump()
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        scripts.trim("log", "mail", max_bytes=1)
    assert scripts.dump() == before

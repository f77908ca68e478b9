"""The scripts of leases and ledgers: ``register``, ``acquire``, ``renew``, ``release``, ``settle``, ``ledgers``, ``begin``."""

from __future__ import annotations

import pytest
from redis.exceptions import ResponseError

from tests.plugins.redis.script_calls import HEADS, LONGEST, REPORTERS, Scripts, all_ledgers, entries, ledger, letters


def filled(scripts: Scripts, *, count: int = 4) -> list[bytes]:
    """Entries of two events each, for a reporter that has them all before it. Returns their keys."""
    for number in range(count):
        scripts.append({"first": 2 * number + 1, "last": 2 * number + 2})
    scripts.register(log="oldest")
    return [key for key, _fields in scripts.client.xrange(entries())]  # type: ignore[union-attr]  # no coroutine


def position(scripts: Scripts, reporter: str = "log") -> int:
    return int(scripts.client.hget(ledger(reporter), "position"))  # type: ignore[arg-type]  # no coroutine


def test_register_begins_where_it_is_told_to(scripts: Scripts) -> None:
    """The first that a stream ever sees begin at the oldest entry; later ones now, or there too."""
    filled(scripts)
    scripts.client.xtrim(entries(), minid="2", approximate=False)
    scripts.client.delete(REPORTERS, *all_ledgers("log"))
    scripts.register(log="now")
    scripts.register(mail="now")
    scripts.register(chat="oldest")
    assert [position(scripts, name) for name in ("log", "mail", "chat")] == [2, 8, 2]
    assert scripts.client.hmget(ledger("mail", 1), "start", "position") == [b"0", b"0"]


def test_register_leaves_a_known_reporter_where_it_is(scripts: Scripts) -> None:
    """It notes only that an agent runs it. Several can be told of at once, and none."""
    filled(scripts)
    scripts.client.hset(ledger(), mapping={"position": 4, "handled": 4})
    scripts.client.hset(REPORTERS, "log", 1)
    scripts.register(log="oldest", mail="now")
    assert scripts.client.hmget(ledger(), "position", "handled") == [b"4", b"4"]
    assert int(scripts.client.hget(REPORTERS, "log")) > 1  # type: ignore[arg-type]  # no coroutine
    scripts.register()
    assert scripts.client.hlen(REPORTERS) == 2


def test_acquire_gives_a_lease_to_one_at_a_time(scripts: Scripts) -> None:
    """Nothing for an unknown reporter; 0 while somebody has it; the owner gets it again with the same fence."""
    assert scripts.acquire() is None
    filled(scripts)
    assert scripts.acquire("one") == [1, b"0"]
    assert scripts.acquire("two") == 0
    scripts.client.hset(ledger(), "position", 4)
    assert scripts.acquire("one") == [1, b"4"]


def test_acquire_takes_what_has_run_out(scripts: Scripts) -> None:
    """With the next fence; one that was given up at once; and one from a clock that has been set back since."""
    filled(scripts)
    scripts.acquire("one")
    scripts.client.hset(ledger(), "deadline", scripts.now() - 1)
    assert scripts.acquire("two") == [2, b"0"]
    scripts.release("two", 2)
    assert scripts.acquire("one") == [3, b"0"]
    scripts.client.hset(ledger(), "deadline", scripts.now() + LONGEST - 1000)
    assert scripts.acquire("two") == 0
    scripts.client.hset(ledger(), "deadline", scripts.now() + LONGEST + 60_000)
    assert scripts.acquire("two") == [4, b"0"]


def test_acquire_for_a_task_needs_no_reporter(scripts: Scripts) -> None:
    """Its position is 0."""
    assert scripts.acquire("one", key=ledger(".task"), task=True) == [1, b"0"]
    assert scripts.acquire("two", key=ledger(".task"), task=True) == 0


def test_renew_answers_for_each_lease(scripts: Scripts) -> None:
    """Held, of another owner, of an older fence, of no reporter. One that ran out and that nobody took is held."""
    filled(scripts)
    scripts.acquire("one", for_ms=1)
    assert scripts.renew((ledger(), "log", "one", 1)) == [1]
    assert scripts.acquire("two") == 0
    assert scripts.renew(
        (ledger(), "log", "two", 1),
        (ledger(), "log", "one", 0),
        (ledger("no"), "no", "one", 1),
        (ledger(), "log", "one", 1),
    ) == [0, 0, 0, 1]
    assert scripts.client.hexists(REPORTERS, "no") == 0
    assert scripts.renew() == []


def test_renew_notes_that_the_reporter_is_run(scripts: Scripts) -> None:
    """Also by who has lost the lease: it runs it all the same."""
    filled(scripts)
    scripts.acquire("one")
    scripts.client.hset(REPORTERS, "log", 1)
    assert scripts.renew((ledger(), "log", "two", 1)) == [0]
    assert int(scripts.client.hget(REPORTERS, "log")) > 1  # type: ignore[arg-type]  # no coroutine


def test_release_is_the_owners_alone(scripts: Scripts) -> None:
    """Somebody else's, an older fence or none at all changes nothing; the fence stays."""
    scripts.release()
    assert scripts.client.exists(ledger()) == 0
    filled(scripts)
    scripts.acquire("one")
    before = scripts.client.hgetall(ledger())
    scripts.release("two", 1)
    scripts.release("one", 0)
    assert scripts.client.hgetall(ledger()) == before
    scripts.release("one", 1)
    assert scripts.client.hmget(ledger(), "owner", "deadline", "fence") == [None, None, b"1"]


def test_settle_moves_the_position_and_counts(scripts: Scripts) -> None:
    """Also to the middle of an entry, and on from there."""
    keys = filled(scripts)
    scripts.acquire()
    assert scripts.settle(0, 3, keys[1], counts=(1, 1, 1, 0)) == b"settled"
    assert scripts.settle(3, 8, keys[3]) == b"settled"
    found = scripts.client.hmget(ledger(), "position", "handled", "filtered", "unknown", "dead")
    assert found == [b"8", b"6", b"1", b"1", None]


def test_settle_refuses_and_changes_nothing(scripts: Scripts) -> None:
    """Fenced off; moved on by somebody else; the entry gone, another in its place, or shorter than what is settled."""
    keys = filled(scripts)
    assert scripts.settle(0, 2, keys[0]) == b"fenced", "nobody has a lease"
    scripts.acquire()
    before = scripts.dump()
    assert scripts.settle(0, 2, keys[0], owner="another") == b"fenced"
    assert scripts.settle(0, 2, keys[0], fence=0) == b"fenced"
    assert scripts.settle(1, 2, keys[0]) == b"moved"
    assert scripts.settle(0, 2, keys[1]) == b"gone"
    assert scripts.settle(0, 2, "0-1") == b"gone"
    assert scripts.settle(0, 9, keys[3]) == b"gone", "it goes beyond the last entry"
    assert scripts.dump() == before
    scripts.client.delete(entries())
    assert scripts.settle(0, 2, keys[0]) == b"gone"
    assert position(scripts) == 0


def test_settle_of_a_lease_that_ran_out_counts_until_somebody_takes_it(scripts: Scripts) -> None:
    """Then the fence says so."""
    keys = filled(scripts)
    scripts.acquire("one", for_ms=1)
    scripts.client.hset(ledger(), "deadline", 1)
    assert scripts.settle(0, 2, keys[0], owner="one") == b"settled"
    scripts.acquire("two")
    assert scripts.settle(2, 4, keys[1], owner="one") == b"fenced"


def test_settle_keeps_the_newest_letters(scripts: Scripts) -> None:
    """In the same write, up to their bound; all of them are counted."""
    keys = filled(scripts)
    scripts.acquire()
    assert scripts.settle(0, 3, keys[1], dead=[(3.0, b"c"), (1.0, b"a"), (2.0, b"b")], kept=2) == b"settled"
    assert scripts.client.zrange(letters(), 0, -1) == [b"b", b"c"]
    assert scripts.client.hget(ledger(), "dead") == b"3"


def test_settle_keeps_so_much_of_letters(scripts: Scripts) -> None:
    """How many that are, the size of the newest says; one is kept, however large."""
    keys = filled(scripts)
    scripts.acquire()
    small = [(float(number), b"%04d" % number) for number in range(4)]
    assert scripts.settle(0, 4, keys[1], dead=small, kept_bytes=12) == b"settled"
    assert scripts.client.zrange(letters(), 0, -1) == [b"0001", b"0002", b"0003"]
    assert scripts.settle(4, 5, keys[2], dead=[(5.0, bytes(1000))], kept_bytes=12) == b"settled"
    assert scripts.client.zrange(letters(), 0, -1) == [bytes(1000)]


def test_a_lease_of_a_task_is_forgotten_in_the_end(scripts: Scripts) -> None:
    """Some are those of one machine's spool, which may never come back; a reporter's is kept with its ledger."""
    filled(scripts)
    task = ledger(".ingest.0123")
    scripts.acquire("one", key=task, task=True)
    scripts.acquire("one")
    assert 0 < scripts.client.pttl(task) <= 600_000  # type: ignore[operator]  # no coroutine
    scripts.client.pexpire(task, 10_000)
    assert scripts.renew((task, ".ingest.0123", "one", 1), (ledger(), "log", "one", 1)) == [1, 1]
    assert scripts.client.pttl(task) > 10_000  # type: ignore[operator]  # no coroutine
    assert scripts.client.pttl(ledger()) == -1


@pytest.mark.parametrize("key", [letters(), entries(), ledger()])
def test_settle_changes_nothing_where_a_key_is_of_another_type(scripts: Scripts, key: str) -> None:
    """A position that moves without its letters would lose them."""
    keys = filled(scripts)
    scripts.acquire()
    scripts.client.delete(key)
    scripts.client.set(key, "a string")
    before = scripts.dump()
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        scripts.settle(0, 1, keys[0], dead=[(1.0, b"letter")])
    assert scripts.dump() == before


def test_ledgers_tell_of_each_reporter_in_each_partition(scripts: Scripts) -> None:
    """With the head, and since when the oldest waits; nothing of who is not known."""
    assert scripts.ledgers() == []
    assert scripts.ledgers("log") == []
    keys = filled(scripts)
    scripts.acquire()
    scripts.settle(0, 3, keys[1])
    (first, second) = scripts.ledgers("log")
    waits = keys[1].split(b"-")[1]
    seen = scripts.client.hget(REPORTERS, "log")
    assert first == [b"log", 0, b"8", seen, waits, b"0", b"3", b"3", b"0", b"0", b"0", b"0"]
    assert second == [b"log", 1, b"0", seen, b"", b"0", b"0", b"0", b"0", b"0", b"0", b"0"]


def test_begin_forgets_a_reporter_with_all_of_its_own(scripts: Scripts) -> None:
    """Not while it is run. What it leaves is the fence, so that nobody settles who had it before."""
    assert scripts.begin("log", "forget") is None
    keys = filled(scripts)
    scripts.acquire()
    scripts.settle(0, 1, keys[0], dead=[(1.0, b"letter")])
    assert scripts.begin("log", "forget") == 0
    assert scripts.client.exists(letters()) == 1
    scripts.client.hset(ledger(), "deadline", scripts.now() - 1)
    assert scripts.begin("log", "forget") == 1
    assert scripts.client.exists(letters(), REPORTERS) == 0
    assert scripts.client.hgetall(ledger()) == {b"fence": b"2"}
    assert scripts.settle(1, 2, keys[0]) == b"fenced"


def test_begin_rewinds_to_the_first_entry_since_a_time(scripts: Scripts) -> None:
    """By halves: before the first, at each, between two, after the last; with zeros in the ledger."""
    scripts.register(log="oldest")
    for number in range(7):
        scripts.client.xadd(entries(), {"n": 2, "d": "x", "t": number + 1}, id=f"{2 * number}-{1000 + 10 * number}")
    scripts.client.hset(HEADS, mapping={"0": 14, "0b": 7})
    scripts.client.hset(ledger(), mapping={"handled": 9, "expired": 5, "position": 14})
    for since, expected in [(0, 0), (1, 0), (1000, 0), (1001, 2), (1029, 6), (1030, 6), (1060, 12), (1061, 14)]:
        assert scripts.begin("log", str(since)) == 1
        assert scripts.client.hmget(ledger(), "start", "position") == [str(expected).encode()] * 2, since
        assert scripts.client.hmget(ledger(), "handled", "expired") == [None, None]
    scripts.client.xtrim(entries(), minid="6", approximate=False)
    assert scripts.begin("log", "0") == 1
    assert position(scripts) == 6, "the oldest that there is"
    assert scripts.client.hmget(ledger("log", 1), "start", "position") == [b"0", b"0"]


@pytest.mark.parametrize("key", [HEADS, entries(1), ledger("log", 1)])
@pytest.mark.parametrize("what", ["register", "rewind"])
def test_who_begins_changes_nothing_where_a_key_is_of_another_type(scripts: Scripts, key: str, what: str) -> None:
    """A ledger that is set anew in part would not be closed."""
    filled(scripts)
    scripts.client.hset(ledger(), mapping={"position": 4, "handled": 4})
    if what == "register":
        scripts.client.hdel(REPORTERS, "log")
    scripts.client.delete(key)
    scripts.client.set(key, "a string")
    before = scripts.dump()
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        scripts.register(log="oldest") if what == "register" else scripts.begin()
    assert scripts.dump() == before

"""What is to be told: at least once, by one process at a time, and again only after a kill."""

from __future__ import annotations

import pytest

from jobreporter_history.store import Notice, Outbox

from .conftest import Read, Run
from .executions import failed, succeeded
from .sessions import Running

DAY = 86_400.0


@pytest.fixture
def running(url: str, run: Run) -> Running:
    """A history with a keeper."""
    running = run(url)
    running.tick(10)
    return running


def outbox_of(running: Running, read: Read, name: str = "notify", **options: float) -> Outbox:
    """The outbox of one reader."""
    return read(running.url, clock=lambda: running.now).outbox(name, **options)


def happened(notices: tuple[Notice, ...]) -> list[tuple[int, str]]:
    """Incident, and what happened to it."""
    return [(notice.row.incident, notice.row.happening) for notice in notices]


def fail(running: Running, *names: str) -> None:
    """Jobs fail, and the keeper sees it."""
    assert running.write(event for name in names for event in failed(running.now, name=name))
    running.tick(5)


def test_what_happened_before_is_not_told(running: Running, read: Read) -> None:
    """A reader that is new begins with what comes after it."""
    fail(running, "shop.tasks.before")
    outbox = outbox_of(running, read)
    assert outbox.claim() == ()
    fail(running, "shop.tasks.after")
    [notice] = outbox.claim()
    assert notice.row.happening == "opened"
    assert notice.incident.job == "shop.tasks.after"
    assert notice.sample is not None
    assert notice.sample.error is not None
    assert notice.tries == 0


def test_each_is_told_once(running: Running, read: Read) -> None:
    """What is claimed is nobody else's, what is told is over, in the order in which it happened."""
    outbox, other = outbox_of(running, read), outbox_of(running, read)
    outbox.claim()
    fail(running, "shop.tasks.a", "shop.tasks.b", "shop.tasks.c")
    first = outbox.claim(limit=2)
    assert happened(first) == [(1, "opened"), (2, "opened")]
    rest = other.claim()
    assert happened(rest) == [(3, "opened")]
    assert outbox.claim() == other.claim() == ()
    assert [outbox.told(notice) for notice in first] == [True, True]
    assert other.told(rest[0])
    running.now += DAY
    assert outbox.claim() == other.claim() == ()


def test_what_a_killed_process_claimed_is_claimed_again(running: Running, read: Read) -> None:
    """After a minute somebody else has it, with a count of the tries; the first one's word counts no more."""
    outbox, other = outbox_of(running, read), outbox_of(running, read)
    outbox.claim()
    fail(running, "shop.tasks.a")
    [notice] = outbox.claim()
    running.now += 59
    assert other.claim() == ()
    running.now += 2
    [again] = other.claim()
    assert (again.row, again.tries) == (notice.row, 1)
    assert not outbox.told(notice)
    assert other.told(again)
    assert not other.told(again)


def test_what_could_not_be_told_comes_back(running: Running, read: Read) -> None:
    """It is given back, for as long as is said, and claimed again by anybody."""
    outbox = outbox_of(running, read)
    outbox.claim()
    fail(running, "shop.tasks.a")
    [notice] = outbox.claim()
    assert outbox.give_back(notice, after=30)
    running.now += 29
    assert outbox.claim() == ()
    running.now += 1
    [again] = outbox_of(running, read).claim()
    assert again.tries == 1


def test_notices_may_settle(running: Running, read: Read) -> None:
    """A reader may wait a while, in which it may turn out to be over."""
    outbox = outbox_of(running, read)
    outbox.claim()
    fail(running, "shop.tasks.a")
    assert outbox.claim(settled=30) == ()
    running.now += 30
    assert happened(outbox.claim(settled=30)) == [(1, "opened")]


def test_readers_are_told_each_by_itself(running: Running, read: Read) -> None:
    """What one reader told, another one still has to tell."""
    chat, pager = outbox_of(running, read, "chat"), outbox_of(running, read, "pager")
    chat.claim()
    pager.claim()
    fail(running, "shop.tasks.a")
    [notice] = chat.claim()
    assert chat.told(notice)
    assert happened(pager.claim()) == [(1, "opened")]


def test_quiet_rows_are_not_told(running: Running, read: Read, url: str) -> None:
    """Silences, and what happens in them, are on the page alone."""
    outbox = outbox_of(running, read)
    outbox.claim()
    fail(running, "shop.tasks.a")
    store = read(url, clock=lambda: running.now)
    store.silence(1, running.now + DAY)
    running.tick(5)
    assert running.write(succeeded(running.now, name="shop.tasks.a"))
    running.tick(20 * 60)
    assert [each.state for each in store.incidents()] == ["resolved"]
    assert happened(outbox.claim()) == [(1, "opened")]


def test_people_are_reminded_as_often_as_their_reader_wants(running: Running, read: Read) -> None:
    """Of two readers, one wants to be reminded every six hours and the other every day; a third never."""
    readers = {"often": 6 * 3600.0, "daily": DAY, "never": None}
    told = dict.fromkeys(readers, 0)
    outboxes = {
        name: outbox_of(running, read, name, **({} if repeat is None else {"repeat": repeat}))
        for name, repeat in readers.items()
    }
    for outbox in outboxes.values():
        outbox.claim()
    for _ in range(2 * 24 + 1):
        fail(running, "shop.tasks.a")
        running.now += 3595
        for name, outbox in outboxes.items():
            for notice in outbox.claim():
                assert notice.row.happening in {"opened", "reminded"}
                assert outbox.told(notice)
                told[name] += notice.row.happening == "reminded"
    assert told == {"often": 8, "daily": 2, "never": 0}


def test_a_claim_can_be_renewed(running: Running, read: Read) -> None:
    """By whoever holds it, for as long as nobody else has claimed it."""
    outbox, other = outbox_of(running, read), outbox_of(running, read)
    outbox.claim()
    fail(running, "shop.tasks.a", "shop.tasks.b")
    notices = outbox.claim(lease=30)
    running.now += 29
    assert outbox.renew(*notices, lease=30)
    running.now += 29
    assert other.claim() == ()
    running.now += 2
    assert len(other.claim(limit=1)) == 1
    assert not outbox.renew(*notices)


def test_what_was_not_tried_is_no_try(running: Running, read: Read) -> None:
    """It comes back as it was."""
    outbox = outbox_of(running, read)
    outbox.claim()
    fail(running, "shop.tasks.a", "shop.tasks.b")
    assert outbox.give_back(*outbox.claim(), untried=True)
    first, second = outbox.claim()
    assert (first.tries, second.tries) == (0, 0)
    assert outbox.give_back(first, second)
    assert [notice.tries for notice in outbox.claim()] == [1, 1]


def test_the_end_of_an_incident_waits_for_its_beginning(running: Running, read: Read) -> None:
    """What happened to one incident is claimed in its order, while others pass."""
    outbox, other = outbox_of(running, read), outbox_of(running, read)
    outbox.claim()
    fail(running, "shop.tasks.a")
    [notice] = outbox.claim()
    read(running.url, clock=lambda: running.now).resolve(1)
    fail(running, "shop.tasks.b")
    assert happened(other.claim()) == [(2, "opened")]
    assert outbox.told(notice)
    assert happened(other.claim()) == [(1, "resolved")]


def test_a_reader_tells_what_it_wants(running: Running, read: Read) -> None:
    """What it doesn't, it passes over, once and for all; and it knows how much it told of late."""
    outbox = read(running.url, clock=lambda: running.now).outbox("pager", tell=("resolved",))
    outbox.claim()
    fail(running, "shop.tasks.a")
    assert outbox.claim() == ()
    read(running.url, clock=lambda: running.now).resolve(1)
    running.tick(5)
    [notice] = outbox.claim()
    assert notice.row.happening == "resolved"
    assert outbox.told_lately(60) == 0
    assert outbox.told(notice)
    assert outbox.told_lately(60) == 1
    running.now += 61
    assert outbox.told_lately(60) == 0
    assert read(running.url, clock=lambda: running.now).outbox("pager").claim() == ()


def test_an_outbox_with_nothing_to_tell_writes_nothing(running: Running, read: Read) -> None:
    """It looks without a lock, and shows once a minute that somebody reads."""
    outbox = outbox_of(running, read)
    outbox.claim()
    fail(running, "shop.tasks.a")
    assert outbox.told(*outbox.claim())
    seen = []
    for _ in range(24):
        running.now += 5
        assert outbox.claim() == ()
        with running.database.reading() as connection:
            seen += connection.rows("SELECT seen_at FROM reader")
    assert len(set(seen)) == 3

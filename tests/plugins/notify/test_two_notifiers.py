"""Two notifiers of one store, of which one is killed or stopped before any of its statements: everything is told."""

from __future__ import annotations

import mmap
import signal
import struct
from collections import Counter
from contextlib import closing

import pytest

from jobreporter import Secret
from jobreporter_history._engines import file_lock, sqlite
from jobreporter_history._engines import postgresql_connection as asking
from jobreporter_history._incidents.keeper import Keeper
from jobreporter_history._open import open_database
from jobreporter_history.store import StoreError, open_store
from jobreporter_notify import NotifyOptions
from jobreporter_notify._reporter import notifier_of
from tests.plugins.history.executions import NOW, failed, write
from tests.plugins.history.interrupted import Child

from .services import Services

#: By then another one has to have told what the first one had in hand.
HAND_OVER = 30
TITLES = [f"New: Declined in shop.tasks.job_{number}" for number in range(2)]


class Clock:
    """A time that parent and children share, and that the parent moves."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 8)
        self.set(NOW)

    def set(self, now: float) -> None:
        """It is so late."""
        self._shared[:8] = struct.pack("d", now)

    def __call__(self) -> float:
        return float(struct.unpack("d", self._shared[:8])[0])


class Scene:
    """Two incidents that are due to be told, and notifiers who are about to."""

    def __init__(self, url: str, services: Services) -> None:
        self.url = url
        self.services = services
        self.clock = Clock()
        write(url, [])
        self.tick()
        write(url, [event for number in range(2) for event in failed(NOW + number, name=f"shop.tasks.job_{number}")])
        with closing(open_database(url, lambda: NOW + 5)) as database:
            keeper = Keeper(database, "keeper")
            assert keeper.take(NOW + 5)
            assert keeper.decide(NOW + 5) == 2
            keeper.close()
        self.start()

    def start(self) -> None:
        """Nothing is told yet, and all is due."""
        with closing(open_database(self.url)) as database, database.writing() as connection:
            connection.run("DELETE FROM told")
            connection.run("UPDATE reader SET since = 0")
        self.clock.set(NOW + 60)
        self.services.sent.clear()

    def tick(self) -> None:
        """A notifier's life of one tick."""
        store = open_store(self.url, clock=self.clock)
        options = NotifyOptions(to={"hook": Secret(f"json://{self.services.address}/hook")})
        notifier = notifier_of(store, options, "notify", None, lambda: 0.0)
        try:
            notifier.follow()
            notifier.tick()
        finally:
            notifier.close()

    def hand_over(self) -> None:
        """Another one ticks, for as long as it may take until everything is told."""
        for seconds in (0, HAND_OVER - 5, HAND_OVER):
            self.clock.set(NOW + 60 + seconds)
            self.tick()


@pytest.fixture
def scene(url: str, services: Services) -> Scene:
    """On both databases."""
    return Scene(url, services)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for a lock that a stopped process holds."""
    monkeypatch.setitem(asking.SETTINGS, "idle_in_transaction_session_timeout", "100ms")
    monkeypatch.setattr(sqlite, "PATIENCE", 0.02)
    monkeypatch.setattr(file_lock, "_PATIENCE", 0.02)


def test_what_a_killed_notifier_had_in_hand_is_told_by_another(scene: Scene) -> None:
    """SIGKILL before any of its statements: within 30 s everything is told, and at most one message twice: the one that was
    sent and not marked."""
    last = Child(scene.tick, None).wait()
    assert sorted(scene.services.titles) == TITLES
    twice = 0
    for statement in range(1, last + 1):
        scene.start()
        Child(scene.tick, statement).wait()
        scene.hand_over()
        told = Counter(scene.services.titles)
        assert sorted(told) == TITLES, statement
        assert told.total() <= 3, statement
        twice += told.total() - 2
    assert 1 <= twice <= 3 * 2


def test_what_a_stopped_notifier_had_in_hand_is_told_by_another(scene: Scene, impatient: None) -> None:
    """SIGSTOP before every third of its statements, for longer than its lease: another one takes over within 30 s, and the first one
    tells nothing further that isn't its own any more when it goes on."""
    last = Child(scene.tick, None).wait()
    taken_over = 0
    for statement in range(1, last + 1, 3):
        scene.start()
        child = Child(scene.tick, statement, signal.SIGSTOP)
        assert child.wait_for_stop()
        try:
            scene.hand_over()
            taken_over += sorted(set(scene.services.titles)) == TITLES
        except StoreError:
            # In SQLite, whoever is stopped in the middle of a write has everybody wait.
            assert scene.url.startswith("sqlite")
        child.go_on()
        child.wait()
        scene.clock.set(NOW + 300)
        scene.tick()
        told = Counter(scene.services.titles)
        assert sorted(told) == TITLES, statement
        assert told.total() <= 4, statement
    assert taken_over >= last // 15


def test_two_notifiers_at_a_time_tell_each_once(scene: Scene) -> None:
    """Both tick at the same time, for twenty rounds: nothing is told twice."""
    for _ in range(20):
        scene.start()
        children = [Child(scene.tick, None) for _ in range(2)]
        for child in children:
            child.wait()
        scene.tick()
        assert Counter(scene.services.titles) == Counter(TITLES)

"""Who is told what, and when: each row of the log at least once, and few messages."""

from __future__ import annotations

import logging
import re
from itertools import pairwise

import pytest
from apprise.plugins.pagerduty import PAGERDUTY_API_LOOKUP

from jobreporter.testing import Answer, Conversation
from jobreporter_notify._pacing import Pace
from tests.plugins.history.conftest import Run

from .conftest import MakeDesk
from .desk import Desk
from .services import Services

HOUR, DAY = 3600.0, 86_400.0


def test_an_incident_is_told_from_its_beginning_to_its_end(desk: Desk, services: Services) -> None:
    """It opens, gets worse, is resolved and comes back: a message each, half a minute after it was decided."""
    desk.fail()
    desk.wait(30)
    assert services.sent == []
    desk.wait(5)
    assert services.titles == ["New: Declined in shop.tasks.charge"]
    for failures in (1, 1, 12):
        desk.jump(HOUR)
        desk.fail(times=failures)
    desk.jump(HOUR)
    desk.wait(40)
    desk.jump(20 * 60)
    desk.succeed(times=60)
    desk.wait(40)
    desk.fail()
    desk.wait(40)
    assert [sent.body["title"].partition(":")[0] for sent in services.sent] == ["New", "Worse", "Resolved", "Again"]
    assert [sent.body["type"] for sent in services.sent] == ["failure", "failure", "success", "failure"]
    assert all(sent.problems == [] for sent in services.sent)


def test_what_happened_before_the_first_start_is_not_told(url: str, run: Run, services: Services) -> None:
    """Whoever installs the notifier isn't told of the last year."""
    running = run(url)
    to = {"hook": f"json://{services.address}/hook"}
    first = Desk(running, to, reporter="other")
    first.fail()
    running.tick(10)
    desk = Desk(running, to)
    desk.wait(60)
    assert services.sent == []
    first.close()
    desk.close()


def test_more_than_ten_are_one_message(desk: Desk, services: Services) -> None:
    """Twelve incidents of one outage are one message; what opens within a minute after it waits for the next."""
    desk.fail(*(f"shop.tasks.job_{number}" for number in range(12)))
    desk.wait(35)
    assert services.titles == ["12 incidents: 12 new"]
    lines = services.sent[0].body["message"].splitlines()
    assert lines[0] == "- New: Declined in shop.tasks.job_0, 1 failure"
    assert lines[-2:] == ["and 2 more", "https://jobs.example.org/incidents"]
    desk.fail("shop.tasks.late")
    desk.wait(55)
    assert len(services.sent) == 1
    desk.wait(20)
    assert services.titles[1:] == ["New: Declined in shop.tasks.late"]
    assert "Late" not in services.sent[1].body["message"]


def test_what_nobody_told_for_a_week_is_a_few_messages(desk: Desk, services: Services) -> None:
    """No notifier ran while 250 incidents opened and most were over: what is told of them later says so."""
    desk.fail(*(f"shop.tasks.job_{number}" for number in range(250)))
    desk.running.tick(5)
    desk.running.tick(7 * DAY)
    desk.succeed(*(f"shop.tasks.job_{number}" for number in range(190)))
    desk.running.tick(5)
    desk.jump(60)
    assert services.titles == ["200 incidents: 200 new"]
    said = services.sent[0].body["message"].splitlines()
    assert said[-2] == "Late by up to 7 d: they could not be told before. By now 190 of them are resolved."
    desk.wait(150)
    assert sorted(services.titles[1:]) == ["200 incidents: 50 new, 150 resolved", "40 incidents: 40 resolved"]


def test_a_pager_closes_what_it_opened(
    make_desk: MakeDesk, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the title of the README, which is the same from an incident's beginning to its end."""
    region = next(iter(PAGERDUTY_API_LOOKUP))
    monkeypatch.setitem(PAGERDUTY_API_LOOKUP, region, f"http://{services.address}/pagerduty")
    url = "pagerduty://A0A0A0A0A0A0A0A0A0A0@abcd1234abcd1234abcd1234abcd1234/shop/jobs?action=map"
    desk = make_desk({"pager": url}, wait="0s", title="{what} (incident {number})")
    desk.fail("shop.tasks.charge", "shop.tasks.refund")
    desk.wait(20)
    desk.store.resolve(1)
    desk.wait(20)
    assert [sent.problems for sent in services.sent] == [[], [], []]
    said = [(sent.body["event_action"], sent.body["dedup_key"]) for sent in services.sent]
    assert [action for action, _ in said] == ["trigger", "trigger", "resolve"]
    assert said[0][1] == said[2][1] != said[1][1]


def test_ten_are_ten_messages(desk: Desk, services: Services) -> None:
    """So few go one by one, in the order in which they opened."""
    names = [f"shop.tasks.job_{number}" for number in range(10)]
    desk.fail(*names)
    desk.wait(35)
    assert services.titles == [f"New: Declined in {name}" for name in names]


def test_a_trickle_is_bounded_too(make_desk: MakeDesk, services: Services) -> None:
    """Two new incidents every five seconds for five minutes: one message for each minute, and ten at most
    before them and after them; all are told."""
    desk = make_desk({"hook": f"json://{services.address}/hook"}, wait="0s")
    opened = 0
    for _ in range(60):
        for _ in range(2):
            opened += 1
            desk.fail(f"shop.tasks.job_{opened}")
        desk.wait(5)
    desk.wait(120)
    single = [title for title in services.titles if title.startswith("New: ")]
    together = [int(title.split()[0]) for title in services.titles if " incidents: " in title]
    assert len(single) + sum(together) == opened
    assert len(services.sent) <= 10 + 6 + 10
    assert min(together) > 10


def test_a_missed_run_is_told_at_once(make_desk: MakeDesk, services: Services) -> None:
    """It has waited for its grace already."""
    desk = make_desk({"hook": f"json://{services.address}/hook"}, wait="10m")
    desk.fail("shop.tasks.charge")
    desk.miss("backup")
    desk.wait(5)
    assert services.titles == ["Missed: backup"]
    desk.wait(600)
    assert services.titles[1:] == ["New: Declined in shop.tasks.charge"]


def test_what_can_not_be_told_is_told_later_and_says_so(
    desk: Desk, services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    """While the service is down, the log says so once an hour. Nothing is lost, and the
    message says that it is late, and how it stands by now."""
    desk.fail()
    services.now = Answer(503)
    with caplog.at_level(logging.INFO):
        desk.wait(300)
        desk.store.resolve(1)
        desk.wait(50 * 60)
        assert services.sent == []
        services.now = None
        desk.wait(600)
    assert services.titles == ["New: Declined in shop.tasks.charge", "Resolved: Declined in shop.tasks.charge"]
    said = services.sent[0].body["message"]
    assert re.search(r"Late by (5\d|60) min|Late by 1 h", said)
    assert "it could not be told before. By now it is resolved." in said
    failed, again = [record.getMessage() for record in caplog.records]
    assert failed.startswith("hook can't be told: ")
    assert failed.endswith("; tried again after 10 s, until it can")
    assert again == "hook is told again"


def test_tries_become_rarer(desk: Desk, services: Services) -> None:
    """In two hours in which a service is down, it is tried some twenty times, and at least every ten minutes."""
    tries: list[float] = []

    def refuse(conversation: Conversation) -> None:
        tries.append(desk.now)
        conversation.say(Answer(500))

    services.now = refuse
    desk.fail()
    desk.wait(2 * HOUR)
    between = [round(later - sooner) for sooner, later in pairwise(tries)]
    assert between[:6] == [10, 20, 40, 80, 160, 320]
    assert set(between[6:]) == {600}


def test_nobody_holds_up_the_others(make_desk: MakeDesk, services: Services) -> None:
    """Where one is down, the other is told; and each is told what it missed."""
    desk = make_desk({"down": "json://127.0.0.1:1/hook", "up": f"json://{services.address}/hook"})
    desk.fail()
    desk.wait(60)
    assert services.titles == ["New: Declined in shop.tasks.charge"]


def test_each_is_told_what_it_wants(make_desk: MakeDesk, services: Services) -> None:
    """A pager is told what is new, under another reporter's name, and the chat everything."""
    chat = make_desk({"chat": f"json://{services.address}/hook"})
    pager = make_desk({"pager": f"json://{services.address}/hook"}, reporter="pager", tell=("opened", "regressed"))
    chat.fail()
    chat.wait(40)
    pager.notifier.tick()
    chat.store.resolve(1)
    chat.wait(40)
    pager.notifier.tick()
    assert services.titles == [
        "New: Declined in shop.tasks.charge",
        "New: Declined in shop.tasks.charge",
        "Resolved: Declined in shop.tasks.charge",
    ]
    with chat.running.database.reading() as connection:
        readers = connection.rows("SELECT name FROM reader ORDER BY name")
    assert readers == [("notify/chat",), ("pager/pager",)]


def test_people_are_reminded(make_desk: MakeDesk, services: Services) -> None:
    """Once in six hours, while it fails on; and never where nobody wants that."""
    desk = make_desk({"hook": f"json://{services.address}/hook"}, repeat="6h")
    for _ in range(25):
        desk.fail()
        desk.jump(35)
        desk.jump(HOUR - 35)
    kinds = [title.partition(":")[0] for title in services.titles]
    assert kinds == ["New", "Still failing", "Still failing", "Still failing", "Still failing"]
    assert services.sent[-1].body["type"] == "warning"


def test_nobody_is_told_of_what_is_silenced(desk: Desk, services: Services) -> None:
    """Until the silence is over."""
    desk.fail()
    desk.wait(40)
    desk.store.silence(1, desk.now + DAY)
    desk.wait(10)
    desk.store.resolve(1)
    desk.wait(40)
    desk.fail()
    desk.wait(60)
    assert services.titles == ["New: Declined in shop.tasks.charge"]


def test_what_happens_to_one_incident_is_told_in_order(desk: Desk, services: Services) -> None:
    """Its end isn't told while its beginning waits for another try."""
    desk.fail()
    services.now = Answer(503)
    desk.wait(35)
    services.now = None
    desk.store.resolve(1)
    desk.running.tick(1)
    desk.jump(4)
    assert services.sent == []
    desk.wait(60)
    assert [title.partition(":")[0] for title in services.titles] == ["New", "Resolved"]


def test_a_service_gets_no_more_than_it_wants(
    make_desk: MakeDesk, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Apprise has ntfy wait for 5.5 seconds between two messages, and would sleep for them on the reporter's thread. A tick
    sends one instead, and what is left comes with the next ones; a service that wants less time gets several."""
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail(f"somebody sleeps for {seconds} s"))
    desk = make_desk({"ntfy": f"ntfy://{services.address}/shop"}, wait="0s")
    desk.fail(*(f"shop.tasks.job_{number}" for number in range(4)))
    many = []
    for _ in range(5):
        desk.wait(5)
        many.append(len(services.sent))
    assert many == [1, 2, 3, 4, 4]
    pace = Pace(1.2)
    taken = 0
    while pace.is_free(100.0):
        pace.sent(100.0)
        taken += 1
    assert taken == 5
    assert not pace.is_free(100.5)
    assert pace.is_free(101.2)

"""What messages say: the samples of the README are what is sent."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from jobreporter import Frame
from jobreporter.testing import make_error
from jobreporter_notify._message import bounded
from jobreporter_notify._times import count, span
from jobreporter_notify._words import safe
from tests.plugins.history.executions import failed

from .conftest import MakeDesk
from .desk import ERROR, PAGE, Desk
from .services import Services

README = (Path(__file__).parents[3] / "plugins/notify/README.md").read_text()
#: Characters in a line of a phone.
PHONE = 40


def samples() -> dict[str, str]:
    """The messages that the README shows, by the first word of their title."""
    found = re.findall(r"^```text\n(.*?)\n```$", README, re.MULTILINE | re.DOTALL)
    return {text.partition(":")[0]: text for text in found}


@pytest.fixture
def phone(make_desk: MakeDesk, services: Services) -> Desk:
    """Somebody who is told at once."""
    return make_desk({"phone": f"json://{services.address}/hook"}, wait="0s", repeat="6h", timezone="Europe/Vienna")


def told(services: Services) -> dict[str, str]:
    """The newest message of each kind."""
    texts = [f"{sent.body['title']}\n{sent.body['message']}" for sent in services.sent]
    return {text.partition(":")[0]: text for text in texts}


def test_the_samples_of_the_readme_are_what_is_sent(phone: Desk, services: Services) -> None:
    """One life of an incident, a missed run, and an outage: each message as it stands in the README, word for word."""
    phone.succeed()
    phone.jump(840)
    phone.fail(times=3, attempt=3, max_attempts=3)
    phone.jump(5)
    for hour, failures in enumerate((1, 1, 1, 1, 1, 1, 15)):
        phone.jump(3600)
        phone.fail(times=failures, attempt=3, max_attempts=3)
        phone.jump(5 if hour < 6 else 3600)
    phone.jump(900)
    phone.succeed(times=30)
    phone.jump(900)
    phone.jump(900)
    phone.fail(attempt=3, max_attempts=3)
    phone.succeed("backup")
    phone.jump(600)
    phone.miss("backup")
    phone.jump(5)
    phone.jump(120)
    phone.fail(*(f"shop.tasks.job_{number}" for number in range(12)))
    phone.jump(5)
    found = told(services)
    shown = samples()
    assert set(shown) == {"New", "Still failing", "Worse", "Resolved", "Again", "Missed", "12 incidents"}
    for title, text in shown.items():
        assert found[title] == text
        first = text.splitlines()[0]
        assert len(first) <= PHONE + 10, first


def test_a_failure_that_is_tried_again_says_when(phone: Desk, services: Services) -> None:
    """Five in ten minutes are told, though each is tried again."""
    event = {"error": ERROR, "will_retry": True, "retry_delay": 90.0}
    for attempt in range(1, 6):
        assert phone.running.write(failed(phone.now, event=event, attempt=attempt, max_attempts=9))
        phone.running.now += 1
    phone.jump(5)
    [sent] = services.sent
    assert "Will be tried again in 1 min 30 s, after attempt 5 of 9. No success is known." in sent.body["message"]


@pytest.mark.parametrize(
    ("fields", "title"),
    [
        (
            {"kind": "timeout", "error": make_error("builtins.TimeoutError", "60 s")},
            "New: Timeout in shop.tasks.charge",
        ),
        ({"kind": "worker_lost", "exit_status": -9}, "New: Lost worker (SIGKILL) in shop.tasks.charge"),
        ({"kind": "worker_lost"}, "New: Lost worker in shop.tasks.charge"),
        ({"kind": "exit_code", "exit_status": 3}, "New: Exit code 3 in shop.tasks.charge"),
        ({"tags": {"incident": "bank down"}}, "New: bank down in shop.tasks.charge"),
    ],
)
def test_every_kind_has_a_name(fields: dict[str, object], title: str, phone: Desk, services: Services) -> None:
    """What has no error of its own is called what it is."""
    assert phone.running.write(failed(phone.now, event={"error": ERROR, "will_retry": False, **fields}))
    phone.jump(5)
    assert services.titles == [title]


def test_by_hand_is_said(phone: Desk, services: Services) -> None:
    """And the release that it is fixed in."""
    phone.fail()
    phone.jump(5)
    phone.store.resolve(1, release="1.1")
    phone.jump(5)
    assert services.sent[-1].body["message"].splitlines()[0] == "By hand, as fixed in 1.1. 1 failure in all."


def test_hostile_texts_are_shown_and_not_obeyed(phone: Desk, services: Services) -> None:
    """Whatever a job and its error are called, a message has its lines, and none of them calls anybody."""
    hostile = "two\nlines \x1b[31m\x00\u202e @everyone <!channel> <script>" * 40
    frames = (Frame(filename="/a/\n\u2028/b.py", lineno=1, function="<lambda>", line=hostile, in_app=True),)
    error = make_error("x.Évil\n", hostile, frames=frames)
    assert phone.running.write(failed(phone.now, event={"error": error, "will_retry": False}, name=hostile[:150]))
    phone.jump(5)
    [sent] = services.sent
    text = sent.body["title"] + "\n" + sent.body["message"]
    assert len(text.splitlines()) == 7
    assert not re.search(r"@everyone|<!|<script|[\x00\x1b\u202e\u2028]", text)
    assert max(map(len, text.splitlines())) <= 200
    assert "in lambda" in text


@pytest.mark.parametrize(
    "text",
    [
        "@all", "@alice:", "(@here)", "x@everyone", "@**all**", "<!subteam^S1>", "<users/all>", "<at id=all>",
        "[Pay here](https://evil.example)", "[a][b]", "[a]: https://evil.example",
    ],
)  # fmt: skip
def test_nobody_is_called_and_no_link_is_forged(text: str) -> None:
    """Whoever a chat's people are called: a mark of no width stands in it."""
    assert safe(text, 100) != text
    assert safe(text, 100).replace("\u200b", "") == text


def test_an_address_for_mail_stays_as_it_is() -> None:
    """People copy it."""
    assert safe("ann@example.org, tasks[0](x) a@b", 100) == "ann@example.org, tasks[0]\u200b(x) a@b"


@pytest.mark.parametrize("letter", ["x", "\u94f6", "\U0001f4a3"])
def test_a_long_message_keeps_its_link(letter: str) -> None:
    """What is cut off is the end of what stands above it, in any writing."""
    lines = "\n".join(f"- New: {letter * 80} in {letter * 80}" for _ in range(11))
    short = bounded("12 incidents: 12 new", f"{lines}\n{PAGE}/incidents", "bad")
    assert short.body.endswith(f"{letter}...\n{PAGE}/incidents")
    assert len(short.body) <= 1800
    assert len(json.dumps(short.body)) <= 3400


def test_a_template_may_say_more_or_less(make_desk: MakeDesk, services: Services) -> None:
    """Titles and bodies are the config's."""
    desk = make_desk(
        {"phone": f"json://{services.address}/hook"},
        wait="0s",
        title="[{service}/{environment}] {happening}",
        body="{type} ({kind}) #{number}: {message}\n{late}\nSee the runbook.",
    )
    desk.fail()
    desk.jump(5)
    [sent] = services.sent
    assert sent.body["title"] == "[shop/production] New"
    assert sent.body["message"] == "shop.errors.Declined (exception) #1: card 4711 was declined\nSee the runbook."


def test_a_template_that_leaves_nothing_still_says_something(make_desk: MakeDesk, services: Services) -> None:
    """A service refuses a message without a title or a text."""
    desk = make_desk({"phone": f"json://{services.address}/hook"}, wait="0s", title="{late}", body="{late}")
    desk.fail()
    desk.jump(5)
    [sent] = services.sent
    assert sent.body["title"] == "Declined in shop.tasks.charge"
    assert sent.body["message"].startswith("Failed at ")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (150, "2 min 30 s"),
        (3600, "1 h"),
        (7801, "2 h 10 min"),
        (200_000, "2 d 7 h"),
    ],
)
def test_spans_have_two_units_at_most(seconds: float, text: str) -> None:
    """The largest, and the next."""
    assert span(seconds) == text


def test_counts_have_a_noun() -> None:
    """In the right number."""
    assert [count(1, "failure"), count(12_400, "failure"), count(2, "success")] == [
        "1 failure",
        "12,400 failures",
        "2 successes",
    ]

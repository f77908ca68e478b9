"""What services are sent is in the format that they ask for, whatever a job's texts hold."""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from apprise.plugins.discord import NotifyDiscord
from apprise.plugins.slack import NotifySlack
from apprise.plugins.telegram import NotifyTelegram

from jobreporter_notify._address import Address
from jobreporter_notify._message import TEST, Message, bounded
from jobreporter_notify._words import safe
from tests.ports import free_port

from .services import Services

HOSTILE = (
    "New: <b>Err</b>or in a_b*c`d`~e~|f|",
    "Since 14:02 UTC: 3 failures. if a < b & c > d: \\ <script>alert(1)</script> &amp; </pre>",
    "@everyone <!channel> <@U1> <https://x|y> # not a heading",
    "> no quotation - and no list \x1b[31m\x00\u202e\u2028 {{7*7}} %s %(x)s '\"; --",
    "https://jobs.example.org/incidents/4_2_1",
)
MESSAGES = {
    "usual": Message(
        "New: Declined in shop.tasks.send_mail",
        "Since 14:02 UTC: 3 failures.\nshop/bank.py:42 in __init__\nhttps://jobs.example.org/incidents/4",
        "bad",
    ),
    "resolved": Message("Resolved: Declined in shop.tasks.charge", "By hand. 3 failures in all.", "good"),
    "hostile": Message(safe(HOSTILE[0], 160), "\n".join(safe(line, 160) for line in HOSTILE), "bad"),
    "long": bounded("40 incidents: 40 new", "\n".join("- " + "\U0001f4a3é" * 100 for _ in range(11)), "doubtful"),
    "test": TEST,
}


@pytest.fixture(params=MESSAGES.values(), ids=MESSAGES)
def message(request: pytest.FixtureRequest) -> Message:
    """Each message in turn."""
    found: Message = request.param
    return found


#: The service, and where its address is turned to the stand-in.
CHATS = {
    "slack": ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general", NotifySlack, "webhook_url", "/slack"),
    "discord": ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", NotifyDiscord, "notify_url", "/discord"),
    "telegram": (
        "tgram://123456789:abcdefg_hijklmnop123456/12315544/",
        NotifyTelegram,
        "notify_url",
        "/telegram/bot",
    ),
}


@pytest.mark.parametrize("service", CHATS)
def test_a_chat_takes_it(service: str, message: Message, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack, Discord and Telegram each take one message in their own format, and nothing in it calls everybody."""
    url, plugin, attribute, path = CHATS[service]
    monkeypatch.setattr(plugin, attribute, f"http://{services.address}{path}")
    Address(url, 6.0).send(message)
    [sent] = services.sent
    assert sent.problems == []
    assert "incidents/4_2_1" in json.dumps(sent.body) or message is not MESSAGES["hostile"], "links stay whole"


def test_ntfy_takes_it(message: Message, services: Services) -> None:
    """On a server of one's own."""
    Address(f"ntfy://{services.address}/shop-incidents", 6.0).send(message)
    [sent] = services.sent
    assert (sent.body["topic"], sent.problems) == ("shop-incidents", [])
    assert sent.body["title"] == message.title
    assert sent.body["message"] == message.body.rstrip()


class Mailbox:
    """Keeps what a mail server takes."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], bytes]] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd calls it so
        assert isinstance(envelope.content, bytes)
        self.mails.append((envelope.rcpt_tos, envelope.content))
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    """A mail server, and its port."""
    found = Mailbox()
    port = free_port()
    controller = Controller(found, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield found, port
    finally:
        controller.stop()


def test_a_mail_server_takes_it(message: Message, mailbox: tuple[Mailbox, int]) -> None:
    """A mail that every parser reads without a defect: the title is its subject, and the text is whole."""
    found, port = mailbox
    Address(f"mailto://127.0.0.1:{port}?from=jobs@example.org&to=ops@example.org", 6.0).send(message)
    [(recipients, content)] = found.mails
    assert recipients == ["ops@example.org"]
    assert max(map(len, content.split(b"\r\n"))) <= 998
    mail = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    assert [part.defects for part in mail.walk() if part.defects] == []
    assert mail["Subject"] == message.title
    assert {"From", "To", "Date", "Message-ID"} <= set(mail.keys())
    text = mail.get_body(("plain",))
    assert text is not None
    assert text.get_content().replace("\r\n", "\n").strip() == message.body.strip()

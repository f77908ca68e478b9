"""What services are sent is in the format that they ask for, whatever a job's texts hold."""

from __future__ import annotations

import email
import email.policy
import json
import re
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
    "@room @alice @**all** [a link](https://evil.example) [a][b] [a]: https://evil.example a@b.example",
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


def test_mattermost_takes_it(message: Message, services: Services) -> None:
    """On a server of one's own. It reads Markdown, and shows what a job wrote as it stands."""
    Address(f"mmost://{services.address}/mattermost/3ccdd113474722377935511fc85d3dd4", 6.0).send(message)
    [sent] = services.sent
    assert sent.problems == []
    assert "incidents/4_2_1" in sent.body["text"] or message is not MESSAGES["hostile"], "links stay whole"


MARKDOWN = {
    "Google Chat": "gchat://workspace/key/token",
    "Teams": "workflow://host:443/workflow1/signature",
    "Rocket.Chat": "rockets://user:password@rocket.example.org/#jobs",
    "Webex": f"wxteams://{'a' * 80}",
    "Telegram": "tgram://123456789:abcdefg_hijklmnop123456/12315544/?format=markdown",
}


@pytest.mark.parametrize("url", MARKDOWN.values(), ids=MARKDOWN)
def test_markdown_has_whole_links_and_no_forged_ones(url: str) -> None:
    """Where Apprise says that a service reads Markdown, it gets Markdown: with the page's address whole, and nothing of
    what a job wrote."""
    written, body = Address(url, 6.0)._markup.written(MESSAGES["hostile"].title, MESSAGES["hostile"].body)
    link = "https://jobs.example.org/incidents/4_2_1"
    assert body.endswith(f"[{link}]({link})")
    for text in (written, body.removesuffix(f"[{link}]({link})")):
        leads = re.findall(r"(?<!\\)\[([^\]]*)\]\(([^)]*)\)", text)
        assert all(shown == target for shown, target in leads), leads
        assert not re.search(r"(?<!\w)@[\w*]|<[!@#/A-Za-z]|(?<!\\)[*`~]|^[#>-]", text, re.MULTILINE)


def test_what_is_too_long_for_a_service_keeps_its_link(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is cut is the text above it: also where marks made the text longer, and for a pager that takes little."""
    monkeypatch.setattr(NotifyDiscord, "notify_url", f"http://{services.address}/discord")
    message = bounded("t" * 300, "_" * 3000 + "\nhttps://jobs.example.org/incidents/4", "bad")
    Address(CHATS["discord"][0], 6.0).send(message)
    [sent] = services.sent
    assert sent.problems == []
    assert sent.body["content"].endswith("...\nhttps://jobs.example.org/incidents/4")
    pager = "pagerduty://A0A0A0A0A0A0A0A0A0A0@abcd1234abcd1234abcd1234abcd1234/shop/jobs"
    title, body = Address(pager, 6.0)._markup.written(message.title, message.body)
    assert 1000 < len(title) + len(body) < 1024
    assert body.endswith("...\nhttps://jobs.example.org/incidents/4")


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

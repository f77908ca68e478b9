"""Stand-ins on loopback for services: each checks the format of what it is sent, as its documentation has it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any, NamedTuple

from jobreporter.testing import Answer, Request, StandIn


class Sent(NamedTuple):
    """A message that arrived."""

    service: str
    path: str
    body: dict[str, Any]
    #: What is wrong with its format.
    problems: list[str]


class Services(StandIn):
    """Takes messages at ``/slack/...``, ``/discord/...``, ``/telegram/...``, ``/mattermost/...``, ``/pagerduty``, ``/hook``, and for ntfy at ``/``."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Sent] = []

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    @property
    def titles(self) -> list[str]:
        """Of the messages to ``/hook``."""
        return [sent.body["title"] for sent in self.sent]

    def answer(self, request: Request) -> Answer:
        """What the service says to a message, which it keeps."""
        service = request.path.split("/")[1] or "ntfy"
        check, answer = SERVICES[service]
        kind = request.headers.get("Content-Type", "")
        problems = [] if kind.startswith("application/json") else [f"it is {kind}"]
        problems += check(request.json)
        self.sent.append(Sent(service, request.path, request.json, problems))
        return answer


def check_slack(data: dict[str, Any]) -> Iterator[str]:
    """https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks, and its attachments."""
    keys = {"text", "channel", "username", "icon_url", "icon_emoji", "attachments", "blocks", "mrkdwn", "link_names"}
    yield from (f"unknown key {key}" for key in data.keys() - keys)
    if not (data.get("text") or data.get("attachments") or data.get("blocks")):
        yield "no_text"
    if len(data.get("text", "")) > 40_000:
        yield "msg_too_long"
    for attachment in data.get("attachments", ()):
        if not set(attachment) <= {
            "title",
            "text",
            "color",
            "footer",
            "footer_icon",
            "ts",
            "mrkdwn_in",
            "fallback",
            "blocks",
        }:
            yield f"invalid_attachments: {sorted(attachment)}"
        if not re.fullmatch(r"#[0-9A-Fa-f]{6}|good|warning|danger", attachment.get("color", "good")):
            yield "invalid color"
        text = attachment.get("title", "") + attachment.get("text", "")
        if re.search(r"<(?![@#!]?[^<>]+>)|(?<!>)>(?!\s)(?<!\w>)|&(?!(amp|lt|gt);)", re.sub(r"<[^<>]+>", "", text)):
            yield f"&, < and > have to be escaped: {text}"
        if re.search(r"<!(everyone|here|channel)", text):
            yield "it calls everybody"


def check_discord(data: dict[str, Any]) -> Iterator[str]:
    """https://docs.discord.com/developers/resources/webhook, and its embeds."""
    keys = {"content", "username", "avatar_url", "tts", "embeds", "allowed_mentions", "flags", "thread_name", "wait"}
    yield from (f"unknown key {key}" for key in data.keys() - keys)
    if not (data.get("content") or data.get("embeds")):
        yield "Cannot send an empty message"
    if len(data.get("content", "")) > 2000:
        yield "content: Must be 2000 or fewer in length"
    if not 1 <= len(data.get("username", "x")) <= 80 or "discord" in data.get("username", "").lower():
        yield "username: must be between 1 and 80 in length"
    if len(data.get("embeds", ())) > 10:
        yield "embeds: Must be 10 or fewer in length"
    for embed in data.get("embeds", ()):
        limits = {"title": 256, "description": 4096}
        yield from (f"{key}: too long" for key, limit in limits.items() if len(embed.get(key, "")) > limit)
        if not 0 <= embed.get("color", 0) <= 0xFFFFFF:
            yield "color"
        if not embed.get("footer", {}).get("text", "x"):
            yield "footer.text is required"
    if re.search(r"(?<!`)@(everyone|here)\b", json.dumps(data)):
        yield "it calls everybody"


class _TelegramHtml(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.problems: list[str] = []
        self.text = ""
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"b", "strong", "i", "em", "u", "s", "a", "code", "pre", "tg-spoiler", "blockquote"}:
            self.problems.append(f"Unsupported start tag {tag!r}")
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.problems.append(f"Unexpected end tag {tag!r}")

    def handle_entityref(self, name: str) -> None:
        if name not in {"lt", "gt", "amp", "quot"}:
            self.problems.append(f"unsupported entity {name}")
        self.text += "x"

    def handle_data(self, data: str) -> None:
        self.text += data

    def close(self) -> None:
        super().close()
        self.problems += [f"Can't find end tag corresponding to start tag {tag}" for tag in self._open]


def check_telegram(data: dict[str, Any]) -> Iterator[str]:
    """https://core.telegram.org/bots/api#sendmessage"""
    if not data.get("chat_id"):
        yield "chat_id is empty"
    if data.get("parse_mode") not in {"HTML", "Markdown", "MarkdownV2", None}:
        yield "unsupported parse_mode"
    text = data.get("text", "")
    if data.get("parse_mode") == "HTML":
        parser = _TelegramHtml()
        parser.feed(text)
        parser.close()
        yield from parser.problems
        text = parser.text
    if not 1 <= len(text) <= 4096:
        yield "message text is empty" if not text else "message is too long"


def check_ntfy(data: dict[str, Any]) -> Iterator[str]:
    """https://docs.ntfy.sh/publish/#publish-as-json"""
    keys = {
        "topic",
        "message",
        "title",
        "tags",
        "priority",
        "click",
        "attach",
        "markdown",
        "icon",
        "actions",
        "delay",
        "email",
    }
    yield from (f"unknown key {key}" for key in data.keys() - keys)
    if not re.fullmatch(r"[-_A-Za-z0-9]{1,64}", data.get("topic", "")):
        yield "topic invalid"
    if len(data.get("message", "").encode()) > 4096:
        yield "message too long, ntfy makes a file of it"
    if data.get("priority", 3) not in range(1, 6):
        yield "priority invalid"


def check_mattermost(data: dict[str, Any]) -> Iterator[str]:
    """https://developers.mattermost.com/integrate/webhooks/incoming/"""
    yield from (f"unknown key {key}" for key in data.keys() - {"text", "username", "channel", "icon_url"})
    text = data.get("text", "")
    if not 1 <= len(text) <= 16_383:
        yield "No text specified" if not text else "text is too long"
    if re.search(r"(?<!\w)@\w", text):
        yield f"it calls somebody: {text}"
    if re.search(r"(?<!\\)\[[^\]]*\]\(", text):
        yield f"it forges a link: {text}"
    if re.search(r"(?<!\\)[*_`~]|^[#>]", re.sub(r"https?://\S+|\\.", "", text), re.MULTILINE):
        yield f"it is formatted: {text}"


def check_pagerduty(data: dict[str, Any]) -> Iterator[str]:
    """https://developer.pagerduty.com/docs/send-alert-event"""
    if data.get("event_action") not in {"trigger", "acknowledge", "resolve"}:
        yield "event_action is invalid"
    if data.get("event_action") == "trigger":
        payload = data.get("payload", {})
        if not 1 <= len(payload.get("summary", "")) <= 1024:
            yield "summary is empty or too long"
        if payload.get("severity") not in {"critical", "warning", "error", "info"}:
            yield "severity is invalid"
    elif not data.get("dedup_key"):
        yield "dedup_key is missing"


def check_hook(data: dict[str, Any]) -> Iterator[str]:
    """Apprise's own JSON."""
    if not (data["title"] and data["message"]):
        yield "empty"


SERVICES: dict[str, tuple[Callable[[dict[str, Any]], Iterator[str]], Answer]] = {
    "slack": (check_slack, Answer(200, b"ok")),
    "discord": (check_discord, Answer(204, b"")),
    "telegram": (check_telegram, Answer(200, b'{"ok": true, "result": {"message_id": 1}}')),
    "mattermost": (check_mattermost, Answer(200, b"ok")),
    "pagerduty": (check_pagerduty, Answer(202, b'{"status": "success"}')),
    "ntfy": (check_ntfy, Answer(200, b'{"id": "x", "event": "message"}')),
    "hook": (check_hook, Answer(200)),
}

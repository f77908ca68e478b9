"""What jobreporter says itself about a reporter: never what is secret in its options."""

from __future__ import annotations

import gc
import logging
from typing import Any

import msgspec
import pytest

from jobreporter import BrokenReporter, Dispatcher, Job, Options, Secret, hookimpl
from jobreporter._capture.own_words import OwnWords, hide_secrets_in
from jobreporter.sourcekit import harmless

HOOK = "https://hooks.example/services/wh-9f8e7d6c"
TOKEN = "tok-5a5b5c"  # noqa: S105 - made up


class PagerOptions(Options):
    webhook: Secret = Secret(HOOK)
    url: str = "https://api.example/send?token=tok-5a5b5c"
    headers: dict[str, str] = msgspec.field(default_factory=lambda: {"Authorization": "Scheme hd-1a2b3c"})
    servers: tuple[str, ...] = ("redis://:rd-4d5e6f@cache/0",)


SECRETS = [HOOK, "wh-9f8e7d6c", TOKEN, "hd-1a2b3c", "rd-4d5e6f"]


def _send() -> None:
    raise ConnectionError(f"Max retries exceeded with url: {HOOK}")


class Pager:
    """A reporter that quotes its options when it fails. broken_in: the hook that does."""

    def __init__(self, broken_in: str) -> None:
        self._broken_in = broken_in

    def _fail(self, hook: str) -> None:
        if hook == self._broken_in:
            try:
                _send()
            except ConnectionError as error:
                raise BrokenReporter(
                    f"no {TOKEN}, hd-1a2b3c, rd-4d5e6f, {HOOK!r} or https%3A//hooks.example"
                ) from error

    @hookimpl
    def reporter_start(self, options: PagerOptions) -> None:
        self._fail("reporter_start")

    @hookimpl
    def handle_started(self, job: Job) -> None:
        self._fail("handle_started")

    @hookimpl
    def reporter_flush(self) -> None:
        self._fail("reporter_flush")

    @hookimpl
    def reporter_stop(self) -> None:
        self._fail("reporter_stop")


HOOKS = ["reporter_start", "handle_started", "reporter_flush", "reporter_stop"]


@pytest.mark.parametrize("hook", HOOKS)
def test_what_a_hook_raises_is_told_without_the_secrets_of_its_options(
    hook: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither a log line, nor its traceback, nor the reason in ``stats`` quotes a secret, in any form."""
    formatter = logging.Formatter()
    reasons: list[str | None] = []
    with caplog.at_level(logging.DEBUG, "jobreporter"), Dispatcher({"pager": Pager(hook)}) as dispatcher:
        for _ in range(6):
            dispatcher.begin("a").stop()
            dispatcher.flush(5)
        reasons = [stats.reason for stats in dispatcher.stats().values()]
    lines = [formatter.format(record) for record in caplog.records]
    assert any("[redacted]" in line for line in lines)
    assert any("Traceback" in line for line in lines) or hook == "reporter_stop"
    for secret in SECRETS:
        assert not any(secret in line for line in (*lines, *map(str, reasons)))


def test_a_plugins_own_logger_is_looked_after(caplog: pytest.LogCaptureFixture) -> None:
    """What a plugin logs under its own name below ours loses the secrets of its options too."""
    logger = logging.getLogger("jobreporter.pager")
    with Dispatcher({"pager": Pager("")}) as dispatcher:
        dispatcher.begin("a").stop()
        assert dispatcher.flush(5)
        logger.warning("could not send to %s", HOOK)
    assert "could not send to [redacted]" in caplog.text
    assert HOOK not in caplog.text


def test_a_secret_that_was_replaced_is_still_one(caplog: pytest.LogCaptureFixture) -> None:
    """Options are read afresh at each start: what they were before is still nobody's business."""
    words = OwnWords()
    words.learn(PagerOptions(webhook=Secret("first-wh-1")))
    words.learn(PagerOptions(webhook=Secret("second-wh-2")))
    assert words.text("first-wh-1 and second-wh-2") == "[redacted] and [redacted]"


def test_what_a_text_says_itself_is_hidden_too() -> None:
    """A URL with a password, or a header, needs no options to be known."""
    assert OwnWords().text("for https://kim:pw-77-zz@host/?sig=abcdef") == "for https://[redacted]@host/?sig=[redacted]"


def test_what_a_source_can_not_report_is_logged_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    """An error of our own may quote a job's arguments."""

    class Source:
        @harmless
        def received(self) -> None:
            raise TypeError("queue: expected a str, found 'amqp://kim:pw-88-yy@mq//'")

    Source().received()
    (record,) = caplog.records
    assert "pw-88-yy" not in logging.Formatter().format(record)
    assert "amqp://[redacted]@mq//" in logging.Formatter().format(record)


def test_a_line_that_can_not_be_made_is_no_trouble(caplog: pytest.LogCaptureFixture) -> None:
    """A message whose arguments don't fit, or can't be shown, becomes a line that says so."""

    class Hostile:
        def __str__(self) -> str:
            raise ValueError("no")

    words = OwnWords()
    hide_secrets_in("jobreporter.test", words)
    hide_secrets_in("jobreporter.test", words)
    logger = logging.getLogger("jobreporter.test")
    logger.warning("%s", Hostile())
    assert [record.getMessage() for record in caplog.records] == ["a line that can't be shown (ValueError)"]
    assert len(logger.filters) == 1


def test_loggers_keep_no_dispatcher_alive() -> None:
    """However many dispatchers a program makes, its loggers look after those that are there."""

    def watched() -> int:
        (hiding,) = logging.getLogger("jobreporter.pager").filters
        found: Any = hiding
        return len(found.words)

    for _ in range(5):
        with Dispatcher({"pager": Pager("")}) as dispatcher:
            dispatcher.begin("a").stop()
            assert dispatcher.flush(5)
        del dispatcher
        gc.collect()
    assert watched() < 3

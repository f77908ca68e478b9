"""Addresses are Apprise's, and nothing that is secret in them is ever shown."""

from __future__ import annotations

import logging
import threading

import apprise
import pytest

from jobreporter.testing import Answer
from jobreporter_notify._address import Address, NotToldError, WrongAddressError, secrets_of
from jobreporter_notify._message import TEST
from jobreporter_notify._quiet import LOGGERS, listening

from .services import Services
from .test_services import CHATS

SERVICES = {
    "Slack": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general",
    "Discord": "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
    "Telegram": "tgram://123456789:abcdefg_hijklmnop123456/12315544/",
    "ntfy": "ntfys://user:password@ntfy.example.org/incidents?priority=high",
    "E-mail": "mailtos://user:password@mail.example.org?to=ops@example.org",
    "PagerDuty": "pagerduty://A0A0A0A0A0A0A0A0A0A0@abcd1234abcd1234abcd1234abcd1234/shop/jobs",
    "Opsgenie": "opsgenie://a3ee4bd1-4f7e-4b6f-8a0c-90b86c5cbd02/@team",
    "Pushover": "pover://uQiRzpo4DXghDmr9QzzfQu27cmVRsG@azGDORePK8gMaC0QOYAMyEEuzJnyUi",
    "Mattermost": "mmosts://mattermost.example.org/3ccdd113474722377935511fc85d3dd4/jobs",
    "Matrix": "matrixs://user:password@matrix.example.org/#jobs:example.org",
    "JSON": "jsons://user:password@example.org:8443/hooks/jobs",
}


@pytest.mark.parametrize("url", SERVICES.values(), ids=SERVICES)
def test_what_apprise_takes_is_an_address(url: str) -> None:
    """The services that people use most, as Apprise's own parser judges them."""
    assert apprise.Apprise().add(url)
    Address(url, 6.0)


WRONG = {
    "a typing error": ("slak://T1JJ3T3L2/c4nary/x", "Apprise knows no service 'slak://'. Did you mean 'slack://'?"),
    "another scheme": ("qqqqqq://c4nary", "Apprise knows no service 'qqqqqq://'"),
    "a token alone": ("xoxb-c4nary", "it is no URL: expected one of Apprise's, such as ntfy://host/topic"),
    "nothing": ("", "it is no URL: expected one of Apprise's, such as ntfy://host/topic"),
    "half a URL": ("slack://c4nary", "Apprise can't make anything of this slack:// URL"),
    "no recipient": ("pagerduty://c4nary", "Apprise can't make anything of this pagerduty:// URL"),
}


@pytest.mark.parametrize(("url", "sentence"), WRONG.values(), ids=WRONG)
def test_what_is_no_address_is_said(url: str, sentence: str, caplog: pytest.LogCaptureFixture) -> None:
    """In a sentence, which quotes nothing behind the scheme; and nothing of it is logged."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(WrongAddressError) as told:
        Address(url, 6.0)
    assert str(told.value).startswith(sentence)
    assert "c4nary" not in str(told.value) + caplog.text


@pytest.fixture
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Every logger says all that it can."""
    caplog.set_level(1)
    for name in LOGGERS:
        caplog.set_level(1, name)
    return caplog


@pytest.mark.parametrize("status", [None, 401, 404, 429, 500, 302])
@pytest.mark.parametrize("service", [*CHATS, "ntfy", "hook"])
def test_nothing_secret_is_logged(
    service: str,
    status: int | None,
    services: Services,
    everything_is_logged: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither in the log, whatever its level, nor in what the reporter says of a failure."""
    if service in CHATS:
        url, plugin, attribute, path = CHATS[service]
        monkeypatch.setattr(plugin, attribute, f"http://{services.address}{path}")
    else:
        scheme = "ntfy" if service == "ntfy" else "json"
        url = f"{scheme}://ann:s3cr3t-word@{services.address}/hook?token=c4nary%2Fslash"
    services.now = None if status is None else Answer(status)
    said = everything_is_logged
    try:
        Address(url, 6.0).send(TEST)
    except NotToldError as error:
        logging.getLogger("jobreporter.notify").warning("%s", error)
    else:
        assert status is None
    secret_parts = {
        "TIiajkdnlazkcOXrIdevi7FQ",
        "JHMHI8qBe7bk2ZwO5U711o3dV_js",
        "abcdefg_hijklmnop123456",
        "s3cr3t-word",
        "c4nary",
    }
    assert [part for part in secret_parts if part.lower() in said.text.lower()] == []


def test_a_connection_that_fails_shows_no_secret(everything_is_logged: pytest.LogCaptureFixture) -> None:
    """Where nobody listens, the reason is a sentence of Apprise's without a part of the URL."""
    with pytest.raises(NotToldError, match="Connection error") as told:
        Address("json://ann:s3cr3t-word@127.0.0.1:1/c4nary-path?token=c4nary", 6.0).send(TEST)
    assert "c4nary" not in str(told.value) + everything_is_logged.text
    assert "s3cr3t-word" not in str(told.value) + everything_is_logged.text


def test_what_other_threads_log_passes_without_the_secret(everything_is_logged: pytest.LogCaptureFixture) -> None:
    """A program that uses Apprise itself goes on to log; what it logs of our URL has no secret in it either."""

    def other() -> None:
        logging.getLogger("apprise").warning("sending to %s", "json://host/c4nary")
        logging.getLogger("apprise").info("something else")

    with listening(secrets_of("json://host/c4nary")) as said:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        logging.getLogger("apprise").warning("to c4nary: %s", "no")
    assert said == ["to ***: no"]
    logging.getLogger("apprise").warning("afterwards")
    assert [record.getMessage() for record in everything_is_logged.records] == [
        "sending to ***",
        "something else",
        "afterwards",
    ]


def test_the_times_of_a_service_are_kept_to(services: Services) -> None:
    """A URL may say them itself."""
    assert Address(f"json://{services.address}/hook", 6.0)._service.request_timeout == (2.0, 4.0)
    assert Address(f"json://{services.address}/hook?rto=3.5", 6.0)._service.request_timeout == (4.0, 3.5)

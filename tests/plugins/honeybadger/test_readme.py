"""The samples of the README are what arrives. (That it has every option, test_options.py asks.)"""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path

from .conftest import MakeDispatcher
from .fake_honeybadger import FakeHoneybadger
from .sample import CONTEXT, FAILURE

README = (Path(__file__).parents[3] / "plugins/honeybadger/README.md").read_text()


def block(language: str) -> str:
    """The one block in the language."""
    [found] = re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_samples_are_what_arrives(honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher) -> None:
    """But for the process and the notice's random token."""
    dispatcher = dispatcher_of(context=CONTEXT, hostname="web-3", project_root="/srv/shop", insights=["failure"])
    dispatcher.publish(FAILURE)
    assert dispatcher.flush(20)
    notice, sample = honeybadger.notices[0], json.loads(block("text"))
    assert notice["server"]["pid"] == os.getpid()
    for each in (notice, sample):
        del each["error"]["token"], each["server"]["pid"]
    assert notice == sample
    [events] = honeybadger.of("/v1/events")
    assert events.lines == [json.loads(block("json"))]


def test_the_config_is_understood(dispatcher_of: MakeDispatcher) -> None:
    """By the reporter itself, whose options it sets."""
    options = tomllib.loads(block("toml"))["reporters"]["honeybadger"]
    del options["api_key"]
    dispatcher = dispatcher_of(**options)
    dispatcher.start()
    assert dispatcher.flush(20)
    assert dispatcher.stats()["honeybadger"].status == "running"

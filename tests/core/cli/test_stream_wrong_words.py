"""``jobreporter stream`` with words that are wrong, or do what nobody meant: what it says, and that nothing is changed."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from jobreporter.testing import CommandLine
from tests.core.cli.test_stream import publish, run, shop, status

__all__ = ["shop"]


@pytest.fixture
def used(shop: CommandLine) -> CommandLine:
    """A stream with one event that was handled, and one dead letter."""
    publish(shop, "good", "bad")
    run(shop, "agent", "--once")
    return shop


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("dead", "list", "pickyy"), 1, "the stream knows no reporter 'pickyy'. Did you mean 'picky'?"),
        (("forget", "zz"), 1, "the stream knows no reporter 'zz'. The only one is 'picky'"),
        (("dead", "show", "picky", "9.9"), 1, "no dead letter '9.9': see jobreporter stream dead list picky"),
        (("dead", "drop", "picky", "0.1", "--all"), 2, "or say --all, and not both"),
        (("dead", "retry", "picky"), 2, "name the ID of a dead letter, or say --all"),
        (("rewind", "picky", "--to", "0001-01-01"), 2, "expected a time such as 2026-01-31T12:00, or oldest"),
        (("rewind", "picky", "--to", "9999-12-31T23:59"), 2, "expected a time that has been"),
    ],
)
def test_a_wrong_word_is_told_with_a_right_one(used: CommandLine, words: tuple[str, ...], code: int, told: str) -> None:
    """And nothing has been done."""
    before = status(used)["reporters"]
    assert told in run(used, "stream", *words, code=code)
    after = status(used)["reporters"]
    for each in (*before, *after):
        each["lag_seconds"] = None
    assert after == before
    assert len(json.loads(run(used, "stream", "dead", "list", "--json"))) == 1


def test_before_an_agent_has_come_there_are_no_reporters(shop: CommandLine) -> None:
    """Which is said, and not that one is unknown."""
    run(shop, "agent", "--once")
    run(shop, "stream", "forget", "picky")
    assert "no agent has run a reporter on this stream yet" in run(shop, "stream", "dead", "list", "picky", code=1)


def test_a_rewind_says_what_it_passes_over(used: CommandLine) -> None:
    """A time after what waits leaves that out: such a one was hardly meant."""
    assert run(used, "stream", "rewind", "picky", "--to", "oldest") == "picky gets 2 events\n"
    now = datetime.now().isoformat()  # noqa: DTZ005 - as a person says it, in local time
    told = run(used, "stream", "rewind", "picky", "--to", now)
    assert told == f"picky gets 0 events\nnot those that waited for it from before {now}: 2 events\n"
    told = run(used, "stream", "rewind", "picky", "--to", "oldest", "--json")
    assert json.loads(told) == {"pending": 2, "passed_over": 0}


def test_where_there_is_no_letter_nobody_is_sent_to_look_for_one(used: CommandLine) -> None:
    """There is no list to be seen."""
    run(used, "stream", "dead", "drop", "picky", "--all")
    assert "no dead letter '0.1': it has none" in run(used, "stream", "dead", "show", "picky", "0.1", code=1)


@pytest.mark.parametrize("words", [("stream", "status"), ("check",), ("check", "--worker")])
def test_a_folder_that_is_missing_is_to_be_made(shop: CommandLine, words: tuple[str, ...]) -> None:
    """Nothing makes it by itself: who may share it, only its owner knows."""
    config = shop.folder / "jobreporter.toml"
    config.write_text(config.read_text().replace("/stream.db", "/missing/stream.db"))
    done = shop.run(*words)
    assert f"make the folder '{shop.folder}/missing'" in done.stdout + done.stderr


def test_an_unset_variable_is_told_at_its_place_once(shop: CommandLine) -> None:
    """Also by check, which puts the place of the table before what has none."""
    config = shop.folder / "jobreporter.toml"
    config.write_text(config.read_text().replace(f'"sqlite://{shop.folder}/stream.db"', '{ env = "NOT_SET" }'))
    done = shop.run("check")
    assert done.stdout.count("[stream]") == 1
    assert "the environment variable NOT_SET is not set" in done.stdout

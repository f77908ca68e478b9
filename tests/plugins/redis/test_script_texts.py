"""What the scripts ask of a server: nothing newer than Redis 6.2, and no key that they were not given."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from jobreporter.streams import StreamRefused, StreamSettings
from jobreporter_redis import _scripts, _stream, engine
from tests.plugins.redis.script_calls import BEATS, HEADS, LOST, OPEN, REPORTERS, SHARED, Scripts, code_of, text_of
from tests.redis_servers import Server

NAMES = sorted(path.name.removesuffix(".lua") for path in (files("jobreporter_redis") / "scripts").iterdir())
OLDEST = (6, 2)


def version(text: bytes) -> tuple[int, ...]:
    return tuple(map(int, text.decode().split(".")[:2]))


def as_map(pairs: list[Any]) -> dict[bytes, Any]:
    return dict(zip(pairs[::2], pairs[1::2], strict=True)) if isinstance(pairs, list) else pairs


def newer_words(arguments: Any) -> set[str]:
    """The words of a command that came after the oldest server."""
    found = set()
    for each in map(as_map, arguments or ()):
        if b"token" in each and version(each.get(b"since", b"1.0")) > OLDEST:
            found.add(each[b"token"].decode().upper())
        found |= newer_words(each.get(b"arguments"))
    return found


def test_each_file_has_its_script() -> None:
    """And each script its file, whose first line says what it does."""
    made = {each.name for each in vars(_scripts).values() if isinstance(each, _scripts.Script)}
    assert made == set(NAMES)
    assert all(text_of(name).startswith("-- ") for name in NAMES)


@pytest.mark.parametrize("name", [*NAMES, SHARED])
def test_no_command_and_no_word_is_newer_than_the_oldest_server(scripts: Scripts, name: str) -> None:
    """As the server itself says since when there is each of them."""
    code = code_of(name)
    called = re.findall(r"redis\.call\(([^\n]*)", code)
    assert called
    for arguments in called:
        commands = re.findall(r"'([A-Z]{3,})'", arguments)
        command = commands[0]
        docs = as_map(as_map(scripts.client.execute_command("COMMAND DOCS", command))[command.lower().encode()])
        assert version(docs[b"since"]) <= OLDEST, command
        assert not newer_words(docs.get(b"arguments")) & set(commands[1:]), arguments


@pytest.mark.parametrize("name", [*NAMES, SHARED])
def test_nothing_of_lua_is_newer_than_the_oldest_server(name: str) -> None:
    """No flags in the first line, and nothing of ``redis`` but its ``call``."""
    assert not text_of(name).startswith("#!")
    assert set(re.findall(r"redis\.(\w+)", code_of(name))) == {"call"}


def test_the_commands_beside_the_scripts_are_as_old() -> None:
    """What the client sends by itself, by its methods."""
    text = Path(_stream.__file__).read_text(encoding="utf-8")
    sent = set(re.findall(r"(?:client|_connected\(\))\.(\w+)\(", text)) - {"close"}
    assert sent == {"hsetnx", "hmget", "hkeys", "hdel", "pexpire", "xread", "hscan_iter", "zscan_iter", "zrem"}


@pytest.mark.parametrize(("key", "call"), [(HEADS, "append"), (REPORTERS, "ledgers"), (OPEN, "open_executions")])
def test_a_key_of_another_type_is_told_in_a_sentence(server: Server, key: str, call: str) -> None:
    """There is no use in trying again soon: somebody else has put it there."""
    from jobreporter.streams import Batch

    stream = engine.open(server.url, StreamSettings(namespace="x", partitions=1))
    with server.client() as client:
        client.set(key, "a string")
    arguments = (b"producer", [Batch(partition=0, first=1, last=1, events=1, data=b"x")]) if call == "append" else ()
    with pytest.raises(StreamRefused, match="WRONGTYPE"):
        getattr(stream, call)(*arguments)
    stream.close()


@pytest.mark.parametrize("key", [LOST, BEATS])
def test_so_is_one_that_only_few_calls_need(server: Server, key: str) -> None:
    """A sign of life, and what is removed in time."""
    from jobreporter.streams import Retention

    stream = engine.open(server.url, StreamSettings(namespace="x", partitions=1))
    with server.client() as client:
        client.set(key, "a string")
    with pytest.raises(StreamRefused, match="WRONGTYPE"):
        stream.trim(Retention(max_age=1, max_bytes=1, forget_after=1))
    stream.close()

"""The Lua scripts: one file each, with what they take and return at its top, and before each what they share."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from redis.exceptions import NoScriptError

from jobreporter_redis._client import Client

_FILES = files("jobreporter_redis")
_SHARED = (_FILES / "lives.lua").read_text(encoding="utf-8")


class Script:
    """One script. The server knows it by the hash of its text, and is given the text where it doesn't."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = _SHARED + (_FILES / "scripts" / f"{name}.lua").read_text(encoding="utf-8")
        self._hash = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    def __call__(self, client: Client, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        try:
            return client.evalsha(self._hash, len(keys), *keys, *arguments)
        except NoScriptError:
            # It was restarted, flushed, or is another node. Nothing was executed.
            return client.eval(self.text, len(keys), *keys, *arguments)


ACQUIRE = Script("acquire")
APPEND = Script("append")
BEAT = Script("beat")
BEGIN = Script("begin")
LEDGERS = Script("ledgers")
LOSE = Script("lose")
READ = Script("read")
REGISTER = Script("register")
RELEASE = Script("release")
RENEW = Script("renew")
SETTLE = Script("settle")
TRIM = Script("trim")

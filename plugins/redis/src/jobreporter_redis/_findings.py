"""What about a server's own configuration endangers events."""

from __future__ import annotations

import re

from redis.exceptions import ResponseError

from jobreporter.streams import StreamRefused
from jobreporter_redis._client import Client

_OLDEST = (6, 2)


def refuse_old(client: Client, where: str) -> None:
    """Raises StreamRefused for a server that can't trim by offset."""
    version = _info(client, "server").get("redis_version", "")
    found = re.match(r"(\d+)\.(\d+)", version)
    if found and tuple(map(int, found.groups())) < _OLDEST:
        raise StreamRefused(f"{where}: Redis {version} can't hold a stream: Redis 6.2 or newer is needed, or Valkey")


def findings(client: Client, max_bytes: int) -> list[str]:
    """A sentence for each."""
    memory, persistence = _info(client, "memory"), _info(client, "persistence")
    if not memory:
        return ["INFO is not allowed to this user, so nothing can be said of the server's memory and persistence"]
    found = []
    policy, limit = memory.get("maxmemory_policy", "noeviction"), int(memory.get("maxmemory", 0))
    if policy != "noeviction":
        found.append(
            f"maxmemory-policy is {policy}: where memory is short, the server throws away keys of the stream;"
            " set it to noeviction"
        )
    if 0 < limit < 2 * max_bytes:
        found.append(
            f"maxmemory is {limit} bytes, and the stream may take {max_bytes}: leave twice that, or lower max_bytes"
        )
    if str(persistence.get("aof_enabled", "1")) == "0":
        found.append("appendonly is off: a restart of the server loses what came since its last snapshot")
    return found


def _info(client: Client, section: str) -> dict[str, str]:
    try:
        info = client.info(section)
    except ResponseError:
        return {}  # the user may not ask
    # A cluster's client answers for each node.
    if info and all(isinstance(value, dict) for value in info.values()) and all(":" in str(key) for key in info):
        info = next(iter(info.values()))
    return {str(name): str(value) for name, value in info.items()}

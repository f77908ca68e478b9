"""What about a server's own configuration endangers events."""

from __future__ import annotations

import re
from typing import Any

from redis import RedisCluster
from redis.exceptions import ResponseError

from jobreporter.streams import StreamRefused
from jobreporter_redis._client import Client

_OLDEST = (6, 2)
# With them, what was answered outlives a power cut.
_DURABLE = {"appendonly": "yes", "appendfsync": "always"}

# What a server says of its last try to write to its disk.
_LAST_WRITES = {"rdb_last_bgsave_status": "its snapshot", "aof_last_write_status": "its append-only file"}


def refuse_old(client: Client, where: str, key: str) -> None:
    """Raises StreamRefused for a server that can't trim by offset. key: one of the stream's."""
    version = _info(client, "server", key).get("redis_version", "")
    found = re.match(r"(\d+)\.(\d+)", version)
    if found and tuple(map(int, found.groups())) < _OLDEST:
        raise StreamRefused(f"{where}: Redis {version} can't hold a stream: Redis 6.2 or newer is needed, or Valkey")


def refuse_forgetful(client: Client, where: str, key: str) -> None:
    """Raises StreamRefused for a server that answers before what it was told is on its disk, or that doesn't say so.

    key: one of the stream's. Of a cluster, the node that holds it counts.
    """
    lacking = []
    for name, needed in _DURABLE.items():
        try:
            found = _of_one(client.config_get(name, **_where_it_is(client, key)))
        except ResponseError:
            raise StreamRefused(
                f"{where}: sync = true needs {' and '.join(f'{name} {value}' for name, value in _DURABLE.items())}, and this"
                " user may not ask for them: allow +config|get, or leave sync out"
            ) from None
        value = found.get(name, "not known")
        if value != needed:
            lacking.append(f"{name} is {value}")
    if lacking:
        raise StreamRefused(
            f"{where}: sync = true needs a server that writes to its disk before it answers, and {' and '.join(lacking)}: set"
            f" {' and '.join(f'{name} {value}' for name, value in _DURABLE.items())}, or leave sync out"
        )


def findings(client: Client, max_bytes: int, key: str) -> list[str]:
    """A sentence for each. key: one of the stream's."""
    memory, persistence = _info(client, "memory", key), _info(client, "persistence", key)
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
    for name, file in _LAST_WRITES.items():
        if persistence.get(name, "ok") != "ok":
            found.append(f"the server could not write {file} the last time, and may take no events: see its log")
    return found


def _info(client: Client, section: str, key: str) -> dict[str, str]:
    try:
        return _of_one(client.info(section, **_where_it_is(client, key)))
    except ResponseError:
        return {}  # the user may not ask


def _where_it_is(client: Client, key: str) -> dict[str, Any]:
    """Has a cluster's client ask the node that holds a key, and not just any."""
    if not isinstance(client, RedisCluster):
        return {}
    return {"target_nodes": client.get_node_from_key(key)}  # type: ignore[no-untyped-call]  # it has no types


def _of_one(answer: dict[Any, Any]) -> dict[str, str]:
    """What one server says. A cluster's client says of which node it is, in some versions of it also where it asked one."""
    values = list(answer.values())
    if len(values) == 1 and isinstance(values[0], dict) and ":" in str(next(iter(answer))):
        answer = values[0]
    return {_text(name): _text(value) for name, value in answer.items()}


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)

"""Streams on Redis and Valkey, for `jobreporter`: events wait there between workers and agents, on as many machines as there are.

It is found by its entry points, ``redis`` and ``rediss``, the schemes of its URLs. `engine` is what they name.
"""

from __future__ import annotations

from jobreporter_redis._engine import engine
from jobreporter_redis._options import RedisOptions

__all__ = ["RedisOptions", "engine"]

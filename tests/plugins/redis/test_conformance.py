"""A stream on Redis, and on Valkey, does all that a stream has to do."""

from __future__ import annotations

from typing import Any

import pytest

from jobreporter.streams import Stream, StreamSettings
from jobreporter.testing import StreamConformance
from jobreporter_redis import engine
from tests.redis_servers import Server


class TestRedis(StreamConformance):
    """Nothing is left out."""

    @pytest.fixture(autouse=True)
    def new_stream(self, server: Server) -> None:
        self.url = server.url

    def open(self, **settings: Any) -> Stream:
        return engine.open(self.url, StreamSettings(namespace="shop", **settings))

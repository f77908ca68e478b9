"""Ports of loopback for servers that are started a moment later."""

from __future__ import annotations

import random
import socket

# Below what systems hand out to whoever asks for any port, so that no connection of another test takes it meanwhile. A node of
# a Redis cluster also listens 10,000 above its own.
_RANGE = range(10_000, 20_000)


def free_port() -> int:
    """A port that nobody listens on."""
    while True:
        port = random.SystemRandom().choice(_RANGE)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue

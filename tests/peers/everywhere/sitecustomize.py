"""In each process of a run: whoever asks for Redis's usual port on this machine gets the run's own server.

The queues' own tests know no other port. ``PEERS_REDIS_PORT`` says where the server is.
"""

import os
import socket
from typing import Any

USUAL = 6379
HERE = ("localhost", "127.0.0.1", "::1")

if "PEERS_REDIS_PORT" in os.environ:
    inside = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        """As the standard library does, but for one address."""
        if port == USUAL and host in HERE:
            host, port = "127.0.0.1", int(os.environ["PEERS_REDIS_PORT"])
        return inside(host, port, *args, **kwargs)

    socket.getaddrinfo = getaddrinfo

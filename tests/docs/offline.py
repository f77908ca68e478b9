"""Builds the site as `nox -s docs -- --published` does, in a process that refuses to reach anything.

`python offline.py OUTPUT TREES VERSION`.
"""

from __future__ import annotations

import os
import sys

from sphinx.cmd.build import main

REACHING = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}


def refuse(event: str, arguments: tuple[object, ...]) -> None:
    """What Python asks before whatever leaves the process."""
    if event in REACHING:
        message = f"the documentation reaches out while it is built: {event} {arguments[1:]}"
        raise OSError(message)


if __name__ == "__main__":
    output, trees, os.environ["PUBLISHED_VERSION"] = sys.argv[1:]
    sys.addaudithook(refuse)
    sys.exit(main(["-W", "--keep-going", "-q", "-E", "-c", "docs", "-d", trees, ".", output]))

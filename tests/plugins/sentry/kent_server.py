"""Runs kent, the fake Sentry, on a free port, and says which: ``python kent_server.py``."""

from __future__ import annotations

import sys

from kent.app import create_app
from werkzeug.serving import make_server


def main() -> None:
    server = make_server("127.0.0.1", 0, create_app(), threaded=True)
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()

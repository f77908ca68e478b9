"""Serving the page with uvicorn, until a signal ends it."""

from __future__ import annotations

import socket
from types import FrameType

import click
import uvicorn

from jobreporter_history._web.app import create_app
from jobreporter_history._web.guard import Access
from jobreporter_history._web.live import Changes
from jobreporter_history.store import Store

#: Seconds that answers get to end. Listeners end by themselves before that.
_PATIENCE = 2


class _Server(uvicorn.Server):
    """Tells those who listen for changes to end: uvicorn would wait for them."""

    def __init__(self, config: uvicorn.Config, changes: Changes) -> None:
        super().__init__(config)
        self._changes = changes

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal has come."""
        self._changes.ending.set()
        super().handle_exit(sig, frame)


def serve(store: Store, host: str, port: int, root_path: str, access: Access) -> None:
    """Serve until SIGTERM or SIGINT. Raises `OSError` if the address can't be had."""
    changes = Changes(store)
    config = uvicorn.Config(
        create_app(store, root_path, access=access, changes=changes),
        log_level="warning",
        access_log=False,
        # Who asks is who has connected: what a header says of it is nobody's proof.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_PATIENCE,
        lifespan="off",
        ws="none",
    )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host.strip("[]"), port), family=family, backlog=128) as listening:
        shown = f"[{host.strip('[]')}]" if family == socket.AF_INET6 else host
        path = f"/{root_path.strip('/')}".rstrip("/")
        click.echo(f"jobreporter web: http://{shown}:{listening.getsockname()[1]}{path}/")
        _Server(config, changes).run(sockets=[listening])

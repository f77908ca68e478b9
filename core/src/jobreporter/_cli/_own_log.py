"""The log of a process that is jobreporter's own."""

from __future__ import annotations

import logging


def show_own_log(level: int = logging.INFO) -> None:
    """Show on stderr what the reporter `log` says, since nobody else has configured logging here."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("jobreporter").setLevel(level)

"""What a worker's log says once, when it starts: that jobs are reported, by what and to whom."""

from __future__ import annotations

import logging

from jobreporter._dispatch.wiring import Wiring
from jobreporter._lane.wording import describe
from jobreporter._system.log_aside import log_aside
from jobreporter._version import __version__
from jobreporter.text import one_line

logger = logging.getLogger("jobreporter")


def announce(wiring: Wiring, source: str) -> None:
    """Log one line at INFO, and one at ERROR for each reporter that is known to be broken already.

    The processes that are forked from this one don't repeat the latter, and one of them tells what breaks a reporter there.
    """
    log_aside(logger, logging.INFO, "%s", announcement(wiring, source))
    for factory in wiring.factories:
        factory.share()
        error = factory.trouble()
        if error is not None:
            reason = describe(error)
            factory.told(reason)
            told = "reporter %r is broken: %s; it is tried again with backoff"
            log_aside(logger, logging.ERROR, told, factory.config.name, reason)


def announcement(wiring: Wiring, source: str) -> str:
    """The line: version, source, config, reporters, and what is switched off by what."""
    config = wiring.config
    reporters = ", ".join(factory.config.name for factory in wiring.factories)
    parts = [
        f"reports {source} jobs to {reporters}" if reporters else f"reports no {source} jobs: no reporter is on",
        f"config {one_line(str(config.path), 400)}" if config.path else "config of the program",
    ]
    off = [f"{each.name} ({each.disabled_by})" for each in config.reporters if not each.enabled]
    if off:
        parts.append(f"off: {', '.join(off)}")
    return f"jobreporter {__version__} {'; '.join(parts)}"

"""``jobreporter agent``: runs the reporters away from the workers."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial

import click

from jobreporter._agent.agent import Agent
from jobreporter._agent.once import drain
from jobreporter._cli._stream import read_config, stream_of
from jobreporter._config.records import Config
from jobreporter._dispatch.dispatcher import Dispatcher
from jobreporter._dispatch.wiring import Wiring, survey
from jobreporter._stream.settings import StreamConfig
from jobreporter.errors import BrokenReporter, ConfigError
from jobreporter.streams import StreamError

logger = logging.getLogger("jobreporter")

# Seconds between two tries to reach a stream at the start.
_RETRY = 2.0


@click.command()
@click.option("--once", is_flag=True, help="Hand out what is there now, and end: 0 if all was taken, else 1.")
@click.pass_obj
def agent(path: str | None, once: bool) -> None:
    """Run the reporters of the config, away from the workers.

    With a [stream], it reads the events that workers have put there. Any number of agents can run, on any machine. Without
    one, it runs what reporters do by time.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    config = read_config(path)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        if config.stream is None:
            sys.exit(_without_stream(path, config, ended, once=once))
        wiring = survey(path, "agent").wiring()
    except ConfigError as error:
        raise click.ClickException(str(error)) from None
    if not (wiring.factories or wiring.relays) and (once or not wiring.config.schedules):
        _nothing_to_do('no reporter of the config runs in an agent: each is switched off, or has where = "worker"')
    running = _started(partial(Agent, watches_schedules=not once), wiring, config, ended)
    if running is None:  # told to end before the stream could be reached
        sys.exit(1 if once else 0)
    running.start()
    names = ", ".join(each.name for each in running.runs)
    logger.info("the agent runs %s", names)
    done = True
    if once:
        done = drain(running, ended)
    else:
        ended.wait()
    done = running.stop() and done
    sys.exit(0 if done or not once else 1)


def _started(
    make: Callable[[Wiring, StreamConfig], Agent], wiring: Wiring, config: Config, ended: threading.Event
) -> Agent | None:
    """The agent, once its stream can be reached."""
    while not ended.is_set():
        try:
            return make(wiring, stream_of(config))
        except (StreamError, BrokenReporter) as error:
            logger.warning("the stream: %s", error)
            ended.wait(_RETRY)
    return None


def _without_stream(path: str | None, config: Config, ended: threading.Event, *, once: bool) -> int:
    if not any(reporter.enabled for reporter in config.reporters):
        _nothing_to_do("the config has no [stream] and no reporter that is switched on")
    if once:
        _nothing_to_do("the config has no [stream], so there is nothing to hand out at once")
    looked = survey(path, "worker")
    # One that can't be loaded now may be able to later, and what is wrong in the config is told next.
    if not looked.faults and all(each.plugin and not each.plugin.ticks for each in looked.factories):
        _nothing_to_do("the config has no [stream], and no reporter that does anything without events")
    with Dispatcher.from_config(path) as dispatcher:
        dispatcher.start()
        logger.info("there is no [stream]: the agent runs what reporters do by time")
        ended.wait()
    return 0


def _nothing_to_do(why: str) -> None:
    click.echo(f"jobreporter agent: {why}", err=True)
    sys.exit(2)

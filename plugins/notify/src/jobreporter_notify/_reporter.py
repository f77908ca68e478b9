"""The reporter: it takes no event, but tells at every tick what is due."""

from __future__ import annotations

import time
from collections.abc import Callable

from jobreporter import (
    BrokenReporter,
    ConfigError,
    Context,
    Job,
    JobReporterError,
    hookimpl,
    reporter_options,
)
from jobreporter_history import HistoryOptions
from jobreporter_history.store import Store, StoreError, open_store
from jobreporter_notify._address import Address
from jobreporter_notify._destination import Destination
from jobreporter_notify._editor import Editor
from jobreporter_notify._notifier import Notifier
from jobreporter_notify._options import NotifyOptions

# The job of `jobreporter check --send`.
_CHECK = ("jobreporter.check", "jobreporter")


class NotifyReporter:
    """Tells people what becomes of incidents, at least once each, by one process at a time."""

    @hookimpl
    def reporter_start(self, options: NotifyOptions, context: Context) -> None:
        """Nothing is sent yet."""
        try:
            store = open_store(_store_of(options, context))
        except StoreError as error:
            raise BrokenReporter(f"store: {error}") from error
        self._notifier = notifier_of(store, options, context.reporter, context.page, time.monotonic)
        self._notifier.follow()

    @hookimpl
    def handle_failure(self, job: Job) -> None:
        """The test failure of `jobreporter check --send` is a test message. What fails otherwise comes from the history."""
        if (job.name, job.source) == _CHECK:
            self._notifier.test()

    @hookimpl
    def reporter_tick(self) -> None:
        self._notifier.tick()

    @hookimpl
    def reporter_stop(self) -> None:
        self._notifier.close()


def notifier_of(
    store: Store, options: NotifyOptions, reporter: str, page: str | None, monotonic: Callable[[], float]
) -> Notifier:
    """Everybody whom the options name. reporter: its name, under which the history keeps what each was told."""
    editor = Editor(store, options, page)
    destinations = [
        Destination(
            name,
            Address(url.reveal(), options.send_timeout),
            store.outbox(f"{reporter}/{name}", repeat=options.repeat_after, tell=options.tell),
            editor,
            wait=options.wait,
            monotonic=monotonic,
        )
        for name, url in options.to.items()
    ]
    return Notifier(store, destinations, monotonic, options.send_timeout)


def _store_of(options: NotifyOptions, context: Context) -> str:
    """The URL of the history. Raises BrokenReporter if neither this table nor that of the history says it."""
    if options.store is not None:
        return options.store.reveal()
    if context.config is None:
        raise BrokenReporter(
            "store isn't set, and without a config file there is no [reporters.history] to take it from"
        )
    try:
        return reporter_options("history", HistoryOptions, context.config).store.reveal()
    except ConfigError as error:
        raise BrokenReporter(f"store isn't set, and can't be that of [reporters.history]: {error}") from error
    except JobReporterError as error:
        raise BrokenReporter(f"store is that of [reporters.history]: {error}") from error

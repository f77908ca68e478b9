"""The reporter: from jobreporter's hooks to batches of rows."""

from __future__ import annotations

from jobreporter import Aborted, BrokenReporter, Context, Failure, Origin, Started, Stopped, Success, hookimpl
from jobreporter_history._engines.trouble import Refused
from jobreporter_history._open import open_database
from jobreporter_history._options import HistoryOptions
from jobreporter_history._session import Session


class HistoryReporter:
    """Keeps every execution: what it was, how it went, which incident its failure belongs to.

    Events are written in batches, at every flush and whenever a batch is full. One process of those that share a store
    decides about incidents and takes away what is too old.
    """

    @hookimpl
    def reporter_start(self, options: HistoryOptions, context: Context) -> Session:
        """Opens the store, and brings its tables up to date."""
        try:
            database = open_database(options.store.reveal())
        except Refused as error:
            raise BrokenReporter(str(error)) from error
        session = Session(database, options, context)
        session.open()
        return session

    @hookimpl
    def handle_started(self, meta: Started, origin: Origin, state: Session) -> None:
        state.take(meta, origin)

    @hookimpl
    def handle_success(self, meta: Success, origin: Origin, state: Session) -> None:
        state.take(meta, origin)

    @hookimpl
    def handle_aborted(self, meta: Aborted, origin: Origin, state: Session) -> None:
        state.take(meta, origin)

    @hookimpl
    def handle_failure(self, meta: Failure, origin: Origin, state: Session) -> None:
        state.take(meta, origin)

    @hookimpl
    def handle_stopped(self, meta: Stopped, origin: Origin, state: Session) -> None:
        state.take(meta, origin)

    @hookimpl
    def reporter_flush(self, state: Session) -> None:
        state.write()

    @hookimpl
    def reporter_tick(self, state: Session) -> None:
        state.tick()

    @hookimpl
    def reporter_stop(self, state: Session) -> None:
        state.close()

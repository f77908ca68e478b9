"""What the ticks of a reporter do: a sign of life, and, for whoever is the keeper, decisions and retention."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress

from jobreporter import Context, Event, Failure, Origin
from jobreporter_history._engines.database import Database
from jobreporter_history._engines.sqlite import SqliteDatabase
from jobreporter_history._engines.trouble import StoreError
from jobreporter_history._incidents.keeper import Keeper
from jobreporter_history._schedules.watch import Watch
from jobreporter_history._upkeep.full_disk import take_ballast
from jobreporter_history._upkeep.heartbeat import Heartbeat
from jobreporter_history._upkeep.retention import Keep, prune

#: Seconds between two looks at what is too old.
_PRUNE = 60.0
#: A process that is younger, in seconds, may be about to end, as one does that runs a single job. Where there are only such,
#: whoever has a failure to tell decides at its end, and otherwise one of them every so many seconds.
_SETTLED = 5.0


class Upkeep:
    """started_at: when the reporter was started (Unix seconds)."""

    def __init__(self, database: Database, keep: Keep, context: Context, started_at: float) -> None:
        self._database = database
        self._keep = keep
        self._context = context
        self._started_at = started_at
        self._heartbeat = Heartbeat(database, context, started_at)
        self.keeper = Keeper(database, f"{context.host}:{os.getpid()}:{secrets.token_hex(6)}")
        self._watch = Watch(database, context.schedules, context.origin)
        self._pruned_at: float | None = None
        self._settled = self._failed = False

    def saw(self, event: Event, origin: Origin) -> None:
        """An event came from there: if that is another process, this is an agent."""
        self._failed = self._failed or isinstance(event, Failure)
        if origin.pid != self._context.pid or origin.host != self._context.host:
            self.keeper.agent = True

    def tick(self, now: float) -> None:
        """Whatever is due. Raises what is wrong with the database as a `StoreError`."""
        if self._context.producers():
            self.keeper.agent = True
        self._heartbeat.beat(now, agent=self.keeper.agent)
        self._settled = now >= self._started_at + _SETTLED
        # By the time that all who share the store agree on.
        shared = self._database.now()
        if self.keeper.take(shared, idle=0.0 if self._settled or self._failed else _SETTLED):
            if self._settled:
                # With a stream, an agent tells what was missed, with the same ids.
                self._watch.look(shared, tells=not self._context.producers())
            self.keeper.decide(shared)
            if self._settled:
                self._prune(shared)

    def stop(self) -> None:
        """Leave in good order."""
        self._heartbeat.stop()
        self.keeper.close()

    def _prune(self, now: float) -> None:
        if self._pruned_at is not None and self._pruned_at <= now < self._pruned_at + _PRUNE:
            return
        self._pruned_at = now
        prune(self._database, self._keep, now)
        if isinstance(self._database, SqliteDatabase):
            with suppress(OSError, StoreError):
                take_ballast(self._database)

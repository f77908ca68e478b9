"""One life of the reporter: the batch that waits, and what is done when it can't be written."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress

from jobreporter import BrokenReporter, Context, Event, Origin, Started, Stopped, TryAgain, one_line
from jobreporter_history._engines.database import Database
from jobreporter_history._engines.sqlite import SqliteDatabase
from jobreporter_history._engines.trouble import Damaged, DiskFull, OutOfTime, Refused, Silent, StoreError, Unavailable
from jobreporter_history._options import HistoryOptions
from jobreporter_history._rows.events import begun, ended
from jobreporter_history._upkeep import held_log
from jobreporter_history._upkeep.damage import put_aside
from jobreporter_history._upkeep.full_disk import is_short, make_room
from jobreporter_history._upkeep.upkeep import Upkeep
from jobreporter_history._write.batch import Batch
from jobreporter_history._write.writer import Writer

logger = logging.getLogger("jobreporter.history")

#: So much is written at once: events, and bytes.
MOST_EVENTS = 500
MOST_BYTES = 4_000_000

#: Seconds that one batch may wait for other writers; less than a lane's usual timeout.
PATIENCE = 5.0
#: Seconds after which a batch is tried again that can't be written until somebody does something.
_PAUSE = 30.0
#: Seconds for which the same trouble is told once.
_SILENCE = 3600.0


class Session:
    """database: where to write. clock: Unix seconds. monotonic: seconds that never go back."""

    def __init__(
        self,
        database: Database,
        options: HistoryOptions,
        context: Context,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._context = context
        self._shape = options.shape
        self._clock = clock
        self._monotonic = monotonic
        self._writer = Writer(database)
        self._batch = Batch()
        #: How many executions are written at once: fewer after a server took too long over more.
        self._at_once = MOST_EVENTS
        self._in_trouble = False
        #: What was said, and the monotonic time until which it isn't said again.
        self._silent_until: dict[str, float] = {}
        self.upkeep = Upkeep(database, options.keep, context, clock())

    def open(self) -> None:
        """Connect, and bring the tables up to date.

        What may heal by itself, such as a server that is away, is left to the first batch: that waits for it, also in a
        process that runs a single job. Raises BrokenReporter where nothing helps until somebody changes something.
        """
        self._set_deadline()
        try:
            try:
                self._connect()
            except Damaged as error:
                self._put_aside(error)
                self._connect()
        except Refused as error:
            raise BrokenReporter(str(error)) from error
        except StoreError as error:
            logger.debug("the history is opened later: %s", error)

    def take(self, event: Event, origin: Origin) -> None:
        """Have the event in the next batch. Raises TryAgain if there is no room for it, since no batch can be written."""
        if self._batch.events >= MOST_EVENTS or self._batch.size >= MOST_BYTES:
            self.write()
        if isinstance(event, Started):
            self._batch.add_begun(begun(event, origin, self._shape))
        elif not (isinstance(event, Stopped) and self._batch.knows_better(event.job.execution_id)):
            self._batch.add_ended(ended(event, origin, self._shape, self._clock()))
        self.upkeep.saw(event, origin)

    def write(self) -> None:
        """Write what waits. Raises TryAgain where that can be done later."""
        try:
            self._write_batch()
        except (Unavailable, DiskFull) as error:
            # The lane says so, once in a while; a sentence is all that it needs to know.
            raise TryAgain from BrokenReporter(str(error))
        except Refused as error:
            raise TryAgain(_PAUSE) from BrokenReporter(str(error))

    def tick(self) -> None:
        """What is due by time alone. What can't be done now is done at a later tick."""
        self._set_deadline()
        try:
            # It may be the last tick, which comes before the last flush: what waits counts for what is decided.
            with suppress(DiskFull):  # what is too old goes, and makes room
                self._write_batch()
        except (Unavailable, Refused) as error:
            logger.debug("the history's upkeep is put off: %s", error)
            return
        try:
            self.upkeep.tick(self._clock())
        except Unavailable as error:
            logger.debug("the history's upkeep is put off: %s", error)
        except Damaged as error:
            try:
                self._put_aside(error)
            except StoreError as further:
                self._tell(further)
        except StoreError as error:
            self._tell(error)

    def close(self) -> None:
        """Leave in good order, as far as that can be done."""
        self._set_deadline()
        try:
            self.upkeep.stop()
        except StoreError as error:
            logger.debug("the history was left in no good order: %s", error)
        self._database.close()

    def _connect(self) -> None:
        with self._database.writing():
            pass  # that it can be written is all

    def _set_deadline(self) -> None:
        self._database.deadline = self._monotonic() + PATIENCE

    def _write_batch(self) -> None:
        """Write what waits, in spite of all that something can be done about."""
        if not self._batch:
            return
        self._set_deadline()
        if isinstance(self._database, SqliteDatabase):
            held_log.check(self._database)
            if is_short(self._database):
                self._make_room()
        try:
            self._write_parts()
        except DiskFull as error:
            self._write_on_full_disk(error)
        except Damaged as error:
            self._put_aside(error)
            self._writer.write(self._batch)
        else:
            self._recovered()
        self._batch = Batch()

    def _write_parts(self) -> None:
        """The whole batch at once, as a rule. Where the server took too long over that, half of it, and so on.

        What is written stays written. When the time is over, the rest is left for the next time.
        """
        for number, part in enumerate(self._batch.parts(self._at_once)):
            if number and self._monotonic() > self._database.deadline:
                raise Silent("it takes so long to write that the rest waits")
            try:
                self._writer.write(part)
            except (Silent, OutOfTime):
                self._at_once = max(1, len(part) // 2)
                raise
            self._at_once = min(MOST_EVENTS, 2 * self._at_once)
            self._batch.remove(part)

    def _write_on_full_disk(self, error: DiskFull) -> None:
        """One day after the other goes, until there is room; without any, the batch is lost, and counted.

        A server's disk is everybody's: giving up days makes no room there, and the batch waits until there is some.
        """
        if not isinstance(self._database, SqliteDatabase):
            raise error
        while self._make_room():
            try:
                self._writer.write(self._batch)
            except DiskFull:
                continue
            return
        self._tell(error)
        self._context.lost("disk", self._batch.events)

    def _make_room(self) -> bool:
        if not isinstance(self._database, SqliteDatabase):
            return False
        table = make_room(self._database, self._clock())
        if table is None:
            return False
        self._writer.forget()
        if self._said("room"):
            logger.warning("the disk of %s is full, so that its oldest days are given up", self._database.path)
        return True

    def _put_aside(self, error: Damaged) -> None:
        """Begin a new file. What another process has put aside already isn't told again."""
        if not isinstance(self._database, SqliteDatabase):
            raise error
        self._writer.forget()
        aside = put_aside(self._database, str(error), self._clock())
        if aside is not None:
            logger.error(
                "%s; it is now %s, and a new history is begun; `jobreporter history recover` may read what is left",
                one_line(str(error), 300),
                one_line(str(aside), 300),
            )

    def _tell(self, error: StoreError) -> None:
        """Say what is wrong: once, and not again for an hour, even if it comes and goes."""
        if self._said(type(error).__name__):
            self._in_trouble = True
            logger.warning("the history can't be written: %s", one_line(str(error), 300))

    def _recovered(self) -> None:
        if self._in_trouble:
            self._in_trouble = False
            logger.warning("the history is written again")

    def _said(self, what: str) -> bool:
        """Whether it is time to say this."""
        now = self._monotonic()
        if now < self._silent_until.get(what, now):
            return False
        self._silent_until[what] = now + _SILENCE
        return True

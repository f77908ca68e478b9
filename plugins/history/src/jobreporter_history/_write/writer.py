"""Writing batches to a database, and repeating what another writer was in the way of."""

from __future__ import annotations

from jobreporter_history._calendar import table_of
from jobreporter_history._engines.database import Database
from jobreporter_history._engines.trouble import Clash, Gone
from jobreporter_history._schema import executions as schema
from jobreporter_history._write.batch import Batch
from jobreporter_history._write.dictionary import Dictionary
from jobreporter_history._write.merge import Merge

# Each repetition has met another writer that got further, so there is no need of many.
_TRIES = 5


class Writer:
    """Writes batches. One thread uses it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dictionary = Dictionary(database)
        self._tables: set[str] = set()
        #: Which opening of the database what is known was looked up in.
        self._opened: int | None = None

    def write(self, batch: Batch) -> None:
        """Write a batch, as a whole or not at all. To write it again makes no difference.

        Raises what is wrong with the database as a `StoreError`.
        """
        for left in reversed(range(_TRIES)):
            try:
                self._write(batch)
            except (Clash, Gone):
                self.forget()
                if not left:
                    raise
            except BaseException:
                self.forget()
                raise
            else:
                return

    def forget(self) -> None:
        """Look up anew what was known of the database: it may be another one."""
        self._dictionary.forget()
        self._tables.clear()
        self._opened = None

    def _write(self, batch: Batch) -> None:
        for _ in range(_TRIES):
            if self._opened is None:
                self._opened = self._database.opened
            self._ensure_tables(batch)
            self._dictionary.learn(batch)
            with self._database.writing() as connection:
                if self._database.opened == self._opened:
                    Merge(connection, self._dictionary).merge(batch)
                    return
            self.forget()
        raise Clash("the store is another one each time that it is asked")

    def _ensure_tables(self, batch: Batch) -> None:
        """Make the tables that the batch needs, before: in PostgreSQL that locks out everybody for a moment."""
        needed = {table_of(told.ended.kind, told.ended.at) for _, told in batch if told.ended is not None}
        missing = sorted(table for table in needed if table.name not in self._tables)
        if missing:
            with self._database.writing() as connection:
                for table in missing:
                    schema.ensure(connection, table)
            self._tables.update(table.name for table in missing)

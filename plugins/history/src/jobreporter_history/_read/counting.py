"""How many executions a filter matches: out of the rollups where those can say, and else by looking, up to a bound."""

from __future__ import annotations

from functools import partial

from jobreporter_history._engines.database import Connection
from jobreporter_history._read.names import Names
from jobreporter_history._read.plan import Plan, plan
from jobreporter_history._read.walk import BUDGET, walk
from jobreporter_history._records.executions import Count
from jobreporter_history._records.terms import Terms
from jobreporter_history._schema import executions as schema

#: So many are counted by looking.
MOST = 1000

_COUNTED = frozenset({"name", "service", "environment", "source", "queue", "outcome"})
_COLUMNS = {"success": "ok", "aborted": "aborted", "failure": "failed"}
_DAY = 86_400


def count(connection: Connection, names: Names, terms: Terms, budget: float = BUDGET) -> Count:
    """How many executions that are kept match."""
    wanted = tuple(terms)
    planned = plan(wanted, names.all_series(connection), partial(names.first_seen, connection))
    if all(term.key in _COUNTED for term in wanted) and not planned.checks:
        return Count(value=_of_rollups(connection, planned), exact=True)
    page = walk(connection, names, wanted, before=None, limit=MOST, budget=budget)
    return Count(value=len(page.rows), exact=page.before is None)


def _of_rollups(connection: Connection, planned: Plan) -> int:
    """By days: a table has whole days, and so has a rollup."""
    where = "".join(f" AND {condition.sql}" for condition in planned.of_series)
    counted = 0
    for table in schema.existing(connection):
        columns = [_COLUMNS[each] for each in sorted(planned.outcomes) if (each == "failure") == (table.kind == "bad")]
        if columns:
            sql = f"SELECT CAST(coalesce(sum({' + '.join(columns)}), 0) AS {connection.words.integer}) FROM rollup x"
            found = connection.row(f"{sql} WHERE res = {_DAY} AND t >= ? AND t < ?{where}", (table.begins, table.ends))
            counted += found[0] if found else 0
    return counted

"""What a filter means for a table: which tables have anything, which index to go along, and what is left to check."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from jobreporter_history._calendar import Kind, Table, first_id
from jobreporter_history._records.executions import Execution
from jobreporter_history._records.terms import Term, Terms
from jobreporter_history._rows.series import Series
from jobreporter_history._rows.text import storable, storable_key
from jobreporter_history._rows.words import Phrase, phrase_of
from jobreporter_history._schema.executions import Executions, Span

# Of more series than this, going along the index of each would take longer than looking at every row.
_MOST_SERIES = 24
_LAST_CHARACTER = "\U0010ffff"

Check = Callable[[Execution], bool]
_OF_INCIDENT = "x.incident = ?"
_OF_SERIES = ("name", "service", "environment", "source", "queue")
_DURATIONS = {"slower": "dh", "waited": "wh"}
_OUTCOMES: Mapping[Kind, tuple[str, ...]] = {"ok": ("success", "aborted"), "bad": ("failure",)}


class Condition(NamedTuple):
    """A condition in SQL on a row called ``x``, with its parameters."""

    sql: str
    parameters: tuple[Any, ...] = ()
    #: Whether few rows have it, so that its own index is the one to go along, and what it finds is sorted.
    few: bool = False

    @property
    def negated(self) -> Condition:
        """It doesn't hold, or nobody knows."""
        return Condition(f"({self.sql}) IS NOT TRUE", self.parameters)


class Plan(NamedTuple):
    """How to find what a filter wants."""

    kinds: frozenset[Kind]
    outcomes: frozenset[str]
    #: The bounds of the ids: from the first, and before the second.
    lowest: int
    beyond: int
    #: Conditions that have an index, of which one has to hold; without any, every row is looked at.
    strands: tuple[Condition, ...]
    #: The words to look up, all of them.
    phrases: tuple[Phrase, ...]
    #: Words that it must not have.
    lacking: tuple[Phrase, ...]
    conditions: tuple[Condition, ...]
    #: Those of them that rollups have as well: which series it may be.
    of_series: tuple[Condition, ...]
    #: What SQL doesn't see.
    checks: tuple[Check, ...]
    #: Columns of rollups with the durations that they count, and what one of those has to be longer than (seconds).
    longer: tuple[tuple[str, float], ...]
    #: Whether the strands alone say what is wanted, so that few rows are looked at in vain.
    indexed: bool


#: When a release of a name was seen first; ``None``: never.
FirstSeen = Callable[[str], float | None]


def plan(terms: Terms, series: Mapping[int, Series], first_seen: FirstSeen) -> Plan:
    """The plan for a filter. series: all that there are. first_seen: since when a release of some name is known."""
    wanted = tuple(terms)
    kinds, outcomes = _outcomes(wanted)
    lowest, beyond = _bounds(wanted, first_seen)
    phrases = tuple(phrase for term in wanted if not term.negated for phrase in _phrases(term))
    lacking = tuple(phrase for term in wanted if term.negated and term.key == "text" for phrase in _phrases(term))
    among = _matching(wanted, series)
    strands = _strands(wanted, among, outcomes)
    of_series = () if among is None else (_in(sorted(among)),)
    conditions = [*(each for term in wanted for each in _conditions(term)), *of_series]
    checks = tuple(check for term in wanted for check in _checks(term, in_other=_has_other(among, series)))
    if outcomes != frozenset(each for kind in kinds for each in _OUTCOMES[kind]):
        conditions.append(_any("outcome", sorted(outcomes)))
    rest = {term.key for term in wanted} - {*_OF_SERIES, "outcome", "since", "until", "id", "root", "incident"}
    # Words are looked up, and what else is asked of them is not.
    by_words = bool(phrases) and not strands
    indexed = not conditions if by_words else not rest and (bool(strands) or not conditions)
    longer = tuple((_DURATIONS[term.key], term.value) for term in wanted if term.key in _DURATIONS and not term.negated)
    return Plan(
        kinds,
        outcomes,
        lowest,
        beyond,
        strands,
        phrases,
        lacking,
        tuple(conditions),
        of_series,
        checks,
        longer,
        indexed and not lacking,
    )


def select(
    what: str, table: Table, planned: Plan, tables: Executions, *, strand: Condition | None, span: Span
) -> tuple[str, list[Any]]:
    """The SELECT for one strand in one table, of the ids in a span. Its last parameter, a limit, is to be given."""
    origin, match, parameters = tables.source(table, planned.phrases if strand is None else ())
    conditions = [Condition(match, tuple(parameters))] if match else []
    if strand is not None:
        conditions.append(strand)
        conditions += [_found(tables, table, phrase, span) for phrase in planned.phrases]
    conditions += planned.conditions
    conditions += [_lacking(tables, table, phrase, span) for phrase in planned.lacking]
    by = tables.order(planned.phrases if strand is None else ())
    if strand is not None and strand.few:
        by = f"+{by}"  # no index is of that, so none but the strand's own is taken
    if table.kind == "ok" and strand is not None and strand.sql == _OF_INCIDENT:
        # What was missed is no failure; the index of what is no success has it.
        conditions.append(Condition("x.outcome = 'aborted' AND x.outcome <> 'success'"))
    elif table.kind == "ok" and strand is None and "success" not in planned.outcomes:
        conditions.append(Condition("x.outcome <> 'success'"))  # so that its index is taken
    conditions.append(Condition(f"{by} >= ? AND {by} < ?", span))
    where = " AND ".join(condition.sql for condition in conditions)
    sql = f"SELECT {what} FROM {origin} WHERE {where} ORDER BY {by} DESC LIMIT ?"
    return sql, [parameter for condition in conditions for parameter in condition.parameters]


def _found(tables: Executions, table: Table, phrase: Phrase, span: Span) -> Condition:
    lacking = _lacking(tables, table, phrase, span)
    return Condition(f"NOT ({lacking.sql})", lacking.parameters)


def _lacking(tables: Executions, table: Table, phrase: Phrase, span: Span) -> Condition:
    sql, parameters = tables.lacks(table, phrase, span)
    return Condition(sql, tuple(parameters))


def _outcomes(terms: Sequence[Term]) -> tuple[frozenset[Kind], frozenset[str]]:
    left = {"success", "aborted", "failure"}
    for term in terms:
        if term.key == "outcome":
            left = left - {term.value} if term.negated else left & {term.value}
        elif (term.key == "final" and not term.negated and term.value is True) or (
            term.key == "error" and not term.negated
        ):
            left &= {"failure"}
        elif term.key == "kind" and not term.negated:
            left &= {"failure", "aborted"}
    kinds: frozenset[Kind] = frozenset(kind for kind, outcomes in _OUTCOMES.items() if left.intersection(outcomes))
    return kinds, frozenset(left)


def _bounds(terms: Sequence[Term], first_seen: FirstSeen) -> tuple[int, int]:
    lowest, beyond = 0, first_id(float(1 << 40))
    for term in terms:
        if term.key == "release" and not term.negated:
            # Nothing of it ended before it was seen, and of one that nobody has seen there is nothing.
            seen = first_seen(_stored(term.value))
            lowest, beyond = (lowest, 0) if seen is None else (max(lowest, first_id(seen)), beyond)
        elif term.key in {"since", "until"}:
            edge = first_id(term.value)
            if (term.key == "since") != term.negated:
                lowest = max(lowest, edge)
            else:
                beyond = min(beyond, edge)
    return lowest, beyond


def _phrases(term: Term) -> list[Phrase]:
    """The words that a row must have for the term to hold; a check may be needed in addition."""
    if term.key == "text":
        found = phrase_of(term.value, prefix=term.prefix)
    elif term.key == "tag":
        found = phrase_of(f"{term.tag} {term.value}", "tags")
    elif term.key == "error":
        found = phrase_of(term.value, "error")
    else:
        return []
    return [found] if found.words else []


def _matching(terms: Sequence[Term], series: Mapping[int, Series]) -> frozenset[int] | None:
    """The series that a filter of series admits, with that which stands for many; ``None`` if there is no such filter."""
    wanted = [term for term in terms if term.key in _OF_SERIES]
    if not wanted:
        return None
    return frozenset(
        number
        for number, each in series.items()
        if each.is_other or all(_like(getattr(each, term.key), term) != term.negated for term in wanted)
    )


def _like(value: str, term: Term) -> bool:
    """Whether the value of a series is the one asked for; a star stands for anything."""
    # Of the characters that fnmatch knows, the star alone has a meaning here.
    pattern = "".join(f"[{each}]" if each in "?[" else each for each in str(term.value))
    return fnmatchcase(value, pattern)


def _has_other(among: frozenset[int] | None, series: Mapping[int, Series]) -> bool:
    return among is not None and any(series[number].is_other for number in among)


def _strands(terms: Sequence[Term], among: frozenset[int] | None, outcomes: frozenset[str]) -> tuple[Condition, ...]:
    for term in terms:
        if term.key == "id" and not term.negated:
            return tuple(map(_begins, ("execution_id", "job_id"), (term.value, term.value)))
    for key in ("root", "incident"):
        for term in terms:
            if term.key == key and not term.negated:
                found = term.value if key == "incident" else storable_key(term.value)
                return (Condition(_OF_INCIDENT if key == "incident" else "x.root_id = ?", (found,), key == "root"),)
    if any(_phrases(term) and not term.negated for term in terms):
        return ()
    if among is not None and len(among) <= _MOST_SERIES:
        return tuple(
            Condition("x.series = ? AND x.outcome = ?", (number, outcome))
            for number in sorted(among)
            for outcome in sorted(outcomes)
        ) or (Condition("1 = 0"),)
    if outcomes == {"aborted"}:
        return (Condition("x.outcome <> 'success'"),)
    return ()


def _begins(column: str, value: str) -> Condition:
    value = storable_key(value)
    if len(value) < 8:
        return Condition(f"x.{column} = ?", (value,), few=True)
    return Condition(f"x.{column} >= ? AND x.{column} < ?", (value, value + _LAST_CHARACTER), few=True)


def _conditions(term: Term) -> list[Condition]:
    if term.key == "attempt":
        return [_of_attempt(term)]
    found = _condition(term)
    if found is None:
        return []
    return [found.negated if term.negated else found]


def _condition(term: Term) -> Condition | None:
    value = _stored(term.value)
    if term.key == "kind":
        return Condition("x.kind = ?", (value,))
    if term.key == "incident":
        return Condition("x.incident = ?", (value,))
    if term.key == "root":
        return Condition("x.root_id = ?", (storable_key(str(term.value)),))
    if term.key == "id":
        either = [_begins("execution_id", str(value)), _begins("job_id", str(value))]
        return Condition(f"({either[0].sql} OR {either[1].sql})", either[0].parameters + either[1].parameters)
    if term.key == "final":
        return Condition("x.final = ?", (int(value),))
    if term.key == "slower":
        return Condition("x.duration > ?", (value,))
    if term.key == "waited":
        return Condition("x.queue_wait > ?", (value,))
    if term.key == "worker":
        host = f"{value}:"
        return Condition("(x.worker = ? OR substr(x.worker, 1, ?) = ?)", (value, len(host), host))
    if term.key == "release":
        return Condition("x.release IN (SELECT id FROM release WHERE name = ?)", (value,))
    return None


def _of_attempt(term: Term) -> Condition:
    """Few attempts are no first ones, and the index of those is found by these very words."""
    if term.negated:
        return Condition("x.attempt <> 1") if term.value == 1 else Condition("x.attempt <> ?", (term.value,))
    return Condition("x.attempt = ?" + (" AND x.attempt <> 1" if term.value != 1 else ""), (term.value,))


def _checks(term: Term, *, in_other: bool) -> list[Check]:
    """What a row's record has to be asked."""
    if term.key == "tag":
        return [lambda found: (found.tags.get(term.tag) == term.value) != term.negated]
    if term.key == "error":
        return [lambda found: _is_type(found.error_type, term.value) != term.negated]
    if in_other and term.key in _OF_SERIES:
        return [lambda found: _like(getattr(found, term.key), term) != term.negated]
    return []


def _is_type(name: str | None, wanted: str) -> bool:
    return name is not None and (name == wanted or name.endswith(f".{wanted}"))


def _in(ids: Sequence[int]) -> Condition:
    return Condition(f"x.series IN ({', '.join(map(str, ids)) or 'NULL'})")


def _any(column: str, values: Sequence[str]) -> Condition:
    return Condition(f"x.{column} IN ({', '.join('?' * len(values)) or 'NULL'})", tuple(values))


def _stored(value: Any) -> Any:
    return storable(value) if isinstance(value, str) else value

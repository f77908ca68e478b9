"""What jobs are wanted, in the query language of the page."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import NamedTuple, Self

from jobreporter_history._display.query import QueryError, parse
from jobreporter_history.store import JobFigures, Running, Term

#: The keys that say something of jobs, and not of single executions.
KEYS = ("name", "queue", "source", "service", "environment")


class Where(NamedTuple):
    """What a filter can ask about. ``None``: not known, so that no condition on it rules it out."""

    service: str
    environment: str
    source: str | None
    queue: str | None
    name: str
    #: What else is written of it.
    title: str = ""

    @classmethod
    def of(cls, job: JobFigures | Running) -> Self:
        """Where a job runs."""
        return cls(job.service, job.environment, job.source, job.queue, job.name)


class Filter:
    """Words and conditions that all have to hold. An empty one is false.

    Raises `QueryError` for what can't be understood, or says something of executions: `jobreporter web` looks for these.
    """

    def __init__(self, text: str = "") -> None:
        self.text = text.strip()
        self._terms = parse(text, 0.0).terms
        for term in self._terms:
            key = term.tag or term.key
            if term.key not in {*KEYS, "text", "id"}:
                raise QueryError(f"{key}: is about executions; jobs are found by words and {', '.join(KEYS)}.")

    def __bool__(self) -> bool:
        return bool(self._terms)

    def takes(self, where: Where) -> bool:
        """Whether everything holds."""
        return all(_holds(term, where) for term in self._terms)


def _holds(term: Term, where: Where) -> bool:
    if term.key in {"text", "id"}:  # eight hex digits may be part of a name just as well
        found = str(term.value).lower() in " ".join(filter(None, where)).lower()
        return found is not term.negated
    value = getattr(where, term.key)
    if value is None:
        return True
    # Of the characters that fnmatch knows, the star alone has a meaning here.
    pattern = "".join(f"[{each}]" if each in "?[" else each for each in str(term.value))
    return fnmatchcase(value, pattern) is not term.negated

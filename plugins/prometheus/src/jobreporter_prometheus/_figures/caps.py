"""How many values labels may have: each is a series that Prometheus keeps, and a job may make up any number of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from jobreporter_prometheus._figures.families import FAMILIES, JOB, OTHER, Key

OTHER_JOB = (OTHER,) * len(JOB)

#: Where the values of the labels of a job begin and end in a key.
_START, _END = 1, 1 + len(JOB)


class Caps:
    """Admits so many jobs, and so many pairs of a job and an error type or reason. What was admitted stays admitted."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._admitted: dict[str, set[tuple[str, ...]]] = {}

    def fit(self, key: Key) -> Key:
        """The key under which to count this one: itself, or with ``other`` in it."""
        family = FAMILIES[key[0]]
        if family.labels[: len(JOB)] != JOB:
            return key
        name, job, rest = key[0], self.fit_job(key[_START:_END]), key[_END:]
        if family.open and not self._admit(family.labels[len(JOB)], (*job, rest[0])):
            rest = (OTHER, *rest[1:])
        return (name, *job, *rest)

    def fit_job(self, job: Key) -> Key:
        """The labels under which to count a job that has these."""
        return job if self._admit("job", job) else OTHER_JOB

    def _admit(self, label: str, values: tuple[str, ...]) -> bool:
        admitted = self._admitted.setdefault(label, set())
        if values in admitted:
            return True
        if len(admitted) >= self._limit:
            return False
        admitted.add(values)
        return True

    @property
    def size(self) -> int:
        """How much was admitted. It only grows."""
        return sum(map(len, self._admitted.values()))

    def to_plain(self) -> dict[str, list[tuple[str, ...]]]:
        """What was admitted, for JSON."""
        return {label: sorted(values) for label, values in self._admitted.items()}

    def admit_all(self, plain: Mapping[str, Iterable[Iterable[str]]]) -> None:
        """Admit what `to_plain` gave, whatever the limit is now."""
        for label, values in plain.items():
            self._admitted.setdefault(label, set()).update(map(tuple, values))

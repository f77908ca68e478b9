"""Durations and sizes as people write them: ``1h 30m``, ``64MiB``.

A config, a flag and an environment variable all take a number, of seconds or bytes, or text with units.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from decimal import Context, Decimal, localcontext
from typing import NamedTuple

_PART = r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)"
_PARTS = re.compile(rf"\s*{_PART}(?:\s*{_PART})*\s*", re.ASCII)
_NUMBER = re.compile(r"\s*\d+(\.\d+)?\s*", re.ASCII)
# Characters. Longer text is no duration or size; every number that Python can hold fits in.
_LONGEST = 400
# Characters of it that an error shows.
_SHOWN = 80
# Enough digits for any sum of parts that is so long, whatever precision the program has chosen for itself.
_EXACT = Context(prec=2 * _LONGEST)


class Measure(NamedTuple):
    """What can be measured: its name, its units from the smallest up, and the unit of a number that stands alone."""

    #: The word for it.
    noun: str
    #: How much each unit is, in the unit of a bare number.
    units: Mapping[str, Decimal]
    #: What a bare number counts.
    bare: str
    #: Whether there is no part of that.
    whole: bool
    example: str

    def read(self, text: str) -> float:
        """The number that the text stands for. Raises ValueError, in a sentence that names the units."""
        amount = self._amount(text)
        if not self.whole:
            return float(amount)
        if amount != int(amount):
            raise ValueError(f"expected a whole number of {self.bare}, found {text!r}")
        return int(amount)

    def show(self, number: float) -> str:
        """The text for a number, which `read` turns into the same number again."""
        return format_size(int(number)) if self.whole else format_duration(number)

    def expected(self) -> str:
        """What text is taken, for an error: the units and an example."""
        *others, last = self.units
        return f"such as {self.example!r} (units {', '.join(others)} and {last}; a bare number is {self.bare})"

    def _amount(self, text: str) -> Decimal:
        if len(text) <= _LONGEST:
            if _NUMBER.fullmatch(text):
                return Decimal(text.strip())
            parts = re.findall(_PART, text, re.ASCII) if _PARTS.fullmatch(text) else []
            units = [unit for _, unit in parts]
            if parts and len(set(units)) == len(units) and self.units.keys() >= set(units):
                with localcontext(_EXACT):
                    return sum((Decimal(number) * self.units[unit] for number, unit in parts), Decimal())
        shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
        raise ValueError(f"expected a {self.noun} {self.expected()}, found {shown!r}{self._unit_meant(text)}")

    def _unit_meant(self, text: str) -> str:
        """The right spelling of a unit that differs from one of ours by upper and lower case alone."""
        ours = {unit.casefold(): unit for unit in self.units}
        for unit in re.findall(r"[A-Za-z]+", text[:_SHOWN]):
            if unit not in self.units and unit.casefold() in ours:
                return f". Did you mean {ours[unit.casefold()]!r}?"
        return ""


DURATION = Measure(
    "duration",
    {
        "ms": Decimal("0.001"),
        "s": Decimal(1),
        "m": Decimal(60),
        "h": Decimal(3600),
        "d": Decimal(86_400),
        "w": Decimal(604_800),
    },
    bare="seconds",
    whole=False,
    example="1h 30m",
)
SIZE = Measure(
    "size",
    {
        "B": Decimal(1),
        "KB": Decimal(1000),
        "KiB": Decimal(1024),
        "MB": Decimal(1000**2),
        "MiB": Decimal(1024**2),
        "GB": Decimal(1000**3),
        "GiB": Decimal(1024**3),
    },
    bare="bytes",
    whole=True,
    example="64MiB",
)


def parse_duration(text: str) -> float:
    """Seconds, from text such as ``90``, ``1.5h``, ``250ms`` or ``1h 30m``.

    text: a number of seconds, or numbers with the units ``ms s m h d w``, each unit at most once. Raises ValueError,
    in one sentence that names the units, for any other text.
    """
    return float(DURATION.read(text))


def parse_size(text: str) -> int:
    """Bytes, from text such as ``4096``, ``10MB`` or ``1.5GiB``.

    text: a number of bytes, or numbers with the units ``B KB MB GB``, of 1000, and ``KiB MiB GiB``, of 1024, each unit
    at most once. Raises ValueError, in one sentence that names the units, for any other text, and for a part of a byte.
    """
    return int(SIZE.read(text))


def format_duration(seconds: float) -> str:
    """The text for a number of seconds, which `parse_duration` turns into the same number again.

    Raises ValueError if it is negative, infinite or not a number.
    """
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ValueError(f"expected a finite number of seconds of at least 0, found {seconds!r}")
    with localcontext(_EXACT):
        return " ".join(_parts(Decimal(repr(seconds))))


def format_size(size: int) -> str:
    """The shortest text for a number of bytes, in one unit: ``64MiB``, ``10KB``, ``1001B``.

    Raises ValueError if it is negative.
    """
    if size < 0:
        raise ValueError(f"expected a number of bytes of at least 0, found {size!r}")
    whole = ((size // int(count), unit) for unit, count in SIZE.units.items() if size % int(count) == 0)
    count, unit = min(whole, key=lambda each: each[0]) if size else (0, "B")
    return f"{count}{unit}"


def _parts(rest: Decimal) -> Iterator[str]:
    weeks, beyond = divmod(rest, DURATION.units["w"])
    if weeks and not beyond:
        yield _part(weeks, "w")
        return
    if 0 < rest < 1:
        yield _part(rest / DURATION.units["ms"], "ms")
        return
    whole = rest
    for unit in ("d", "h", "m"):
        count, rest = divmod(rest, DURATION.units[unit])
        if count:
            yield _part(count, unit)
    if rest or not whole:
        yield _part(rest, "s")


def _part(count: Decimal, unit: str) -> str:
    number = f"{count:f}"
    return f"{number.rstrip('0').rstrip('.') if '.' in number else number}{unit}"

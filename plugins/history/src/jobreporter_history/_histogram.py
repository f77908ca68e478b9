"""How often a duration came up, in fixed buckets: parts add up to the whole, whoever counted them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import log2

import msgspec

#: Buckets for each doubling, from a millisecond on: so a quantile is off by 4.4 % at most.
_PER_DOUBLING = 8
_SMALLEST = 0.001
_LAST = 255
_COUNT_BITS = 7


def bucket_of(seconds: float) -> int:
    """The bucket of a duration: 0 for a millisecond and less, and one more for each 9 %."""
    if seconds <= _SMALLEST:
        return 0
    return min(int(_PER_DOUBLING * log2(seconds / _SMALLEST)), _LAST)


def lower_bound(bucket: int) -> float:
    """Where a bucket begins, in seconds. The first has all that is less, too."""
    return _SMALLEST * float(2.0 ** (bucket / _PER_DOUBLING))


class Histogram(msgspec.Struct, frozen=True):
    """Counts by bucket. Only buckets that have something are in it."""

    counts: dict[int, int] = {}

    @property
    def count(self) -> int:
        """How many durations there are."""
        return sum(self.counts.values())

    def quantile(self, q: float) -> float | None:
        """The duration that the share ``q`` of all took at most, within 4.4 %; ``None`` if there are none.

        q: from 0 to 1; 0.5 is the median, and 1 the longest.
        """
        rank = q * self.count
        passed = 0
        for bucket, count in sorted(self.counts.items()):
            passed += count
            if passed >= rank:
                low, high = lower_bound(bucket), lower_bound(bucket + 1)
                within = (rank - (passed - count)) / count
                # Along the logarithm, in which all buckets are equally wide.
                return float(low * (high / low) ** min(max(within, 0.0), 1.0))
        return None

    def plus(self, other: Histogram) -> Histogram:
        """Both together."""
        return Histogram(_sum(self.counts, other.counts.items(), 1))

    def minus(self, other: Histogram) -> Histogram:
        """This one without another that was added before."""
        return Histogram(_sum(self.counts, other.counts.items(), -1))

    @classmethod
    def of(cls, durations: Iterable[float]) -> Histogram:
        """What these add up to."""
        counts: dict[int, int] = {}
        for seconds in durations:
            bucket = bucket_of(seconds)
            counts[bucket] = counts.get(bucket, 0) + 1
        return cls(counts)

    def encode(self) -> bytes:
        """As it is stored: for each bucket its number, and its count in groups of seven bits, the lowest first."""
        stored = bytearray()
        for bucket, count in sorted(self.counts.items()):
            stored.append(bucket)
            rest = count
            while rest >> _COUNT_BITS:
                stored.append(rest & 0x7F | 0x80)
                rest >>= _COUNT_BITS
            stored.append(rest)
        return bytes(stored)

    @classmethod
    def decode(cls, stored: bytes) -> Histogram:
        """What `encode` made."""
        counts: dict[int, int] = {}
        add_stored(counts, stored)
        return cls(counts)


def _sum(ours: Mapping[int, int], theirs: Iterable[tuple[int, int]], sign: int) -> dict[int, int]:
    counts = dict(ours)
    for bucket, count in theirs:
        counts[bucket] = counts.get(bucket, 0) + sign * count
        if not counts[bucket]:
            del counts[bucket]
    return counts


def add_stored(counts: dict[int, int], stored: bytes) -> None:
    """Add what `Histogram.encode` made. A page adds up thousands of these."""
    octets = iter(stored)
    for bucket in octets:
        count = next(octets, 0)
        if count >= 0x80:
            count &= 0x7F
            shift = _COUNT_BITS
            for octet in octets:
                count |= (octet & 0x7F) << shift
                if octet < 0x80:
                    break
                shift += _COUNT_BITS
        if both := counts.get(bucket, 0) + count:
            counts[bucket] = both
        else:  # as many were taken out as there are
            counts.pop(bucket, None)

"""Layers of stock, sorted into buckets by age. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from tillwise_analytics.reports.periods import DAY, midnight

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
# Sums below it are exact in 64 bits, with room to spare.
LARGEST = 2.0**62


class Pile(NamedTuple):
    """What lies of one product in one place, layer by layer: when it came (microseconds since 1970), how many units, and the cost of one
    in minor units, None where nobody knows.
    """

    sku: str
    location: str | None
    received: list[int]
    quantities: list[int]
    costs: list[int | None]


class Aged(NamedTuple):
    """What lies of a product (or in one of its places), by bucket of age. Money in minor units, of units whose cost is known."""

    units: list[int]
    values: list[int]
    unknown: int = 0
    # Units times their age in days.
    age_sum: int = 0
    oldest: date | None = None
    quantity: int = 0
    value: int = 0

    @property
    def average_age(self) -> float | None:
        """Days, by units."""
        return self.age_sum / self.quantity if self.quantity else None


def labels(ends: list[int]) -> list[str]:
    """What buckets are called: 0_30, 31_60, over_60."""
    begins = [0, *(end + 1 for end in ends)]
    return [*(f"{begin}_{end}" for begin, end in zip(begins, ends, strict=False)), f"over_{ends[-1]}"]


def aged(piles: list[Pile], today: date, zone: ZoneInfo, ends: list[int]) -> dict[tuple[str, str | None], Aged]:
    """Each product (and place) with what lies there by age. A bucket ends with its day; what seems to come from the future is new."""
    if not piles:
        return {}
    owners: dict[tuple[str, str | None], int] = {}
    places = [owners.setdefault((pile.sku, pile.location), len(owners)) for pile in piles]
    owner = np.repeat(places, [len(pile.quantities) for pile in piles])
    received = _days(_column(pile.received for pile in piles), today, zone)
    quantity, cost = _column(pile.quantities for pile in piles), np.array([*chain(*(pile.costs for pile in piles))], dtype=float)
    age = np.maximum(today.toordinal() - received, 0)
    unknown = np.isnan(cost)
    # Costs are whole numbers below 2^53.
    worth = np.where(unknown, 0, cost).astype(np.int64)
    if float(quantity.max()) * max(float(worth.max()), float(age.max())) * len(quantity) >= LARGEST:
        quantity, worth, age = quantity.astype(object), worth.astype(object), age.astype(object)
    slots, wide = len(owners), len(ends) + 1
    slot = owner * wide + np.searchsorted(ends, age.astype(np.int64), side="left")
    units, values = _sums(slot, quantity, slots * wide), _sums(slot, quantity * worth, slots * wide)
    oldest = np.full(slots, date.max.toordinal())
    np.minimum.at(oldest, owner, received)
    columns = (
        units.reshape(slots, wide).tolist(), values.reshape(slots, wide).tolist(),
        _sums(owner, np.where(unknown, quantity, 0), slots).tolist(), _sums(owner, quantity * age, slots).tolist(),
        map(date.fromordinal, oldest.tolist()), _sums(owner, quantity, slots).tolist(), _sums(owner, quantity * worth, slots).tolist(),
    )  # fmt: skip
    return dict(zip(owners, map(Aged, *columns), strict=True))


def _column(parts: Iterable[list[int]]) -> Any:
    return np.array([*chain(*parts)], dtype=np.int64)


def _sums(place: Any, values: Any, count: int) -> Any:
    found = np.zeros(count, dtype=values.dtype)
    np.add.at(found, place, values)
    return found


def _days(moments: Any, today: date, zone: ZoneInfo) -> Any:
    """The days (as ordinals) on which moments lie in a time zone; what is later than today is told as tomorrow."""
    first = min(today, (EPOCH + timedelta(microseconds=int(moments.min()))).date() - DAY)
    begins = [(midnight(first + n * DAY, zone) - EPOCH) // MICROSECOND for n in range((today - first).days + 2)]
    return np.searchsorted(begins, moments, side="right") - 1 + first.toordinal()


def empty(ends: list[int]) -> Aged:
    """Nothing, in buckets."""
    return Aged([0] * (len(ends) + 1), [0] * (len(ends) + 1))


def is_dead(quantity: int, idle_days: int | None, dead_after: int) -> bool:
    """Stock that lies there and has not sold for so long; `idle_days`: since the last sale, or since stock was known first."""
    return quantity > 0 and idle_days is not None and idle_days >= dead_after


def share(part: int, whole: int) -> float | None:
    """part / whole; None of nothing."""
    return part / whole if whole > 0 else None

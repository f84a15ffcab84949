"""Layers of stock, sorted into buckets by age. No I/O."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple


class Lot(NamedTuple):
    """Units of one product in one place that came on one day; `cost` per unit in minor units, None where nobody knows."""

    sku: str
    location: str | None
    received: date
    quantity: int
    cost: int | None


@dataclass
class Aged:
    """What lies of a product (or in one of its places), by bucket of age. Money in minor units, of units whose cost is known."""

    units: list[int]
    values: list[int]
    unknown: int = 0
    # Units times their age in days.
    age_sum: int = 0
    oldest: date | None = None
    quantity: int = field(default=0)
    value: int = field(default=0)

    @property
    def average_age(self) -> float | None:
        """Days, by units."""
        return self.age_sum / self.quantity if self.quantity else None


def bucket_of(age: int, ends: list[int]) -> int:
    """Which bucket an age falls into: a bucket ends with its day. What seems to come from the future is new."""
    return bisect_left(ends, max(age, 0))


def labels(ends: list[int]) -> list[str]:
    """What buckets are called: 0_30, 31_60, over_60."""
    begins = [0, *(end + 1 for end in ends)]
    return [*(f"{begin}_{end}" for begin, end in zip(begins, ends, strict=False)), f"over_{ends[-1]}"]


def aged(lots: Iterable[Lot], today: date, ends: list[int]) -> dict[tuple[str, str | None], Aged]:
    """Each product (and place) with what lies there by age."""
    found: dict[tuple[str, str | None], Aged] = {}
    for lot in lots:
        one = found.get((lot.sku, lot.location))
        if one is None:
            one = found[lot.sku, lot.location] = empty(ends)
        add(one, lot, max((today - lot.received).days, 0), ends)
    return found


def empty(ends: list[int]) -> Aged:
    """Nothing, in buckets."""
    return Aged([0] * (len(ends) + 1), [0] * (len(ends) + 1))


def add(one: Aged, lot: Lot, age: int, ends: list[int]) -> None:
    """Count a lot in."""
    place = bucket_of(age, ends)
    one.units[place] += lot.quantity
    one.quantity += lot.quantity
    one.age_sum += age * lot.quantity
    one.oldest = lot.received if one.oldest is None else min(one.oldest, lot.received)
    if lot.cost is None:
        one.unknown += lot.quantity
    else:
        one.values[place] += lot.quantity * lot.cost
        one.value += lot.quantity * lot.cost


def is_dead(quantity: int, idle_days: int | None, dead_after: int) -> bool:
    """Stock that lies there and has not sold for so long; `idle_days`: since the last sale, or since stock was known first."""
    return quantity > 0 and idle_days is not None and idle_days >= dead_after


def share(part: int, whole: int) -> float | None:
    """part / whole; None of nothing."""
    return part / whole if whole > 0 else None

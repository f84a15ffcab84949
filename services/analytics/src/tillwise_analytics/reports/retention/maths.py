"""Cells of cohorts: values, shares and their average. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from math import fsum
from typing import NamedTuple

Value = int | float


class Sums(NamedTuple):
    """What a cohort did in a period: customers who came back in it, customers who came back in it last, and all their orders
    and money (minor units).
    """

    customers: int = 0
    lasts: int = 0
    orders: int = 0
    sales: int = 0
    margin: int = 0


class Cell(NamedTuple):
    """A cell of an answer. The share is null where there is nothing to be a share of."""

    cohort: date
    group: str | None
    size: int
    offset: int
    value: Value
    share: float | None
    complete: bool


class Mean(NamedTuple):
    """The average of the complete cells of an offset, weighted by the size of their cohorts."""

    group: str | None
    offset: int
    share: float
    cohorts: int
    size: int


def amount(measure: str, history: Sequence[Sums], offset: int, *, or_later: bool) -> int:
    """What the measure counts in the period, or in it and all later ones. `history`: the cohort's periods from offset 0 on."""
    part = history[offset:] if or_later else history[offset : offset + 1]
    match measure:
        case "customers":
            # Who came back in the period or later is everyone whose last return lies there.
            return sum(sums.lasts if or_later else sums.customers for sums in part)
        case "revenue":
            return sum(sums.sales for sums in part)
    return sum(int(getattr(sums, measure)) for sums in part)


def value(measure: str, counted: int, size: int) -> Value:
    """The cell's value: orders are told per customer of the cohort."""
    return counted / size if measure == "orders" else counted


def share(measure: str, counted: int, at_first: int, size: int) -> float | None:
    """Customers of the cohort's size; all else of what the cohort did at offset 0."""
    whole = size if measure == "customers" else at_first
    return counted / whole if whole > 0 else None


def average(cells: Iterable[Cell]) -> list[Mean]:
    """The weighted average per group and offset, over the cells that are complete and have a share."""
    found: dict[tuple[str | None, int], list[tuple[float, int]]] = {}
    for cell in cells:
        if cell.complete and cell.share is not None:
            found.setdefault((cell.group, cell.offset), []).append((cell.share, cell.size))
    means = []
    for (group, offset), parts in found.items():
        size = sum(weight for _, weight in parts)
        means.append(Mean(group, offset, fsum(one * weight for one, weight in parts) / size, len(parts), size))
    return means

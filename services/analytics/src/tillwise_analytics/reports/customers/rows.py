"""The rows of an answer: segments, movements between them, customers. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from tillwise_analytics.reports.customers.maths import Sums, mean, share
from tillwise_analytics.reports.customers.segments import DESCRIBED, NOT_YET, SEGMENTS, named, segment


class Movement(NamedTuple):
    """Customers who came from one segment to another, and what they spent."""

    was: str
    now: str
    customers: int
    sales: int


def of_segments(segments: Mapping[str, Sums], total: Sums, *, costed: bool) -> list[list[Any]]:
    """A row per segment, best first."""
    return [
        [
            name, DESCRIBED[name].description, one.customers, share(one.customers, total.customers), one.sales,
            share(one.sales, total.sales), one.orders, mean(one.orders, one.customers), mean(one.sales, one.orders),
            mean(one.sales, one.customers), mean(one.days, one.customers), one.margin if costed else None,
        ]
        for name, one in segments.items()
    ]  # fmt: skip


def movements(found: Iterable[Mapping[str, Any]]) -> list[Movement]:
    """Movements between scores as movements between segments, in the order of the segments."""
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for row in found:
        key = named(row["was"]), named(row["is"])
        customers, sales = sums.get(key, (0, 0))
        sums[key] = customers + row["customers"], sales + row["sales"]
    order = {name: place for place, name in enumerate((*SEGMENTS, NOT_YET))}
    return [Movement(*key, *sums[key]) for key in sorted(sums, key=lambda key: (order[key[0]], order[key[1]]))]


def of_movements(found: list[Movement]) -> list[list[Any]]:
    """A row per movement; shares are of the segment that the customers come from, and of all sales."""
    came: dict[str, int] = {}
    for one in found:
        came[one.was] = came.get(one.was, 0) + one.customers
    sales = sum(one.sales for one in found)
    return [
        [one.was, one.now, one.was != one.now, one.customers, share(one.customers, came[one.was]), one.sales, share(one.sales, sales)]
        for one in found
    ]


def of_customers(found: Iterable[Mapping[str, Any]], as_of: date, *, costed: bool, compared: bool) -> list[list[Any]]:
    """A row per customer."""
    return [_of_customer(row, as_of, costed, compared) for row in found]


def _of_customer(row: Mapping[str, Any], as_of: date, costed: bool, compared: bool) -> list[Any]:
    return [
        row["customer_id"], segment(row["recency"], row["frequency"]), *([named(row["was"])] if compared else []),
        row["recency"], row["frequency"], row["monetary"], row["last_day"], (as_of - row["last_day"]).days, row["first_day"],
        row["orders"], row["sales"], mean(row["sales"], row["orders"]), row["margin"] if costed else None,
        row["channel"], row["country"], row["category"],
    ]  # fmt: skip


def moved(found: list[Movement]) -> dict[str, int]:
    """How many customers stayed where they were, moved, and are new."""
    new = sum(one.customers for one in found if one.was == NOT_YET)
    stayed = sum(one.customers for one in found if one.was == one.now)
    return {"stayed": stayed, "moved": sum(one.customers for one in found) - new - stayed, "new": new}

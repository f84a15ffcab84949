"""What cohorts brought so far, month by month since they came. No I/O, except for `fetch`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, NamedTuple

from tillwise_common.postgres.sql import load

SQL = load("tillwise_analytics.reports.ltv", "query.sql")


class Cell(NamedTuple):
    """What a cohort (the first day of the month in which its customers came) brought in a month; money in minor units."""

    cohort: date
    month: date
    newcomers: int
    sales: int
    margin: int


class Point(NamedTuple):
    """A cohort's sums from its first month to the one `offset` months later. `complete`: that month is over."""

    cohort: date
    customers: int
    offset: int
    sales: int
    margin: int
    complete: bool


async def fetch(connection: Any, store_id: int, basis: str, until: date | None) -> list[Cell]:
    """All cohorts of the store, with what they brought until a day; None: so far."""
    if until is None:
        rows = await connection.fetch(SQL.history, store_id, basis)
    else:
        rows = await connection.fetch(SQL.history_until, store_id, basis == "gross", until)
    return [Cell(row["cohort"], row["month"], row["newcomers"], row["sales"], row["margin"]) for row in rows]


def months_between(first: date, last: date) -> int:
    """From month to month."""
    return (last.year - first.year) * 12 + last.month - first.month


def curves(cells: list[Cell], until: date, known: date) -> list[Point]:
    """Each cohort from month 0 to the month of `until`, every month of it, also those without sales.

    What happened until `known` is known: a month is complete when that reaches its end.
    """
    by_cohort: dict[date, dict[int, Cell]] = defaultdict(dict)
    for cell in cells:
        by_cohort[cell.cohort][months_between(cell.cohort, cell.month)] = cell
    over = known >= _last_of_month(until)
    points = []
    for cohort, own in sorted(by_cohort.items()):
        customers, sales, margin = sum(cell.newcomers for cell in own.values()), 0, 0
        last = months_between(cohort, until)
        for offset in range(last + 1):
            if offset in own:
                sales, margin = sales + own[offset].sales, margin + own[offset].margin
            points.append(Point(cohort, customers, offset, sales, margin, offset < last or over))
    return points


def payback(points: list[Point], cost: int, value: Callable[[Point], float]) -> dict[date, int | None]:
    """In which month (0: the first) each cohort has brought back what its customers cost, and kept it; None: not yet.

    `value` tells a point's value in minor units. Refunds may take back what was earned: the month counts after which it stays.
    """
    found: dict[date, int | None] = {}
    for point in points:
        paid = value(point) >= cost * point.customers
        known = found.get(point.cohort)
        found[point.cohort] = (point.offset if known is None else known) if paid else None
    return found


def _last_of_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1) - timedelta(days=1)

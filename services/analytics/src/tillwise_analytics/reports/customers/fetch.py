"""What the customers report reads: from the histograms where they know it, else from the customers themselves."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

from tillwise_analytics.reports.customers import maths
from tillwise_analytics.reports.customers.maths import Cell, Concentration, Limits, Sums
from tillwise_analytics.reports.customers.params import Settled
from tillwise_analytics.reports.customers.segments import codes
from tillwise_analytics.reports.report import Context
from tillwise_common.postgres.sql import load

SQL = load("tillwise_analytics.reports.customers", "query.sql")


# Channel, country, category.
Filters = tuple[str | None, str | None, str | None]


class Standing(NamedTuple):
    """Whether the store has any data, whether it knows any cost, and the day as which the customers must be computed; None:
    nothing happened after the day asked for, so they are as they are.
    """

    anything: bool
    costed: bool
    past: date | None


class Known(NamedTuple):
    """All customers of the store at a day: the limits of their scores, how many they are, and the day of their last order."""

    limits: Limits
    customers: int
    last_order: date


class Found(NamedTuple):
    """All customers, and of those chosen the sums by scores of recency and frequency, and how unequal they are."""

    known: Known
    cells: dict[tuple[int, int], Sums]
    concentration: Concentration


async def standing(context: Context, as_of: date) -> Standing:
    """What there is to read."""
    row = await context.connection.fetchrow(SQL.standing, context.store.id, as_of)
    return Standing(row["anything"], row["costed"], as_of if row["later"] else None)


async def found(context: Context, asked: Settled, past: date | None) -> Found | None:
    """The customers at the day asked for; None when there are none."""
    if past is not None or asked.params.filtered:
        return await _computed(context, asked, past, _filters(asked))
    return await _kept(context, asked)


async def known_then(context: Context, asked: Settled, day: date) -> Known | None:
    """All customers at the end of an earlier day; None when there were none."""
    found = await _computed(context, asked, day, (None, None, None))
    return found.known if found else None


async def _kept(context: Context, asked: Settled) -> Found | None:
    """All customers as they are, from what is kept of how they spread."""
    fetch, who = context.connection.fetch, (context.store.id, asked.params.basis)
    rows = await fetch(SQL.spread, *who)
    if not rows:
        return None
    days = sorted(((row["last_day"], row["customers"]) for row in rows if row["part"] == "day"), reverse=True)
    orders = sorted((row["orders"], row["customers"]) for row in rows if row["part"] == "orders")
    bins = [maths.bin_of(*row) for row in await fetch(SQL.bins, *who)]
    customers = sum(one.customers for one in bins)
    places = [maths.locate(bins, place) for place in (*maths.value_places(customers), maths.top_place(customers))]
    ends = ([p.bin.low for p in places], [p.bin.high for p in places], [p.rest for p in places])
    *values, best = await fetch(SQL.places, *who, *ends)
    known = _known(days, orders, [row["spent"] for row in values])
    cells = _cells(await fetch(SQL.cells, *who, known.limits.recency, known.limits.frequency, asked.as_of))
    return Found(known, cells, maths.concentration(bins, maths.top_place(customers), places[-1].before + best["total"]))


async def _computed(context: Context, asked: Settled, past: date | None, filters: Filters) -> Found | None:
    """The customers at the end of a day, or some of them as they are, from all of them."""
    if past is not None:
        await context.connection.execute(SQL.read_all)
    rows = await context.connection.fetch(SQL.computed, context.store.id, asked.params.basis, past, *filters)
    of_kind: dict[str, list[Any]] = {"cell": [], "limit": [], "bin": [], "best": []}
    for row in rows:
        of_kind[row["kind"]].append(row)
    cells = [Cell(*row[1:]) for row in of_kind["cell"]]
    if not cells:
        return None
    known = _known(*maths.spread(cells), [row["sales"] for row in sorted(of_kind["limit"], key=_number)])
    bins = [maths.bin_of(row["number"], row["customers"], row["sales"]) for row in sorted(of_kind["bin"], key=_number, reverse=True)]
    (best,) = of_kind["best"]
    curve = maths.concentration(bins, best["customers"], best["sales"])
    return Found(known, maths.scored(cells, known.limits, asked.as_of), curve)


def _known(days: list[tuple[date, int]], orders: list[tuple[int, int]], values: list[int]) -> Known:
    limits = Limits(maths.fifths(days), maths.frequencies(orders), tuple(values))
    return Known(limits, sum(count for _, count in days), days[0][0])


def _number(row: Any) -> int:
    return int(row["number"])


def _cells(rows: Iterable[Any]) -> dict[tuple[int, int], Sums]:
    return {
        (row["recency"], row["frequency"]): Sums(row["customers"], row["orders"], row["sales"], row["margin"], row["days"]) for row in rows
    }


def _filters(asked: Settled) -> Filters:
    return asked.params.channel, asked.params.country, asked.params.category


async def moves(context: Context, asked: Settled, past: date | None, now: Limits, then: Limits) -> list[Any]:
    """How many came from which scores to which."""
    rows: list[Any] = await context.connection.fetch(
        SQL.moves, context.store.id, asked.params.basis, past, now.recency, now.frequency,
        asked.since, then.recency, then.frequency, *_filters(asked),
    )  # fmt: skip
    return rows


async def listed(context: Context, asked: Settled, past: date | None, now: Limits, then: Limits | None) -> list[Any]:
    """The customers asked for, as many as are listed; each row says how many there are."""
    params = asked.params
    recency, frequency = (then.recency, then.frequency) if then else ((), ())
    rows: list[Any] = await context.connection.fetch(
        SQL.listed, context.store.id, params.basis, past, now.recency, now.frequency, now.monetary,
        asked.since if then else None, recency, frequency, *_filters(asked),
        codes(params.segment) if params.segment else None, codes(params.previous) if params.previous else None, params.sort, params.limit,
    )  # fmt: skip
    return rows

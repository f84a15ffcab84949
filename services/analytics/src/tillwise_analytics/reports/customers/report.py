"""Who are the customers? Segments by recency and frequency, who moved between them, and how few make most of the sales."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from tillwise_analytics.reports.customers import chart, fetch, maths, rows
from tillwise_analytics.reports.customers.columns import OF_CUSTOMER, OF_MOVED_CUSTOMER, OF_MOVEMENT, OF_SEGMENT, OFFERED, columns
from tillwise_analytics.reports.customers.fetch import Found, Standing
from tillwise_analytics.reports.customers.maths import Limits, Sums
from tillwise_analytics.reports.customers.notes import nobody, notes
from tillwise_analytics.reports.customers.params import CustomersParams, Settled
from tillwise_analytics.reports.report import Context, Report
from tillwise_common.contracts.reports import ReportAnswer

# Of a day when there were no customers yet.
NOBODY = Limits((), (), ())


class Part(NamedTuple):
    """What an answer has of its level: rows, charts, and what is added to the totals and put before the notes."""

    rows: list[list[Any]]
    charts: list[dict[str, Any]]
    totals: dict[str, Any]
    notes: tuple[str, ...] = ()


async def run(context: Context, params: CustomersParams) -> ReportAnswer:
    """The answer. Raises InvalidParameters for what does not go together."""
    asked = params.settled(context.now.date())
    standing = await fetch.standing(context, asked.as_of)
    found = await fetch.found(context, asked, standing.past)
    if found is None:
        return _answer(context, asked, Part([], [], {}), _totals({}, None, costed=False), nobody(asked, anything=standing.anything))
    segments = maths.by_segment(found.cells)
    total = _sum(segments)
    part = await _part(context, asked, standing, found, segments, total)
    said = notes(asked, found.known, total.customers, costed=standing.costed)
    return _answer(context, asked, part, _totals(segments, found, costed=standing.costed), said)


async def _part(context: Context, asked: Settled, standing: Standing, found: Found, segments: dict[str, Sums], total: Sums) -> Part:
    if asked.level == "segment":
        charts = chart.of_segments(segments, found.cells, found.concentration)
        return Part(rows.of_segments(segments, total, costed=standing.costed), charts, {})
    then = None
    if asked.since is not None:
        known = await fetch.known_then(context, asked, asked.since)
        then = known.limits if known else NOBODY
    if asked.level == "movement":
        assert then is not None
        moves = rows.movements(await fetch.moves(context, asked, standing.past, found.known.limits, then))
        return Part(rows.of_movements(moves), chart.of_movements(moves), {"movement": rows.moved(moves)})
    return await _list(context, asked, standing, found.known.limits, then)


async def _list(context: Context, asked: Settled, standing: Standing, now: Limits, then: Limits | None) -> Part:
    found = await fetch.listed(context, asked, standing.past, now, then)
    there = found[0]["found"] if found else 0
    cut = (f"{len(found)} of {there} customers are listed; limit shows more.",) if there > len(found) else ()
    listed = rows.of_customers(found, asked.as_of, costed=standing.costed, compared=then is not None)
    return Part(listed, [], {"listed_of": there}, cut)


def _sum(segments: dict[str, Sums]) -> Sums:
    total = Sums()
    for one in segments.values():
        total = total.plus(one)
    return total


def _totals(segments: dict[str, Sums], found: Found | None, *, costed: bool) -> dict[str, Any]:
    """What holds for all customers chosen, whatever the level."""
    total, best = _sum(segments), found.concentration if found else None
    return {
        "customers": total.customers,
        "orders": total.orders,
        "sales": total.sales,
        "margin": total.margin if costed else None,
        "last_order": found.known.last_order if found else None,
        "limits": found.known.limits._asdict() if found else None,
        "concentration": {
            "top_share": 1 / maths.TOP_SHARE,
            "customers": best.customers if best else 0,
            "sales": best.sales if best else 0,
            "share": best.share if best else None,
            "gini": best.gini if best else None,
        },
    }


def _answer(context: Context, asked: Settled, part: Part, totals: dict[str, Any], said: list[str]) -> ReportAnswer:
    names = {"segment": OF_SEGMENT, "movement": OF_MOVEMENT, "customer": OF_CUSTOMER if asked.since is None else OF_MOVED_CUSTOMER}
    return context.answer(
        "customers",
        asked.params,
        None,
        columns=columns(names[asked.level], context.store.currency),
        rows=part.rows,
        totals=totals | part.totals,
        charts=part.charts,
        notes=[*part.notes, *said],
    )


def _day(params: CustomersParams, now: datetime) -> str:
    return str(params.as_of or now.date())


REPORT = Report(
    name="customers",
    title="Customers",
    description="Who the customers are: segments by recency and frequency (RFM), how they move, and how few make most of the sales.",
    params=CustomersParams,
    run=run,
    columns=OFFERED,
    needs=("customers",),
    as_of=_day,
)

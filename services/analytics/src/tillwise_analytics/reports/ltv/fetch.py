"""Where an answer comes from: last night's refit, a fit made now, or, where neither can be, what customers brought so far."""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import msgspec

from tillwise_analytics.calculator import Calculator, NotReady, TooSlow
from tillwise_analytics.reports.ltv import history, work
from tillwise_analytics.reports.ltv.params import DEFAULT_OUTLOOK, LtvParams
from tillwise_analytics.reports.ltv.terms import Asked, Customer, Group, Model, Span, Told
from tillwise_analytics.reports.periods import DAY
from tillwise_analytics.reports.report import Context
from tillwise_common.postgres.sql import load

SQL = load("tillwise_analytics.reports.ltv", "query.sql")
EPOCH = date(1970, 1, 1)
# Up to so many customers are fitted while somebody waits; a store with more waits for its refit.
MOST_ON_DEMAND = 50_000
# Fits are checked on what they were not shown: where nothing came later, on the last part of the span.
CHECKED_PART = 1 / 3
SHORTEST_CHECK_DAYS = 21
# Of the time that somebody waits, what a fit may take; the rest is for saying that it took too long.
PATIENCE = 0.7
MOST_CACHED = 32


class Extent(NamedTuple):
    """The days of the store's first and last order, how many customers it has, and until which day all this was looked at."""

    first: date
    last: date
    customers: int
    seen: date


class Found(NamedTuple):
    """What was told, when it was fitted (None: it could not be), and notes about that."""

    told: Told
    fitted_at: datetime | None
    notes: list[str]


# Fits that were made on demand, by who made them; they hold as long as the store's version does.
_made: WeakKeyDictionary[Calculator, OrderedDict[Any, Found]] = WeakKeyDictionary()


def number(day: date) -> int:
    """A day as the computation counts it."""
    return (day - EPOCH).days


def day(number: int) -> date:
    """The day behind a number."""
    return EPOCH + timedelta(days=number)


async def extent(connection: Any, store_id: int, gross: bool, today: date) -> Extent | None:
    """Until yesterday, since today is not over; until today where there is nothing before. None: no orders."""
    for last in (today - DAY, today):
        row = await connection.fetchrow(SQL.span, store_id, gross, last)
        if row["first"] is not None:
            return Extent(row["first"], row["last"], row["customers"], seen=last)
    return None


async def find(context: Context, params: LtvParams, known: Extent) -> Found:
    """What the models say."""
    connection, store_id = context.connection, context.store.id
    state = await connection.fetchrow(SQL.state, store_id)
    version = None if state is None else state["version"]
    stored = await connection.fetchrow(SQL.model, store_id, params.basis)
    if stored is not None:
        model = msgspec.json.decode(stored["model"], type=Model)
        current = stored["data_version"] == version or known.customers > MOST_ON_DEMAND
        if current and (params.fit_until is None or number(params.fit_until) == model.fit_until):
            return Found(await _from_stored(context, params, model), stored["fitted_at"], [])
    if known.customers > MOST_ON_DEMAND:
        return await _so_far(context, params, known, _not_ready(known.customers, params))
    try:
        return await _on_demand(context, params, known, state)
    except NotReady:
        # Soon it will be: better asked again than answered without a model.
        raise
    except TooSlow:
        return await _so_far(context, params, known, "Fitting the model took too long. What customers brought so far is shown instead.")


def _not_ready(customers: int, params: LtvParams) -> str:
    what = "is fitted every night, not for a day of your choice" if params.fit_until else "will be fitted in the coming night"
    return f"With {customers:,} customers the model {what}. What they brought so far is shown instead."


async def _from_stored(context: Context, params: LtvParams, model: Model) -> Told:
    connection, store_id, basis = context.connection, context.store.id, params.basis
    as_fitted = params.outlook() == DEFAULT_OUTLOOK and params.from_ is None and params.to is None
    if not as_fitted or (params.level == "customer" and params.sort != "value"):
        copied = await copy(connection, SQL.fitted_customers, store_id, basis)
        return await context.calculate(work.tell, model, copied, _asked(params))
    whole = params.level == "customer" or (params.level == "segment" and model.purchases is None)
    level = "store" if whole else params.level
    groups = [Group(*row) for row in await connection.fetch(SQL.groups, store_id, basis, level)]
    customers = []
    if params.level == "customer":
        customers = [Customer(*row) for row in await connection.fetch(SQL.best, store_id, basis, params.limit)]
    return Told(model, groups, customers, model.customers)


async def _on_demand(context: Context, params: LtvParams, known: Extent, state: Any) -> Found:
    key = (context.store.id, tuple(state or ()), known, msgspec.json.encode(params))
    made = _made.setdefault(context.calculator, OrderedDict())
    if key in made:
        made.move_to_end(key)
        return made[key]
    spans = await spans_to_fit(context.connection, context.store.id, params.basis == "gross", params.fit_until, known)
    seconds = max(1.0, context.left() * PATIENCE)
    told = await context.calculator.run(seconds, work.fit_and_tell, *spans, _asked(params))
    found = Found(told, context.now.astimezone(UTC), ["The models were fitted for this question."])
    made[key] = found
    while len(made) > MOST_CACHED:
        made.popitem(last=False)
    return found


def _asked(params: LtvParams) -> Asked:
    first, last = (None if day is None else number(day) for day in (params.from_, params.to))
    return Asked(params.level, params.outlook(), first, last, params.sort, params.limit)


async def spans_to_fit(connection: Any, store_id: int, gross: bool, fit_until: date | None, known: Extent) -> tuple[Span, Span | None]:
    """The span to fit, and the shorter one whose model is tried on the rest (None: what came after the span does that)."""
    until = fit_until or known.last
    later = max(until, known.last)
    # What came back since the last order is off what customers brought; of a day of one's own, what they had brought then.
    paid = fit_until or known.seen
    days = (until - known.first).days
    if later > until or days * CHECKED_PART < SHORTEST_CHECK_DAYS:
        return await _span(connection, store_id, gross, until, later, paid), None
    shorter = until - timedelta(days=round(days * CHECKED_PART))
    # Purchases day by day are what a check needs.
    whole = Span(number(until), number(later), await copy(connection, SQL.customers, store_id, gross, until, later, paid))
    return whole, await _span(connection, store_id, gross, shorter, until, shorter)


async def _span(connection: Any, store_id: int, gross: bool, until: date, later: date, paid: date) -> Span:
    copied = await copy(connection, SQL.customers, store_id, gross, until, later, paid)
    repeats = await connection.fetch(SQL.repeats, store_id, gross, until, later)
    return Span(number(until), number(later), copied, [(row["day"], row["repeats"]) for row in repeats])


async def copy(connection: Any, query: str, *args: Any) -> bytes:
    """The rows of a query as COPY writes them: for many rows, a fraction of the work that records are."""
    parts: list[bytes] = []

    async def take(part: bytes) -> None:
        parts.append(part)

    await connection.copy_from_query(query, *args, output=take)
    return b"".join(parts)


async def _so_far(context: Context, params: LtvParams, known: Extent, why: str) -> Found:
    """Without a model: sums of what is known. There are no segments, and no list of customers, who have no order of value then."""
    until = params.fit_until or known.last
    cells = await history.fetch(context.connection, context.store.id, params.basis, params.fit_until)
    by_cohort: dict[str, Group] = {}
    for cell in cells:
        key = cell.cohort.isoformat()[:7] if params.level == "cohort" else ""
        if (params.from_ is None or cell.cohort >= params.from_.replace(day=1)) and (params.to is None or cell.cohort <= params.to):
            known_of = by_cohort.get(key, Group(key, 0, None, 0, 0))
            by_cohort[key] = known_of._replace(
                customers=known_of.customers + cell.newcomers, sales=known_of.sales + cell.sales, margin=known_of.margin + cell.margin
            )
    groups = list(by_cohort.values())
    customers = sum(group.customers for group in groups)
    model = Model(number(until), number(known.first), customers, warnings=(why,))
    return Found(Told(model, groups, [], customers), None, [])

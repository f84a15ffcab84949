"""What lies in stock at the day asked for: as it is kept, or replayed up to an earlier day."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from tillwise_analytics.reports.periods import DAY, midnight, week_begin
from tillwise_analytics.reports.report import Context
from tillwise_analytics.reports.stock_ageing.maths import Lot
from tillwise_analytics.reports.stock_ageing.params import StockAgeingParams
from tillwise_analytics.stock.settle import by_product, replay
from tillwise_analytics.stock.state import Layer, State, Tally
from tillwise_common.postgres.sql import load

SQL = load("tillwise_analytics.reports.stock_ageing", "query.sql")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# So many products are replayed from one reading.
AT_ONCE = 500


class Level(NamedTuple):
    """A product, or one of its places: units on hand (below zero where more left than came) and on their way, since when its stock is
    known, and when it sold last.
    """

    sku: str
    location: str | None
    on_hand: int
    in_transit: int | None
    since: date | None
    last_sale: date | None
    name: str | None
    category: str | None


@dataclass
class Stock:
    """All that is asked for."""

    levels: list[Level] = field(default_factory=list)
    lots: list[Lot] = field(default_factory=list)


async def stock_of(context: Context, params: StockAgeingParams, day: date) -> Stock:
    """The stock at the end of `day`."""
    return await _now(context, params) if day >= context.now.date() else await _then(context, params, day)


async def _now(context: Context, params: StockAgeingParams) -> Stock:
    fetch, store, zone = context.connection.fetch, context.store.id, context.store.timezone
    places = params.places()
    lots = await fetch(SQL.lots, store, zone, places, params.sku, params.location, params.category)
    if places:
        levels = await fetch(SQL.place_levels, store, zone, params.sku, params.category, params.location)
    else:
        levels = await fetch(SQL.levels, store, zone, params.sku, params.category)
    return Stock([Level(*level) for level in levels], [Lot(*lot) for lot in lots])


async def _then(context: Context, params: StockAgeingParams, day: date) -> Stock:
    """Replayed from the movements: as long as the history is."""
    connection, store = context.connection, context.store.id
    # The statements of the stock name its tables without their schema.
    await connection.execute("set local search_path = analytics")
    known = {row["sku"]: row for row in await connection.fetch(SQL.products, store, params.sku, params.category)}
    ends = (midnight(day + DAY, context.zone) - EPOCH) // timedelta(microseconds=1)
    found, skus = Stock(), list(known)
    orders = {row["sku"]: row["day"] for row in await connection.fetch(SQL.last_orders, store, skus, day)}
    for begin in range(0, len(skus), AT_ONCE):
        part: list[tuple[str, datetime | None]] = [(sku, None) for sku in skus[begin : begin + AT_ONCE]]
        async for sku, movements in by_product(connection, store, part):
            before = [movement for movement in movements if movement.at < ends]
            if before:
                state = (await replay(State(), before, lambda one: week_begin(one, context.store.week_start), places=False)).state
                _add(context, params, found, state, known[sku], orders.get(sku))
    return found


def _add(context: Context, params: StockAgeingParams, found: Stock, state: State, about: Any, ordered: date | None) -> None:
    sku, told = about["sku"], (about["name"], about["category"])
    if not params.places():
        sold = max((one for one in (_day(context, state.total.last_sale), ordered) if one is not None), default=None)
        found.levels.append(_level(context, sku, None, state.total, sold, told))
        for layers in (*(place.layers for place in state.places.values()), state.transit):
            found.lots += _lots(context, sku, None, layers)
        return
    for location, place in state.places.items():
        if params.location is None or location == params.location:
            found.levels.append(_level(context, sku, location, place.tally, _day(context, place.tally.last_sale), told))
            found.lots += _lots(context, sku, location, place.layers)


def _level(context: Context, sku: str, location: str | None, tally: Tally, sold: date | None, told: tuple[str | None, str | None]) -> Level:
    in_transit = tally.in_transit if location is None else None
    return Level(sku, location, tally.on_hand, in_transit, _day(context, tally.since), sold, *told)


def _lots(context: Context, sku: str, location: str | None, layers: list[Layer]) -> list[Lot]:
    return [Lot(sku, location, _moment(layer.at).astimezone(context.zone).date(), layer.quantity, layer.cost) for layer in layers]


def _day(context: Context, at: int | None) -> date | None:
    return None if at is None else _moment(at).astimezone(context.zone).date()


def _moment(at: int) -> datetime:
    return EPOCH + timedelta(microseconds=at)

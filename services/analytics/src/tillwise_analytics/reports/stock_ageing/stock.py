"""What lies in stock at the day asked for: as it is kept, or replayed up to an earlier day."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from tillwise_analytics.reports.periods import DAY, midnight
from tillwise_analytics.reports.report import Context
from tillwise_analytics.reports.stock_ageing.maths import Pile
from tillwise_analytics.reports.stock_ageing.params import StockAgeingParams
from tillwise_analytics.stock.ahead import micros, skus_ahead, states_at
from tillwise_analytics.stock.rows import columns_of, moment
from tillwise_analytics.stock.state import Layer, State, Tally
from tillwise_common.postgres.sql import load

SQL = load("tillwise_analytics.reports.stock_ageing", "query.sql")
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
    piles: list[Pile] = field(default_factory=list)


async def stock_of(context: Context, params: StockAgeingParams, day: date) -> Stock:
    """The stock at the end of `day`; now, where it is today."""
    if day < context.now.date():
        return await _replayed(context, params, day, micros(midnight(day + DAY, context.zone)) - 1, None)
    # What is dated ahead of now is not there yet.
    later = await skus_ahead(context.connection, context.store, context.now, params.sku)
    found = await _kept(context, params, later)
    if later:
        then = await _replayed(context, params, day, micros(context.now), later)
        return Stock(found.levels + then.levels, found.piles + then.piles)
    return found


async def _kept(context: Context, params: StockAgeingParams, left_out: list[str]) -> Stock:
    fetch, store, zone = context.connection.fetch, context.store.id, context.store.timezone
    places = params.places()
    layers = await fetch(SQL.layers, store, places, params.sku, params.location, params.category, left_out)
    if places:
        levels = await fetch(SQL.place_levels, store, zone, params.sku, params.category, left_out, params.location)
    else:
        levels = await fetch(SQL.levels, store, zone, params.sku, params.category, left_out)
    return Stock([Level(*level) for level in levels], [Pile(*pile) for pile in layers])


async def _replayed(context: Context, params: StockAgeingParams, day: date, until: int, only: list[str] | None) -> Stock:
    """Replayed from the movements up to a moment of `day`: as long as the history is."""
    connection, store = context.connection, context.store
    known = {row["sku"]: row for row in await connection.fetch(SQL.products, store.id, params.sku, params.category, only)}
    found, skus = Stock(), list(known)
    orders = {row["sku"]: row["day"] for row in await connection.fetch(SQL.last_orders, store.id, skus, day)}
    for begin in range(0, len(skus), AT_ONCE):
        for sku, state in (await states_at(connection, store, skus[begin : begin + AT_ONCE], until)).items():
            _add(context, params, found, state, known[sku], orders.get(sku))
    return found


def _add(context: Context, params: StockAgeingParams, found: Stock, state: State, about: Any, ordered: date | None) -> None:
    sku, told = about["sku"], (about["name"], about["category"])
    if not params.places():
        sold = max((one for one in (_day(context, state.total.last_sale), ordered) if one is not None), default=None)
        found.levels.append(_level(context, sku, None, state.total, sold, told))
        for layers in (*(place.layers for place in state.places.values()), state.transit):
            found.piles += _piles(sku, None, layers)
        return
    for location, place in state.places.items():
        if params.location is None or location == params.location:
            found.levels.append(_level(context, sku, location, place.tally, _day(context, place.tally.last_sale), told))
            found.piles += _piles(sku, location, place.layers)


def _level(context: Context, sku: str, location: str | None, tally: Tally, sold: date | None, told: tuple[str | None, str | None]) -> Level:
    in_transit = tally.in_transit if location is None else None
    return Level(sku, location, tally.on_hand, in_transit, _day(context, tally.since), sold, *told)


def _piles(sku: str, location: str | None, layers: list[Layer]) -> list[Pile]:
    if not layers:
        return []
    received, _, quantities, costs = columns_of(layers)
    return [Pile(sku, location, received, quantities, costs)]


def _day(context: Context, at: int | None) -> date | None:
    return None if at is None else moment(at).astimezone(context.zone).date()

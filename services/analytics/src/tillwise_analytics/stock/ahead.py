"""Movements that are dated ahead: they are kept, and count when their time has come. Until then a product is what it was before."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson

from tillwise_analytics.reports.periods import week_begin
from tillwise_analytics.stock.rows import EPOCH, SQL, TABLES, of_place, of_product
from tillwise_analytics.stock.settle import by_product, replay
from tillwise_analytics.stock.state import State
from tillwise_common.contracts.stores import Store


class Ahead(NamedTuple):
    """Products of which something is dated ahead, and, as JSON, the rows that stand for those of stock_skus and stock_levels."""

    skus: list[str]
    products: str
    places: str


NONE = Ahead([], "[]", "[]")


async def skus_ahead(connection: Any, store: Store, now: datetime, sku: str | None) -> list[str]:
    """The products that have movements after `now`; `sku`: only whether this one has."""
    return [row["sku"] for row in await connection.fetch(SQL.ahead, store.id, now, sku)]


async def states_at(connection: Any, store: Store, skus: list[str], until: int) -> dict[str, State]:
    """The products replayed up to and with a moment in microseconds; those without anything until then are left out."""
    # The statements of the stock name its tables without their schema.
    await connection.execute("set local search_path = analytics")
    found = {}
    async for sku, movements in by_product(connection, store.id, [(sku, None) for sku in skus]):
        before = [movement for movement in movements if movement.at <= until]
        if before:
            found[sku] = (await replay(State(), before, lambda day: week_begin(day, store.week_start), places=False)).state
    return found


async def ahead_of(connection: Any, store: Store, now: datetime, sku: str | None) -> Ahead:
    """What stands now for products of which something is dated ahead."""
    skus = await skus_ahead(connection, store, now, sku)
    if not skus:
        return NONE
    states = await states_at(connection, store, skus, micros(now))
    products = [of_product(sku, state) for sku, state in states.items()]
    places = [of_place(sku, location, place) for sku, state in states.items() for location, place in state.places.items()]
    return Ahead(skus, _json("stock_skus", products), _json("stock_levels", places))


def micros(moment: datetime) -> int:
    """A moment as movements tell it."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def _json(table: str, rows: list[Any]) -> str:
    return orjson.dumps([dict(zip(TABLES[table], row, strict=True)) for row in rows]).decode()

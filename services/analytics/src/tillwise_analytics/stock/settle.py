"""Brings the stock tables up to date for the products in tw_settling: what came in order continues the saved state, and what came late
replays the product's history.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, NamedTuple

from tillwise_analytics.stock import state as states
from tillwise_analytics.stock.engine import Replay
from tillwise_analytics.stock.movement import Movement, in_order
from tillwise_analytics.stock.rows import SQL, Rows
from tillwise_analytics.stock.state import State

# So many rows come at once, and so many movements are replayed before others get their turn.
STRIDE = 2_000


class Waiting(NamedTuple):
    """A product to settle: the state to go on from and the moment after which to go on; from the beginning where it is None."""

    sku: str
    state: State
    after: datetime | None


async def settle_stock(connection: Any, store_id: int) -> None:
    """Settle the products in tw_settling, inside the transaction of the settling."""
    waiting = [
        Waiting(row["sku"], State() if row["after"] is None else states.decode(row["state"]), row["after"])
        for row in await connection.fetch(SQL.waiting, store_id)
    ]
    again = await _settle(connection, store_id, waiting)
    if again:
        await _settle(connection, store_id, again)


async def _settle(connection: Any, store_id: int, waiting: list[Waiting]) -> list[Waiting]:
    """Settle these; returns those that must be replayed from the beginning after all."""
    rows, again = Rows(store_id), []
    known = {one.sku: one for one in waiting}
    async for sku, movements in by_product(connection, store_id, [(one.sku, one.after) for one in waiting]):
        one = known[sku]
        places = {*one.state.places, *(movement.location for movement in movements)}
        if one.after is not None and len(one.state.places) == 1 and len(places) > 1:
            # Days of places are kept where there is more than one: those of the first one are told now.
            again.append(Waiting(sku, State(), None))
        else:
            rows.add(sku, await replay(one.state, movements, places=len(places) > 1), continued=one.after is not None)
    await rows.write(connection)
    return again


async def by_product(
    connection: Any, store_id: int, products: list[tuple[str, datetime | None]]
) -> AsyncIterator[tuple[str, list[Movement]]]:
    """The movements of these products after the given moments (None: all), in order; products without any are left out."""
    timezone = await connection.fetchval("select timezone from analytics.stores where id = $1", store_id)
    skus, after = [sku for sku, _ in products], [moment for _, moment in products]
    sku, movements = None, list[Movement]()
    async for row in connection.cursor(SQL.movements, store_id, skus, after, timezone, prefetch=STRIDE):
        if row["sku"] != sku:
            if sku is not None:
                yield sku, in_order(movements)
            sku, movements = row["sku"], []
        movements.append(Movement(*row[1:]))
    if sku is not None:
        yield sku, in_order(movements)


async def replay(state: State, movements: list[Movement], *, places: bool) -> Replay:
    """Carry a state on, with pauses in which others get their turn."""
    found = Replay(state, places=places)
    for begin in range(0, len(movements), STRIDE):
        found.feed(movements[begin : begin + STRIDE])
        await asyncio.sleep(0)
    return found.end()

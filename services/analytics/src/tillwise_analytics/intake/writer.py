"""One transaction: facts stored once, rollups in step, all or nothing."""

from __future__ import annotations

from typing import Any, NamedTuple

from tillwise_analytics.intake.rows import EVENT_COLUMNS, LINE_COLUMNS, Staged
from tillwise_analytics.rollups import roll
from tillwise_analytics.settling import customers, domain
from tillwise_common import logs, request_id
from tillwise_common.postgres.pool import Postgres
from tillwise_common.postgres.sql import load

SQL = load("tillwise_analytics.intake", "store.sql")
ORDERS = {"OrderPlaced", "OrderRefunded", "OrderCancelled"}
log = logs.get("intake")


class Committed(NamedTuple):
    """What a commit did: events that were new, repeats of known ones, and ids that were used twice."""

    stored: int
    repeated: int
    conflicts: int


# Derived tables are named without their schema: see store.sql.
SEARCH_PATH = "analytics, public"
# Statements are planned once per session, perhaps while the tables are still empty; a batch always wants the index.
OPTIONS = {"enable_seqscan": "off"}


async def prepare_session(connection: Any) -> None:
    """Give a new connection its staging tables. Its search path must be SEARCH_PATH."""
    for statements in (SQL.session, domain.SQL.session, customers.SQL.session):
        await connection.execute(statements)


class Writer:
    """Stores staged events."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def commit(self, staged: Staged) -> Committed:
        """Store and roll up in one transaction. What was stored before is left alone, so repeats do no harm.

        Facts are added before the store is locked, so that two transactions of a store overlap. They cannot wait for
        each other in a circle: events are inserted in the order of their keys, and whoever has the lock is past that.
        """
        async with self._postgres.acquire(timeout=30) as connection, connection.transaction():
            await _stage(connection, staged)
            await connection.execute(SQL.sign, f"tillwise-intake {request_id.current.get()}"[:63])
            stored, conflicts = await _add_facts(connection, staged)
            if stored:
                await connection.execute(SQL.lock_stores, list(staged.stores))
                await _know_stores(connection, staged)
                await _derive(connection, staged)
                await connection.execute(SQL.new_version, list(staged.stores))
        return Committed(stored, len(staged) - stored + staged.repeats, conflicts + staged.conflicts)


async def _stage(connection: Any, staged: Staged) -> None:
    await connection.copy_records_to_table("tw_events", records=staged.events, columns=EVENT_COLUMNS)
    if staged.lines:
        await connection.copy_records_to_table("tw_lines", records=staged.lines, columns=LINE_COLUMNS)


async def _add_facts(connection: Any, staged: Staged) -> tuple[int, int]:
    stored = _count(await connection.execute(SQL.add_events))
    conflicts: list[Any] = []
    if stored < len(staged):
        await connection.execute(SQL.find_stale)
        conflicts = await connection.fetch(SQL.conflicts)
        for row in conflicts[:10]:
            log.warning("event_id_used_twice", store=row["store_id"], event_id=row["event_id"])
        await connection.execute(SQL.drop_stale_events)
        await connection.execute(SQL.drop_stale_lines)
    if staged.lines:
        await connection.execute(SQL.add_lines)
    return stored, len(conflicts)


async def _know_stores(connection: Any, staged: Staged) -> None:
    """Entries are counted in the store's timezone, so the store comes before the rollups."""
    for store in staged.stores.values():
        await connection.execute(SQL.know_store, store.id, store.name, store.currency, store.timezone, store.week_start)


async def _derive(connection: Any, staged: Staged) -> None:
    """Current state and rollups of what the staged events are about."""
    new, touched = await _find_orders(connection, staged)
    if touched:
        await roll.before(connection)
    for about, statements in STATE:
        if about & staged.kinds:
            for statement in statements:
                await connection.execute(statement)
    if new or touched:
        await roll.after(connection, new=bool(new), touched=bool(touched))


async def _find_orders(connection: Any, staged: Staged) -> tuple[int, int]:
    """How many orders are new and are put in at once, and how many may contribute to the sums already."""
    kinds = staged.kinds
    described = "ProductUpdated" in kinds
    # What a product says of itself decides what its orders add to the sums: beside such news every order is looked up.
    new = 0 if described or "OrderPlaced" not in kinds else _count(await connection.execute(SQL.put_new_orders, list(staged.told_twice)))
    touched = _count(await connection.execute(SQL.touch_orders)) if kinds & ORDERS and new < len(staged) else 0
    if described:
        touched += _count(await connection.execute(SQL.touch_recategorised))
        touched += _count(await connection.execute(SQL.touch_recosted))
    return new, touched


def _count(status: str) -> int:
    """How many rows a statement put in."""
    return int(status.rpartition(" ")[2])


# Which statements bring the state of things up to date after which kinds of events.
STATE: tuple[tuple[set[str], tuple[str, ...]], ...] = (
    ({"ProductUpdated"}, (SQL.put_products, SQL.put_product_costs)),
    ({"CustomerUpdated"}, (SQL.put_customers,)),
    ({"OrderPlaced"}, (SQL.put_orders, SQL.put_seen_names)),
    ({"OrderCancelled"}, (SQL.put_cancellations,)),
    ({"OrderRefunded"}, (SQL.put_refunds,)),
    ({"StockMoved", "StockCounted", "ProductUpdated"}, (SQL.note_stock,)),
)

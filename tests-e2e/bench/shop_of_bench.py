"""A believable shop with as many order lines as wanted, written into the facts by SQL and rolled up by `rebuild`.

About 2.5 lines an order; 4,000 products whose popularity falls as Zipf found, in 20 categories; 4 channels, 20 countries; some ten
orders a customer, most of them by few, one in five without a name; three years with growth, season and weekdays; 2 % of
orders cancelled, 4 % refunded; costs of goods, and a stock whose movements follow the sales. The same number of lines
always makes the same shop.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import asyncpg

from tillwise_analytics.rollups.answering import SESSION
from tillwise_analytics.rollups.rebuild import rebuild
from tillwise_common.contracts.stores import Store
from tillwise_common.postgres.sql import blocks

SQL = blocks(Path(__file__).with_name("shop_of_bench.sql").read_text("utf-8"))
STORE = Store(id=1, name="bench", currency="EUR", timezone="Europe/Berlin")
FIRST, LAST = date(2023, 7, 1), date(2026, 6, 30)
# What time it is for reports: a moment after the last event.
NOW = datetime(2026, 6, 30, 10, 0, 1, tzinfo=UTC)
LINES_AN_ORDER = 2.5
LINES_A_CUSTOMER = 25
MADE = ("dice", "days", "products", "orders")
FACTS = (
    "add_store", "add_products", "add_customers", "add_orders", "add_order_lines", "add_cancellations", "add_refunds", "add_refund_lines",
    "sold", "add_stock_sales", "add_receipts", "add_counts",
)  # fmt: skip
# What the planner should know about before it goes on.
ANALYZED = {"orders": "made", "add_order_lines": "analytics.event_lines", "sold": "sold"}
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Size:
    """How large the shop is."""

    lines: int

    def names(self) -> dict[str, Any]:
        """What stands in the braces of the statements."""
        return {
            "orders": round(self.lines / LINES_AN_ORDER),
            "customers": max(self.lines // LINES_A_CUSTOMER, 1),
            "products": max(min(4_000, self.lines // 40), 20),
            "first": FIRST, "last": LAST, "store": STORE.id, "name": STORE.name, "zone": STORE.timezone,
        }  # fmt: skip


async def fill(url: str, lines: int, tell: Tell = print) -> None:
    """Make the shop's facts in a migrated, empty database, and what is derived from them."""
    await add_facts(url, lines, tell)
    await derive(url, tell)


async def add_facts(url: str, lines: int, tell: Tell = print) -> None:
    """The facts alone."""
    session = {"timezone": "UTC", "work_mem": "256MB", "synchronous_commit": "off", "maintenance_work_mem": "512MB", "jit": "off"}
    connection = await asyncpg.connect(url, server_settings=session)
    names = Size(lines).names()
    try:
        # Made once at the end, in order, instead of row by row.
        indexes = await connection.fetch(SQL.secondary_indexes)
        for index in indexes:
            await connection.execute(f"drop index {index['name']}")
        for step in (*MADE, *FACTS):
            began = time.perf_counter()
            statements = getattr(SQL, step).format(**names)
            done = await connection.execute(statements)
            if table := ANALYZED.get(step):
                await connection.execute(f"analyze {table}")
            tell(f"    {step:<20} {done:<20} {time.perf_counter() - began:8.1f} s")
        for index in indexes:
            await connection.execute(index["definition"])
        await connection.execute("analyze analytics.events, analytics.event_lines")
    finally:
        await connection.close()


async def derive(url: str, tell: Tell = print) -> None:
    """Everything that is derived, by the statements of the intake itself; and the statistics that autovacuum would gather."""
    connection = await asyncpg.connect(url, server_settings=SESSION)
    try:
        began = time.perf_counter()
        found = await rebuild(connection, STORE.id, check=False)
        tell(f"    {'rebuild':<20} {found.orders:<20,} {time.perf_counter() - began:8.1f} s")
        began = time.perf_counter()
        tables = await connection.fetch("select tablename from pg_tables where schemaname = 'analytics'")
        for table in tables:
            await connection.execute(f"vacuum (analyze) analytics.{table['tablename']}")
        tell(f"    {'vacuum analyze':<20} {'':<20} {time.perf_counter() - began:8.1f} s")
    finally:
        await connection.close()

"""Rebuild: what the facts of a store say, computed afresh by the statements that the intake runs.

The derived tables get temporary twins under their own names, which stand in front of the real ones; then the
facts are staged page by page as if they had just come. `check` compares and changes nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tillwise_analytics.intake import writer
from tillwise_analytics.rollups import roll
from tillwise_analytics.settling.domain import keep_statistics
from tillwise_analytics.settling.registry import DOMAINS
from tillwise_analytics.settling.settler import settle
from tillwise_analytics.stock.rows import TABLES as STOCK_TABLES
from tillwise_common import logs
from tillwise_common.contracts.maintenance import Difference, Rebuilt
from tillwise_common.postgres.sql import load

log = logs.get("rebuild")
SQL = load("tillwise_analytics.rollups", "rebuild.sql")
PAGE = 20_000
SUMS = "orders_gross, orders_net, units_gross, units_net, sales_gross, sales_net, discounts, refunds"
COSTS = "cost_gross, cost_net, uncosted_net, units_cancelled"
OF_CUSTOMERS = "orders_gross, orders_net, sales_gross, sales_net, cost_gross, cost_net, uncosted_net"
# Columns compared, and which rows say something: sums that came back to nothing leave rows of zeros behind.
TABLES: dict[str, tuple[str, str]] = {
    "orders": ("order_id, event_id, version_at, placed_at, customer_id, channel, country, is_sale, cancelled_at", "true"),
    "refunds": ("order_id, refund_id, event_id, version_at, refunded_at, amount", "true"),
    "products": (
        "sku, event_id, version_at, name, category, unit_cost, lead_time_days, attributes, "
        "seen_name, seen_category, seen_at, seen_event_id",
        "true",
    ),
    "product_costs": ("sku, valid_from, event_id, unit_cost", "true"),
    "customers": (
        "customer_id, event_id, version_at, attributes, first_gross, first_net",
        "event_id is not null or first_gross is not null",
    ),
    "rollup_hours": (f"bucket, {SUMS}", f"(0, 0, 0, 0, 0, 0, 0, 0) <> ({SUMS})"),
    "rollup_days": (f"dim, day, value, {SUMS}, {COSTS}", f"(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) <> ({SUMS}, {COSTS})"),
    "product_weeks": (f"week, sku, {SUMS}, {COSTS}", f"(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) <> ({SUMS}, {COSTS})"),
    "product_spans": ("sku, first_gross, last_gross, first_net, last_net", "first_gross is not null"),
    "customer_days": (f"customer_id, day, {OF_CUSTOMERS}", f"({OF_CUSTOMERS}) <> (0, 0, 0, 0, 0, 0, 0)"),
    "rollup_customers": (
        "grain, bucket, customers_gross, customers_net, new_gross, new_net",
        "(customers_gross, customers_net, new_gross, new_net) <> (0, 0, 0, 0)",
    ),
    "customer_profiles": ("basis, customer_id, first_day, last_day, orders, days, sales, margin, channel, country, category", "true"),
    **{name: (", ".join(columns), "true") for name, columns in STOCK_TABLES.items()},
    "cohort_cells": (
        "basis, grain, dim, cohort, value, bucket, customers, lasts, orders, sales, margin",
        "(customers, lasts, orders, sales, margin) <> (0, 0, 0, 0, 0)",
    ),
    "rollup_gaps": ("basis, dim, value, gap_days, count", "count <> 0"),
    "rollup_last_days": ("basis, dim, value, last_day, customers", "customers <> 0"),
    "customer_histogram": ("basis, part, last_day, orders, customers, sales, margin", "customers <> 0"),
    "customer_values": ("basis, bin, customers, sales", "customers <> 0"),
}

# What waits to be settled.
NOTES = ("customer_changes", "stock_changes")


async def rebuild(connection: Any, store_id: int, *, check: bool) -> Rebuilt:
    """Recompute the derived tables of a store on a connection of its own; tell what differed, put it right unless `check`."""
    await writer.prepare_session(connection)
    async with _settled(connection, store_id, check=check):
        await _make_shadows(connection)
        await _replay(connection, store_id)
        differences = [d for d in [await _compare(connection, table, store_id) for table in TABLES] if d.rows]
        if not check:
            await _replace(connection, store_id)
        orders = await connection.fetchval("select count(*) from orders where placed_at is not null")
    log.info("rebuilt", store=store_id, check=check, orders=orders, differing_tables=len(differences))
    return Rebuilt(orders, differences)


@asynccontextmanager
async def _settled(connection: Any, store_id: int, *, check: bool) -> AsyncIterator[None]:
    """A transaction in which nothing of the store waits to be settled: one snapshot for a check, so that intake goes on;
    one writer for a real rebuild, so that nothing comes between.
    """
    await connection.execute(SQL.lock, store_id)
    locked = True
    try:
        for domain in DOMAINS.values():
            await settle(connection, store_id, domain)
        async with connection.transaction(isolation="repeatable_read" if check else "read_committed"):
            await connection.execute(SQL.snapshot, store_id)
            if check:
                await connection.execute(SQL.unlock, store_id)
                locked = False
            yield
    finally:
        if locked:
            await connection.execute(SQL.unlock, store_id)


async def _make_shadows(connection: Any) -> None:
    """Empty twins of the derived tables."""
    views = {
        name: await connection.fetchval("select pg_get_viewdef($1::regclass)", f"analytics.{name}")
        for name in ("sale_entries", "refund_entries")
    }
    # Their names hide the real ones for statements that name no schema.
    for table in (*TABLES, *NOTES):
        await connection.execute(f"create temp table {table} (like analytics.{table} including all) on commit drop")
    for name, definition in views.items():
        await connection.execute(f"create temp view {name} as {definition}")
    # Statements that this session has run before, to settle, would go on to mean the real tables.
    await connection.execute(SQL.forget_plans)


async def _replay(connection: Any, store_id: int) -> None:
    last = ""
    while True:
        await connection.execute(SQL.stage_events, store_id, last, PAGE)
        page_end = await connection.fetchval(SQL.last_staged)
        if page_end is None:
            break
        last = page_end
        await connection.execute(SQL.stage_lines)
        for _, statements in writer.STATE:
            for statement in statements:
                await connection.execute(statement)
        await connection.execute(SQL.empty_stage)
        await keep_statistics(connection, tuple(TABLES))
    last = ""
    while True:
        await connection.execute(SQL.touch_next, store_id, last, PAGE)
        page_end = await connection.fetchval(SQL.last_touched)
        if page_end is None:
            break
        last = page_end
        await roll.after(connection)
        await connection.execute(SQL.empty_stage)
        await keep_statistics(connection, (*TABLES, *NOTES))
    for domain in DOMAINS.values():
        last = ""
        while (settled := await domain.settle_some(connection, store_id, last)).keys:
            last = settled.last


async def _compare(connection: Any, table: str, store_id: int) -> Difference:
    columns, says_something = TABLES[table]
    kept = f"select {columns} from analytics.{table} where store_id = $1 and ({says_something})"  # noqa: S608 - names are ours
    computed = f"select {columns} from pg_temp.{table} where {says_something}"  # noqa: S608
    rows = await connection.fetchval(
        f"select (select count(*) from (({kept}) except all ({computed})) a)"  # noqa: S608
        f" + (select count(*) from (({computed}) except all ({kept})) b)",
        store_id,
    )
    return Difference(table, rows)


async def _replace(connection: Any, store_id: int) -> None:
    for table, (columns, says_something) in TABLES.items():
        await connection.execute(f"delete from analytics.{table} where store_id = $1", store_id)  # noqa: S608
        await connection.execute(
            f"insert into analytics.{table} (store_id, {columns}) select store_id, {columns} from pg_temp.{table} where {says_something}"  # noqa: S608
        )
    await connection.execute(SQL.forget_changes, store_id)
    await connection.execute(writer.SQL.new_version, [store_id])

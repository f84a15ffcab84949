"""Rolls up the orders in tw_touched: `before` the facts change and `after`."""

from __future__ import annotations

from typing import Any

from tillwise_common.postgres.sql import load

SQL = load("tillwise_analytics.rollups", "rollups.sql")


async def before(connection: Any) -> None:
    """Take away what the touched orders contributed so far."""
    await connection.execute(SQL.sales_deltas, -1)
    await connection.execute(SQL.refund_deltas, -1)


async def after(connection: Any) -> None:
    """Add what they contribute now, and change the rollups by the difference."""
    await connection.execute(SQL.sales_deltas, 1)
    await connection.execute(SQL.refund_deltas, 1)
    await connection.execute(SQL.sold_orders)
    await connection.execute(SQL.apply_hours)
    await connection.execute(SQL.apply_days)
    await connection.execute(SQL.apply_spans)
    await connection.execute(SQL.apply_customers)
    await connection.execute(SQL.apply_first_orders)

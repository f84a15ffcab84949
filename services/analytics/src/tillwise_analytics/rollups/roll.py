"""Rolls up orders: the new ones in tw_new as they came, those in tw_touched `before` the facts change and `after`."""

from __future__ import annotations

from typing import Any

from tillwise_common.postgres.sql import load

SQL = load("tillwise_analytics.rollups", "rollups.sql")
_APPLY = (SQL.apply_hours, SQL.apply_days, SQL.apply_spans, SQL.apply_customers, SQL.apply_first_orders)


async def before(connection: Any) -> None:
    """Take away what the touched orders contributed so far."""
    await connection.execute(SQL.sales_deltas, -1)
    await connection.execute(SQL.refund_deltas, -1)


async def after(connection: Any, *, new: bool = False, touched: bool = True) -> None:
    """Add what the orders contribute now, and change the rollups by the difference. `new`, `touched`: are there such orders?"""
    if new:
        await connection.execute(SQL.new_deltas)
    if touched:
        await connection.execute(SQL.sales_deltas, 1)
        await connection.execute(SQL.refund_deltas, 1)
    for statement in _APPLY:
        await connection.execute(statement)

"""Keeps cohorts in step with customers: what each cohort did per week and month, and how long customers wait between orders."""

from __future__ import annotations

from typing import Any

from tillwise_common.postgres.sql import load

SQL = load("tillwise_analytics.settling", "cohorts.sql")


async def keep_cohorts(connection: Any, store_id: int) -> None:
    """Add what tw_days and tw_profiles say now to the sums over customers, and take away what they said before."""
    week_start = await connection.fetchval(SQL.week_start, store_id)
    await connection.execute(SQL.cells, store_id, week_start)
    await connection.execute(SQL.gaps, store_id)
    await connection.execute(SQL.last_days, store_id)

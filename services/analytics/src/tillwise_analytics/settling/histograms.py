"""Keeps in step how customers spread over recency, frequency and value, which is what segments are made of."""

from __future__ import annotations

from typing import Any

from tillwise_common.postgres.sql import load

SQL = load("tillwise_analytics.settling", "histograms.sql")


async def keep_histograms(connection: Any, store_id: int) -> None:
    """Move the customers in tw_profiles from where they were to where they are."""
    for statement in (SQL.histogram, SQL.drop_empty_cells, SQL.values, SQL.drop_empty_bins):
        await connection.execute(statement, store_id)

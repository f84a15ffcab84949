"""Settles customers: what their days were and are, their profiles, and whatever is summed over customers."""

from __future__ import annotations

from typing import Any

from tillwise_analytics.settling.cohorts import keep_cohorts
from tillwise_analytics.settling.domain import Domain
from tillwise_analytics.settling.histograms import keep_histograms
from tillwise_common.postgres.sql import load

SQL = load("tillwise_analytics.settling", "customers.sql")


async def _profiles(connection: Any, store_id: int) -> None:
    """The days of the customers in tw_days, and their profiles before and after in tw_profiles; both are emptied by the commit."""
    await connection.execute("truncate tw_days, tw_profiles")
    for statement in (SQL.days, SQL.profiles, SQL.put_profiles, SQL.drop_profiles):
        await connection.execute(statement, store_id)


# The first step makes what the others read.
CUSTOMERS = Domain(
    "customers",
    steps=(_profiles, keep_cohorts, keep_histograms),
    at_once=5_000,
    tables=("customer_changes", "customer_days", "customer_profiles", "orders", "cohort_cells"),
)

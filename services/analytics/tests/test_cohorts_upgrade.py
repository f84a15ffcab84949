"""A platform whose customers were settled before there were cohorts: migrating sums up those, and what waits is added later."""

from __future__ import annotations

from typing import Any

import asyncpg

from tillwise_analytics import migrations
from tillwise_common.postgres.migrate import migrate
from tillwise_common.settings import Secret

from .shop_events import cancelled, line, placed, refunded

MIGRATION = "0014_cohorts.sql"
AS_IT_WAS = f"""
drop table cohort_cells, rollup_gaps, rollup_last_days;
drop index customer_profiles_by_first_day;
delete from migrations where name = '{MIGRATION}'
"""
SUMS = "select count(*) from cohort_cells union all select count(*) from rollup_gaps union all select count(*) from rollup_last_days"
EARLIER = (
    placed("1", "2026-01-30T12:00:00Z", line("A", 2, unit_cost=400, category="tea"), customer_id="x", channel="web"),
    placed("2", "2026-03-02T12:00:00Z", customer_id="x"),
    placed("3", "2026-03-09T12:00:00Z", line("B", category="cups"), customer_id="y", country="DE"),
    cancelled("2", "2026-03-10T12:00:00Z"),
    refunded("1", "r", "2026-03-01T12:00:00Z", amount=300),
)
LATER = (
    placed("0", "2026-01-02T12:00:00Z", customer_id="y", channel="pos"),
    placed("4", "2026-03-20T12:00:00Z", customer_id="x"),
    placed("5", "2026-03-20T12:00:00Z", customer_id="new"),
)


async def test_customers_settled_before_an_upgrade_are_in_their_cohorts_after_it(platform):
    await platform.take(*EARLIER)
    await platform.settle()
    await _upgrade(platform)
    assert await _months(platform) == [
        ("2026-01-01", "2026-01-01", 1, 1, 1, 2000, 1200),
        ("2026-01-01", "2026-03-01", 0, 0, 0, -300, -300),
        ("2026-03-01", "2026-03-01", 1, 1, 1, 1000, 0),
    ]
    assert (await platform.rebuild()).differences == []


async def test_what_waited_during_an_upgrade_is_added_once(platform):
    await platform.take(*EARLIER)
    await platform.settle()
    await platform.take(*LATER)
    await _upgrade(platform)
    assert (await platform.rebuild()).differences == []


async def test_upgrade_in_which_nobody_was_settled_yet_ends_the_same(platform):
    await platform.take(*EARLIER, *LATER)
    await _upgrade(platform)
    assert await platform.rows(SUMS) == [(0,)] * 3
    assert (await platform.rebuild()).differences == []


async def _months(platform: Any) -> list[tuple[Any, ...]]:
    return await platform.rows(
        "select cohort::text, bucket::text, customers, lasts, orders, sales, margin from cohort_cells"
        " where grain = 'month' and basis = 'net' and dim = 'all' order by 1, 2"
    )


async def _upgrade(platform: Any) -> None:
    """Take the cohorts away, and let the migration bring them."""
    connection = await asyncpg.connect(platform.url, server_settings={"search_path": "analytics"})
    await connection.execute(AS_IT_WAS)
    await connection.close()
    assert await migrate(Secret(platform.url), migrations.__name__, migrations.SCHEMA) == [MIGRATION]

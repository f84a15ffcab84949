"""A platform that was used before it knew costs and product weeks: migrating sums up what is there."""

from __future__ import annotations

import re
from importlib.resources import files

import asyncpg

from tillwise_analytics import migrations
from tillwise_common.postgres.migrate import migrate
from tillwise_common.settings import Secret

from .shop_events import cancelled, line, placed, product, refunded

OLDER = [
    "0006_costs.sql",
    "0011_product_weeks.sql",
    "0012_settling.sql",
    "0014_cohorts.sql",
    "0015_customer_segments.sql",
    "0018_costs_looked_up_when_missing.sql",
    "0019_product_spans.sql",
    "0022_demand_without_cancelled_orders.sql",
    "0027_published_for_exports.sql",
]
AS_IT_WAS = """
drop schema published cascade;
drop table product_spans; drop aggregate total (bigint);
drop table cohort_cells, rollup_gaps, rollup_last_days;
drop table customer_histogram, customer_values; drop function value_bin, customers_as_of;
drop table customer_changes, stock_changes, customer_profiles; drop index events_of_stock;
alter table customer_days drop column uncosted_net;
drop view sale_entries; drop view refund_entries; drop table product_costs; drop table product_weeks; drop index rollup_days_of_product;
alter table products drop column seen_category;
alter table rollup_days drop column cost_gross, drop column cost_net, drop column uncosted_net, drop column units_cancelled;
alter table customer_days drop column sales_gross, drop column sales_net, drop column cost_gross, drop column cost_net;
delete from customer_days where orders_gross = 0;
"""


async def test_old_sales_have_their_costs_and_weeks_after_an_upgrade(platform):
    await platform.take(
        product("B", "2026-03-05T00:00:00Z", unit_cost=300),
        product("B", "2026-03-15T00:00:00Z", unit_cost=350),
        placed("1", "2026-03-03T12:00:00Z", line("A", 3, unit_cost=400, name="a", category="tea"), line("B", 2), customer_id="x"),
        placed("2", "2026-03-17T12:00:00Z", line("A", -1, unit_cost=400), line("B", 2), line("C"), customer_id="x"),
        placed("3", "2026-03-18T12:00:00Z", line("A", 9, unit_cost=1), customer_id="y"),
        cancelled("3", "2026-03-19T12:00:00Z"),
        refunded("1", "r", "2026-03-20T12:00:00Z", lines=[{"sku": "A", "quantity": 1, "amount": 500}]),
    )
    await _make_old(platform.url)
    assert await migrate(Secret(platform.url), migrations.__name__, migrations.SCHEMA) == OLDER
    costs = "select sum(cost_gross)::bigint, sum(cost_net)::bigint, sum(uncosted_net)::bigint from rollup_days where dim = 'all'"
    assert await platform.rows(costs) == [(3 * 400 + 2 * 300 + 2 * 350 + 9, 3 * 400 + 2 * 300 - 400 + 2 * 350 - 400, 1000)]
    assert (await platform.rebuild()).differences == []


async def _make_old(url: str) -> None:
    connection = await asyncpg.connect(url, server_settings={"search_path": "analytics"})
    try:
        await connection.execute(AS_IT_WAS)
        await connection.execute("delete from migrations where name = any($1)", OLDER)
        for statement in re.findall(r"create view .*?;", files(migrations).joinpath("0004_entries.sql").read_text("utf-8"), re.DOTALL):
            await connection.execute(statement)
        await connection.execute("grant select on all tables in schema analytics to tillwise_reader")
    finally:
        await connection.close()

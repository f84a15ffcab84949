"""Customers and orders by category and product are counted from slim lines, and what they cost is never looked up."""

from __future__ import annotations

import asyncpg
import pytest

from tillwise_analytics.reports.trend.fetch import SQL

from .shop_events import cancelled, line, placed, product, refunded

MARCH = {"from_": "2026-03-01", "to": "2026-03-31", "granularity": "month"}


def by_group(answer):
    names = [column.name for column in answer.columns]
    return {row[names.index("group")]: row[names.index("value")] for row in answer.rows}


async def shop(platform):
    await platform.take(
        product("A", "2026-02-01T00:00:00Z", unit_cost=300, category="cups"),
        placed("1", "2026-03-02T12:00:00Z", line("A", 2), line("B", 1, category="tea"), line("C"), customer_id="x", channel="web"),
        placed("2", "2026-03-12T12:00:00Z", line("A", 1), line("B", -1), customer_id="y"),
        placed("3", "2026-03-13T12:00:00Z", line("C", 1, discount=7), line("D"), customer_id="x", country="DE"),
        placed("4", "2026-03-14T12:00:00Z", line("B", -1), customer_id="z"),
        placed("5", "2026-03-15T12:00:00Z", line("D"), customer_id="y"),
        cancelled("5", "2026-03-16T12:00:00Z"),
        placed("6", "2026-03-17T12:00:00Z", line("A", 5)),
        refunded("1", "r", "2026-03-20T12:00:00Z", lines=[{"sku": "A", "quantity": 1, "amount": 500}]),
    )


async def test_slim_lines_say_what_entries_say(platform):
    await shop(platform)
    columns = await platform.rows(
        "select string_agg(column_name, ', ' order by ordinal_position) from information_schema.columns"
        " where table_schema = 'analytics' and table_name = 'sale_lines'"
    )
    slim = f"select {columns[0][0]} from sale_lines order by 2, 7"
    assert await platform.rows(slim) == await platform.rows(slim.replace("sale_lines", "sale_entries"))
    assert len(await platform.rows(slim)) == 10


async def test_the_others_count_an_order_and_a_customer_once(platform):
    await shop(platform)
    assert by_group(await platform.trend(metric="orders", by="product", top="1", **MARCH)) == {"A": 3, "others": 2}
    assert by_group(await platform.trend(metric="customers", by="product", top="1", **MARCH)) == {"A": 2, "others": 1}
    gross = await platform.trend(metric="customers", by="product", top="1", basis="gross", **MARCH)
    assert by_group(gross) == {"A": 2, "others": 2}
    first = await platform.trend(metric="new_customers", by="product", top="1", **MARCH)
    assert by_group(first) == {"A": 2, "others": 1}
    assert by_group(await platform.trend(metric="customers", by="category", top="1", **MARCH)) == {"cups": 2, "others": 1}
    filtered = await platform.trend(metric="customers", by="product", top="1", country="DE", **MARCH)
    assert by_group(filtered) == {"C": 1, "others": 1}


async def test_products_of_whole_weeks_and_of_the_days_around_them_rank_alike(platform):
    await platform.take(
        *(placed(f"a{day}", f"2026-03-{day:02}T12:00:00Z", line("A", 2, 100)) for day in (4, 5, 10, 11)),
        *(placed(f"b{day}", f"2026-03-{day:02}T12:00:00Z", line("B", 1, 150)) for day in (3, 9, 15, 17, 18, 19)),
    )
    for first, last, best in (("2026-03-04", "2026-03-17", "A"), ("2026-03-03", "2026-03-19", "B"), ("2026-03-10", "2026-03-11", "A")):
        answer = await platform.trend(by="product", top="1", granularity="month", from_=first, to=last)
        assert answer.rows[0][1] == best, (first, last)


@pytest.mark.parametrize("metric", ["customers", "new_customers"])
async def test_a_period_in_which_nobody_is_known_by_name_is_not_called_empty(platform, metric):
    await platform.take(placed("1", "2026-03-02T12:00:00Z", line("A")))
    for more in ({}, {"by": "product"}, {"by": "channel"}, {"sku": "A"}):
        answer = await platform.trend(metric=metric, **more, **MARCH)
        assert "No sales" not in answer.notes[0], more
        assert "no data" not in answer.notes[0], more


async def test_nothing_is_read_of_costs_to_count_customers_or_orders(platform):
    await shop(platform)
    connection = await asyncpg.connect(platform.url, server_settings={"search_path": "public"})
    try:
        march = "7, '2026-03-01', '2026-04-01', 'Europe/Berlin', 'day', 'monday', 'net', 'product', '{A}', null, null, null, null, false"
        for sql, more in ((SQL.from_lines, ", false"), (SQL.of_others, ""), (SQL.from_facts, "")):
            await connection.execute(f"prepare question as {sql}")
            plan = await connection.fetch(f"explain execute question ({march}{more})")
            await connection.execute("deallocate question")
            read = "\n".join(row[0] for row in plan)
            assert "event_lines" in read
            assert "product_costs" not in read
    finally:
        await connection.close()

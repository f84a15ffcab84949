"""What is derived after the commit is right whenever a report reads it, and agrees with the facts."""

from __future__ import annotations

import asyncio

import asyncpg

from tillwise_analytics.settling.domain import keep_statistics
from tillwise_analytics.settling.settler import Settler
from tillwise_common.postgres.pool import Postgres
from tillwise_common.settings import Secret

from .conftest import BERLIN, writer
from .shop_events import cancelled, line, placed, product, refunded

PROFILES = (
    "select basis, customer_id, first_day::text, last_day::text, orders, days, sales, margin, channel, country, category"
    " from customer_profiles order by basis, customer_id"
)


async def test_profile_says_when_how_often_and_how_a_customer_bought(platform):
    await platform.take(
        placed("1", "2026-03-03T12:00:00Z", line("A", 2, unit_cost=400, category="tea"), line("B", category="cups", unit_price=9000),
               customer_id="x", channel="web", country="DE"),
        placed("2", "2026-03-17T12:00:00Z", line("A"), customer_id="x", channel="pos"),
        placed("3", "2026-03-17T15:00:00Z", line("A", unit_cost=1), customer_id="x", channel="pos"),
    )  # fmt: skip
    await platform.settle()
    gross, net = await platform.rows(PROFILES)
    assert gross[1:] == net[1:]
    assert net == ("net", "x", "2026-03-03", "2026-03-17", 3, 2, 13000, 1200 + 999, "web", "DE", "cups")


async def test_order_that_comes_late_is_the_first_one_then(platform):
    await platform.take(placed("1", "2026-03-03T12:00:00Z", customer_id="x", channel="web"))
    await platform.settle()
    await platform.take(placed("0", "2026-03-03T11:00:00Z", customer_id="x", channel="pos"))
    await platform.settle()
    assert [row[8] for row in await platform.rows(PROFILES)] == ["pos", "pos"]


async def test_cancelled_first_order_is_none_in_net(platform):
    await platform.take(
        placed("1", "2026-03-03T12:00:00Z", customer_id="x", channel="web"),
        placed("2", "2026-03-05T12:00:00Z", customer_id="x", channel="pos"),
        placed("3", "2026-03-05T12:00:00Z", customer_id="y"),
    )
    await platform.settle()
    await platform.take(cancelled("1", "2026-03-06T12:00:00Z"), cancelled("3", "2026-03-06T12:00:00Z"))
    await platform.settle()
    assert [(row[0], row[1], row[2], row[8]) for row in await platform.rows(PROFILES)] == [
        ("gross", "x", "2026-03-03", "web"), ("gross", "y", "2026-03-05", ""), ("net", "x", "2026-03-05", "pos"),
    ]  # fmt: skip


async def test_order_that_moves_to_another_customer_leaves_the_first_one_without(platform):
    await platform.take(placed("1", "2026-03-03T12:00:00Z", customer_id="x"))
    await platform.settle()
    await platform.take(placed("1", "2026-03-04T12:00:00Z", customer_id="y", event="again"))
    await platform.settle()
    assert [(row[0], row[1], row[2]) for row in await platform.rows(PROFILES)] == [("gross", "y", "2026-03-03"), ("net", "y", "2026-03-03")]


async def test_category_told_later_is_the_one_of_the_first_order(platform):
    await platform.take(placed("1", "2026-03-03T12:00:00Z", line("A"), customer_id="x"))
    await platform.settle()
    await platform.take(product("A", "2026-03-04T12:00:00Z", category="tea", unit_cost=100))
    await platform.settle()
    assert [(row[7], row[10]) for row in await platform.rows(PROFILES)] == [(900, "tea")] * 2
    assert (await platform.rebuild()).differences == []


async def test_check_settles_what_waits_and_a_rebuild_leaves_nothing_to_settle(platform):
    await platform.take(placed("1", "2026-03-03T12:00:00Z", customer_id="x"), refunded("1", "r", "2026-03-05T12:00:00Z", amount=100))
    assert (await platform.rebuild()).differences == []
    await platform.rows("update customer_profiles set sales = 7 returning 1")
    await platform.take(placed("2", "2026-03-04T12:00:00Z", customer_id="z"))
    assert [d.table for d in (await platform.rebuild(check=False)).differences] == ["customer_profiles"]
    assert await platform.rows("select 1 from customer_changes union all select 1 from stock_changes") == []
    assert [row[6] for row in await platform.rows(PROFILES) if row[0] == "net"] == [900, 1000]


async def test_background_settles_by_itself_and_makes_a_new_version(platform):
    await platform.take(placed("1", "2026-03-03T12:00:00Z", customer_id="x"))
    before = await platform.rows("select version from stores")
    options = {"search_path": writer.SEARCH_PATH, "options": writer.OPTIONS, "prepare": writer.prepare_session}
    pool = Postgres(Secret(platform.url), "settling", size=1, **options)
    await pool.start()
    settler = Settler(pool)
    await settler.start()
    async with asyncio.timeout(20):
        while await platform.rows("select 1 from customer_changes"):
            await asyncio.sleep(0)
    await settler.drain()
    await pool.close()
    assert await platform.rows("select version from stores") > before
    assert await platform.rows(f"select 1 from customer_profiles where store_id = {BERLIN.id}") == [(1,), (1,)]


async def test_background_lets_a_store_finish_sending_but_not_for_ever(platform, monkeypatch):
    settler = platform.settler

    async def settled_after_look() -> bool:
        await settler._once()
        return not await platform.rows("select 1 from customer_changes")

    await platform.take(placed("1", "2026-03-03T12:00:00Z", customer_id="x"))
    assert not await settled_after_look()
    await platform.take(placed("2", "2026-03-03T12:00:00Z", customer_id="y"))
    assert not await settled_after_look()
    assert await settled_after_look()
    await platform.take(placed("3", "2026-03-03T12:00:00Z", customer_id="y"))
    monkeypatch.setattr("tillwise_analytics.settling.settler.BUSY_SECONDS", 0)
    assert await settled_after_look()


async def test_the_planner_is_told_what_has_grown_from_nothing(platform):
    """It would read all of a store's notes for each customer until statistics are gathered, a minute later; of temporary tables, never."""
    tables = ["customer_changes", "notes", "customer_days"]
    connection = await asyncpg.connect(platform.url, server_settings={"search_path": "analytics"})
    await connection.execute("create temp table notes (like customer_changes)")
    for table in tables[:2]:
        await connection.execute(
            f"insert into {table} overriding system value"
            " select 7, 'customer-' || n, n, '2026-03-03', 1, 1, 1, 1, 1 from generate_series(1, 6000) n"
        )
    await keep_statistics(connection, tables)
    told = [await connection.fetchval("select reltuples::integer from pg_class where oid = to_regclass($1)", table) for table in tables]
    await connection.close()
    assert told == [6000, 6000, -1]

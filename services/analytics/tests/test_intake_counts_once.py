"""What the intake promises: every event once, in any order, and rollups that agree with the facts."""

from __future__ import annotations

import asyncpg
import pytest

from tillwise_common.contracts.stores import Store

from .shop_events import cancelled, line, placed, product, refunded

DAY = "2026-03-02T10:00:00+01:00"
NEXT = "2026-03-03T10:00:00+01:00"
NET = "select day::text, sales_net, orders_net from rollup_days where dim = 'all' and (sales_net, orders_net) <> (0, 0) order by day"


async def test_event_sent_twice_counts_once(platform):
    first = await platform.take(placed("1", DAY), placed("1", DAY))
    again = await platform.take(placed("1", DAY))
    assert (first.stored, first.repeated, again.stored, again.repeated) == (1, 1, 0, 1)
    assert await platform.rows(NET) == [("2026-03-02", 1000, 1)]


async def test_another_event_under_a_known_id_is_noticed_and_not_counted(platform):
    await platform.take(placed("1", DAY))
    done = await platform.take(placed("2", DAY, event="p-1"))
    assert (done.stored, done.conflicts) == (0, 1)
    assert await platform.rows("select order_id from orders") == [("1",)]


async def test_half_known_batch_adds_only_what_is_new(platform):
    await platform.take(placed("1", DAY, line("A"), line("B")))
    done = await platform.take(placed("1", DAY, line("A"), line("B")), placed("2", NEXT, line("A", 2)))
    assert done.stored == 1
    assert await platform.rows(NET) == [("2026-03-02", 2000, 1), ("2026-03-03", 2000, 1)]
    assert await platform.rows("select count(*) from event_lines") == [(3,)]


async def test_same_order_under_two_event_ids_counts_once(platform):
    await platform.take(placed("1", DAY, event="a"))
    await platform.take(placed("1", DAY, event="b"))
    assert await platform.rows(NET) == [("2026-03-02", 1000, 1)]


async def test_correction_changes_the_content_and_keeps_the_date(platform):
    await platform.take(placed("1", DAY, line("A", 1, 1000), event="a", channel="web"))
    await platform.take(placed("1", NEXT, line("B", 1, 700), event="b", channel="pos"))
    assert await platform.rows(NET) == [("2026-03-02", 700, 1)]
    assert await platform.rows("select value, sales_net from rollup_days where dim = 'channel' and sales_net <> 0") == [("pos", 700)]


async def test_refund_counts_on_its_own_day_with_the_orders_country(platform):
    await platform.take(placed("1", DAY, country="AT"))
    await platform.take(refunded("1", "r", NEXT, lines=[{"sku": "A", "quantity": 1, "amount": 400}]))
    countries = "select day::text, value, sales_net from rollup_days where dim = 'country' order by day"
    assert await platform.rows(countries) == [("2026-03-02", "AT", 1000), ("2026-03-03", "AT", -400)]


async def test_of_a_refund_with_lines_the_lines_count_and_not_its_amount(platform):
    await platform.take(placed("1", DAY))
    await platform.take(refunded("1", "r", NEXT, lines=[{"sku": "A", "quantity": 1, "amount": 400}], amount=999))
    assert await platform.rows(NET) == [("2026-03-02", 1000, 1), ("2026-03-03", -400, 0)]


async def test_a_discount_larger_than_its_line_makes_it_negative_in_net(platform):
    await platform.take(placed("1", DAY, line("A", 2, 100, discount=300), line("B", 1, 1000)))
    products = "select value, sales_gross, sales_net from rollup_days where dim = 'product' order by value"
    assert await platform.rows(products) == [("A", 200, -100), ("B", 1000, 1000)]


async def test_refund_that_comes_before_its_order_finds_it(platform):
    await platform.take(refunded("1", "r", NEXT, amount=400))
    await platform.take(placed("1", DAY, country="AT"))
    countries = "select day::text, value, sales_net from rollup_days where dim = 'country' and sales_net <> 0 order by day"
    assert await platform.rows(countries) == [("2026-03-02", "AT", 1000), ("2026-03-03", "AT", -400)]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
async def test_cancelled_order_counts_nowhere_in_net_and_as_placed_in_gross(platform, order):
    events = [placed("1", DAY, customer_id="c"), refunded("1", "r", NEXT, amount=400), cancelled("1", NEXT)]
    for index in order:
        await platform.take(events[index])
    assert await platform.rows(NET) == []
    assert await platform.rows("select sales_gross, orders_gross from rollup_days where dim = 'all' and orders_gross > 0") == [(1000, 1)]
    assert await platform.rows("select sum(customers_net), sum(new_net) from rollup_customers where grain = 'day'") == [(0, 0)]
    assert (await platform.rebuild()).differences == []


async def test_receipt_with_returns_only_is_no_order_and_lowers_sales(platform):
    await platform.take(placed("1", DAY, line("A", 3)), placed("2", DAY, line("A", -1), customer_id="c"))
    assert await platform.rows(NET) == [("2026-03-02", 2000, 1)]
    assert await platform.rows("select orders_net, sales_net from customer_days") == [(0, -1000)]


async def test_category_of_a_product_reaches_back_to_earlier_sales(platform):
    await platform.take(placed("1", DAY, line("A"), line("B", category="own")))
    await platform.take(product("A", NEXT, category="tea"), product("B", NEXT, category="tea"))
    await platform.take(product("A", DAY, category="older, so without effect"))
    found = "select value, sales_net from rollup_days where dim = 'category' and sales_net <> 0 order by value"
    assert await platform.rows(found) == [("own", 1000), ("tea", 1000)]
    assert (await platform.rebuild()).differences == []


async def test_a_day_is_a_day_in_the_stores_timezone(platform):
    await platform.take(placed("1", "2026-03-02T23:30:00Z"))
    assert await platform.rows(NET) == [("2026-03-03", 1000, 1)]


async def test_new_customer_moves_when_an_earlier_order_comes_late(platform):
    await platform.take(placed("2", NEXT, customer_id="c"))
    await platform.take(placed("1", DAY, customer_id="c"))
    news = "select bucket::text, new_net, customers_net from rollup_customers where grain = 'day' order by bucket"
    assert await platform.rows(news) == [("2026-03-02", 1, 1), ("2026-03-03", 0, 1)]
    weeks = "select customers_net, new_net from rollup_customers where grain = 'week'"
    assert await platform.rows(weeks) == [(1, 1)]


async def test_stores_do_not_mix(platform):
    other = Store(id=8, name="tokyo", currency="JPY", timezone="Asia/Tokyo")
    await platform.take(placed("1", DAY))
    await platform.take(placed("1", DAY, line("A", 1, 5)), store=other)
    assert await platform.rows("select store_id, sales_net from rollup_days where dim = 'all' order by 1") == [(7, 1000), (8, 5)]


async def test_rebuild_finds_and_mends_what_was_tampered_with(platform):
    await platform.take(placed("1", DAY, customer_id="c"), placed("2", NEXT))
    await platform.settle()
    await platform.rows("update rollup_days set sales_net = sales_net + 1 where dim = 'all' returning 1")
    await platform.rows("delete from customer_days returning 1")
    assert {d.table for d in (await platform.rebuild()).differences} == {"rollup_days", "customer_days"}
    await platform.rebuild(check=False)
    assert (await platform.rebuild()).differences == []
    assert await platform.rows(NET) == [("2026-03-02", 1000, 1), ("2026-03-03", 1000, 1)]


async def test_reader_sees_one_store_only_and_none_by_default(platform):
    await platform.take(placed("1", DAY))
    connection = await asyncpg.connect(platform.url)
    await connection.execute("set role tillwise_reader")
    seen = {}
    for store in ("", "8", "7"):
        await connection.execute(f"set tillwise.store_id = '{store}'")
        seen[store] = await connection.fetchval("select count(*) from analytics.orders")
    await connection.close()
    assert seen == {"": 0, "8": 0, "7": 1}

"""What goods cost: stated by the line, by the product at that time, or unknown."""

from __future__ import annotations

from .shop_events import cancelled, line, placed, product, refunded

COSTS = "select cost_gross, cost_net, uncosted_net from rollup_days where dim = 'all' order by day"


async def test_line_states_its_own_cost(platform):
    await platform.take(
        product("A", "2026-03-01T08:00:00Z", unit_cost=999), placed("1", "2026-03-02T12:00:00Z", line("A", 2, unit_cost=400))
    )
    assert await platform.rows(COSTS) == [(800, 800, 0)]


async def test_cost_is_the_one_last_stated_when_the_order_was_placed(platform):
    costs = [product("A", f"2026-03-0{day}T08:00:00Z", unit_cost=cost) for day, cost in ((1, 100), (3, 300), (5, 500))]
    await platform.take(*costs, placed("1", "2026-03-04T12:00:00Z", line("A", 2)))
    assert await platform.rows(COSTS) == [(600, 600, 0)]


async def test_order_before_the_first_known_cost_takes_that_one(platform):
    await platform.take(placed("1", "2026-03-01T12:00:00Z", line("A", 3)), product("A", "2026-03-09T08:00:00Z", unit_cost=100))
    assert await platform.rows(COSTS) == [(300, 300, 0)]


async def test_cost_told_late_counts_where_it_held(platform):
    """One cost after the other comes in, the earliest last: the order's cost follows, and a rebuild agrees."""
    await platform.take(placed("1", "2026-03-04T12:00:00Z", line("A", 1)))
    assert await platform.rows(COSTS) == [(0, 0, 1000)]
    for day, cost, expected in ((8, 800, 800), (6, 600, 600), (3, 300, 300), (2, 200, 300)):
        await platform.take(product("A", f"2026-03-0{day}T08:00:00Z", unit_cost=cost))
        assert await platform.rows(COSTS) == [(expected, expected, 0)], day
    assert (await platform.rebuild()).differences == []


async def test_new_cost_leaves_older_orders_alone(platform):
    await platform.take(product("A", "2026-03-01T08:00:00Z", unit_cost=100), placed("1", "2026-03-02T12:00:00Z", line("A")))
    await platform.take(product("A", "2026-03-03T08:00:00Z", unit_cost=700))
    assert await platform.rows(COSTS) == [(100, 100, 0)]


async def test_refunded_goods_take_their_cost_back_on_the_day_of_the_refund(platform):
    await platform.take(
        placed("1", "2026-03-02T12:00:00Z", line("A", 3, unit_cost=400), customer_id="c"),
        refunded("1", "r", "2026-03-05T12:00:00Z", lines=[{"sku": "A", "quantity": 2, "amount": 2000}]),
    )
    assert await platform.rows(COSTS) == [(1200, 1200, 0), (0, -800, 0)]
    assert await platform.rows("select day::text, orders_net, sales_net, cost_net from customer_days order by day") == [
        ("2026-03-02", 1, 3000, 1200),
        ("2026-03-05", 0, -2000, -800),
    ]


async def test_refund_of_money_alone_leaves_the_cost(platform):
    await platform.take(
        placed("1", "2026-03-02T12:00:00Z", line("A", 1, unit_cost=400)), refunded("1", "r", "2026-03-02T13:00:00Z", amount=300)
    )
    assert await platform.rows(COSTS) == [(400, 400, 0)]


async def test_cancelled_order_costs_nothing_in_net(platform):
    await platform.take(placed("1", "2026-03-02T12:00:00Z", line("A", 1, unit_cost=400)), cancelled("1", "2026-03-03T12:00:00Z"))
    assert await platform.rows(COSTS) == [(400, 0, 0)]


async def test_sales_without_a_known_cost_are_told_apart(platform):
    await platform.take(placed("1", "2026-03-02T12:00:00Z", line("A", 1, unit_cost=400), line("B", 2, 500, discount=100)))
    assert await platform.rows(COSTS) == [(400, 400, 900)]
    by_product = await platform.rows("select value, cost_net, uncosted_net from rollup_days where dim = 'product' order by 1")
    assert by_product == [("A", 400, 0), ("B", 0, 900)]

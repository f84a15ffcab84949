"""A check that finds something unsettled settles it first, and then changes nothing and finds nothing."""

from __future__ import annotations

from tillwise_analytics.rollups.rebuild import TABLES

from .shop_events import line, placed, product
from .stock_events import counted, receipt, sale


async def _kept(platform):
    return {table: await platform.rows(f"select {columns} from {table} order by {columns}") for table, (columns, _) in TABLES.items()}


async def test_check_settles_what_waits_and_leaves_everything_as_it_is(platform):
    days = [f"2026-01-{day:02}T12:00:00Z" for day in range(1, 29)]
    # Settled twice before, so that a part of it goes on and a part is new, in several rounds.
    for day, number in zip(days, range(7), strict=False):
        await platform.take(
            product(f"S{number}", day, unit_cost=100 + number, category="C"),
            placed(f"o{number}", day, line(f"S{number}", 2), line("S0", 1), customer_id=f"c{number % 3}"),
            receipt(10, day, 100, sku=f"S{number}"), sale(3, days[number + 8], sku=f"S{number}"), counted(9, days[number + 15], sku="S0"),
        )  # fmt: skip
        if number in (2, 4):
            await platform.settle()
    assert (await platform.rebuild()).differences == []
    kept = await _kept(platform)
    assert kept["stock_skus"]
    for _ in range(2):
        assert (await platform.rebuild()).differences == []
        assert await _kept(platform) == kept

"""Transactions of one store overlap: none waits for another in a circle, and nothing is counted twice."""

from __future__ import annotations

import asyncio


def order(number: int) -> dict:
    line = {"sku": f"S{number % 7}", "quantity": 1 + number % 3, "unit_price": 500}
    data = {"order_id": f"o{number % 40}", "customer_id": f"c{number % 5}", "channel": "web", "lines": [line]}
    return {"type": "order.placed", "id": f"e{number}", "occurred_at": f"2026-01-{1 + number % 28:02}T10:00:00Z", "data": data}


async def test_commits_of_the_same_events_in_other_orders_at_once_count_them_once(platform):
    events = [order(number) for number in range(4000)]

    done = []
    for _ in range(3):
        # Two at once, in opposite orders: each holds early what the other wants late.
        done += await asyncio.gather(platform.take(*events), platform.take(*reversed(events)))

    assert sum(one.stored for one in done) == 4000
    assert (await platform.rebuild()).differences == []
    assert (await platform.rows("select count(*) from events"))[0][0] == 4000

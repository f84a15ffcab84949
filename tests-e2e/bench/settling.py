"""How fast customers and products are settled, and what that costs the intake of the same store meanwhile."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from datetime import timedelta
from typing import Any

import msgspec

from tillwise_analytics.intake import writer
from tillwise_analytics.intake.consumer import COMMITS_AT_ONCE
from tillwise_analytics.intake.rows import Staged
from tillwise_analytics.intake.writer import Writer
from tillwise_analytics.rollups import roll
from tillwise_analytics.settling.registry import DOMAINS
from tillwise_analytics.settling.settler import Settler
from tillwise_common.contracts.batches import Batch, Part
from tillwise_common.postgres.pool import Postgres
from tillwise_common.settings import Secret

import shop_of_bench as shop  # isort: skip

ORDERS = 2_000
COMMITS = 10


class Till:
    """Commits orders of the shop's customers, as many at once as an intake under load."""

    def __init__(self, pool: Postgres, customers: int) -> None:
        self._writer, self._customers, self._dice, self._number = Writer(pool), customers, random.Random(5), 0

    async def rate(self) -> float:
        """Orders per second, from the bytes of a stream message to the commit, as many transactions at once as an intake has."""
        waiting = [self._message() for _ in range(COMMITS)]

        async def work() -> None:
            while waiting:
                staged = Staged()
                staged.add(Batch(shop.STORE, [Part("part", "bench", shop.NOW, "array", waiting.pop())]))
                await self._writer.commit(staged)

        began = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(COMMITS_AT_ONCE)))
        return ORDERS * COMMITS / (time.perf_counter() - began)

    def _message(self) -> bytes:
        return msgspec.json.encode([self._order() for _ in range(ORDERS)])

    def _order(self) -> dict[str, Any]:
        self._number += 1
        dice, name = self._dice, f"x-{self._number}"
        lines = [
            {
                "sku": f"SKU-{dice.randint(1, 2_000) * 7919 % 100_003:05}",
                "quantity": dice.randint(1, 4),
                "unit_price": dice.randint(100, 5_000),
            }
            for _ in range(dice.choice((1, 2, 3, 4)))
        ]
        about = {
            "order_id": name,
            "customer_id": f"C{dice.randrange(self._customers):09}",
            "channel": "web",
            "country": "DE",
            "lines": lines,
        }
        at = shop.NOW - timedelta(seconds=dice.randrange(86_400))
        return {"type": "order.placed", "id": name, "occurred_at": at.isoformat(), "data": about}


async def measure(url: str, lines: int, results: Any) -> None:
    """On a shop that may be changed."""
    options: dict[str, Any] = {"search_path": writer.SEARCH_PATH, "options": writer.OPTIONS, "prepare": writer.prepare_session}
    tills = Postgres(Secret(url), "bench-intake", size=COMMITS_AT_ONCE, statement_timeout=600, **options)
    settlers = Postgres(Secret(url), "bench-settling", size=2, statement_timeout=600, **options)
    await tills.start()
    await settlers.start()
    try:
        till = Till(tills, shop.Size(lines).names()["customers"])
        await till.rate()
        settler = Settler(settlers)
        await _rates(settler, settlers, till, lines, results)
        await _meanwhile(settler, till, results)
        await _without(till, results)
    finally:
        await settlers.close()
        await tills.close()


async def _rates(settler: Settler, pool: Postgres, till: Till, lines: int, results: Any) -> None:
    """Customers who ordered once more, settled per second."""
    await settler.settle(shop.STORE.id, DOMAINS)
    await till.rate()
    async with pool.acquire() as connection:
        waiting = await connection.fetchval("select count(distinct customer_id) from customer_changes where store_id = $1", shop.STORE.id)
    began = time.perf_counter()
    await settler.settle(shop.STORE.id, ("customers",))
    took = time.perf_counter() - began
    results.add(f"customers settled, {waiting:,} of a shop of {lines:,} lines", waiting / took, "/s")


async def _meanwhile(settler: Settler, till: Till, results: Any) -> None:
    """Orders committed while the background settles them, beside none that settles."""
    alone, beside = [], []
    for _ in range(3):
        alone.append(await till.rate())
        await settler.settle(shop.STORE.id, DOMAINS)
        await settler.start()
        beside.append(await till.rate())
        await settler.drain()
        await settler.settle(shop.STORE.id, DOMAINS)
    share, own = statistics.median(beside), statistics.median(alone)
    results.add("orders committed while they are settled, one store", share, "orders/s", beside=own, limit="none settled meanwhile")


async def _without(till: Till, results: Any) -> None:
    """Orders committed with their rollups beside the same commits without."""
    own = [await till.rate() for _ in range(3)]
    kept = roll.before, roll.after

    async def nothing(_: Any, **__: Any) -> None:
        """No rollups."""

    try:
        roll.before = roll.after = nothing
        bare = [await till.rate() for _ in range(3)]
    finally:
        roll.before, roll.after = kept
    results.add(
        "orders committed with rollups, one store", statistics.median(own), "orders/s",
        beside=statistics.median(bare), limit="facts alone", bar=">= 0.67",
    )  # fmt: skip


def run(url: str, lines: int, results: Any) -> None:
    asyncio.run(measure(url, lines, results))

"""New orders are summed as they came, without looking them up: `rebuild`, which looks every order up, must find the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from .shop_events import cancelled, line, placed, product, refunded

SKUS, CATEGORIES = "ABCD", ("tea", "cups", None)
BEGIN = datetime(2026, 3, 27, tzinfo=UTC)


class Dice(Random):
    """Draws what a shop knows of its products, and orders that lean on it."""

    def instant(self) -> str:
        return (BEGIN + timedelta(minutes=self.randrange(4 * 24 * 60))).isoformat()

    def described(self) -> list[dict[str, Any]]:
        """Products with no cost, one or several; with a category or without."""
        return [
            product(
                sku,
                self.instant(),
                event=f"{sku}{n}",
                **self.some(category=self.choice(CATEGORIES), unit_cost=self.choice([None, 100 * n + 7])),
            )
            for sku in SKUS
            for n in range(self.choice([0, 1, 1, 2, 3]))
        ]

    def some(self, **values: Any) -> dict[str, Any]:
        return {name: value for name, value in values.items() if value is not None}

    def line(self) -> dict[str, Any]:
        more = self.some(category=self.choice(CATEGORIES), unit_cost=self.choice([None, None, 333]))
        return line(
            self.choice(SKUS[:3] if self.random() < 0.8 else SKUS),
            self.choice([-2, 1, 1, 2, 3]),
            self.randrange(5000),
            discount=self.randrange(50),
            **more,
        )

    def order(self, number: int) -> dict[str, Any]:
        about = self.some(
            customer_id=self.choice(["x", "y", "z", None]), channel=self.choice(["web", None]), country=self.choice(["DE", None])
        )
        return placed(str(number), self.instant(), *(self.line() for _ in range(self.randint(1, 4))), **about)

    def early(self, number: int) -> dict[str, Any]:
        """What is told of an order before the order itself."""
        if self.random() < 0.5:
            return cancelled(str(number), self.instant())
        return refunded(str(number), "r", self.instant(), lines=[{"sku": self.choice(SKUS), "quantity": 1, "amount": self.randrange(3000)}])


@pytest.mark.parametrize("seed", range(12))
async def test_new_orders_add_what_a_rebuild_finds(platform, seed):
    dice = Dice(seed)
    await platform.take(*dice.described(), *(dice.early(number) for number in range(3)))
    for parcel in (range(12), range(12, 15), range(15, 30)):
        await platform.take(*(dice.order(number) for number in parcel))
    assert (await platform.rebuild()).differences == []


async def test_an_order_told_twice_in_a_parcel_counts_once(platform):
    first, second = (
        placed("1", "2026-03-03T12:00:00Z", line("A", 1, 100), event="a"),
        placed("1", "2026-03-03T13:00:00Z", line("B", 1, 300), event="b"),
    )
    await platform.take(first, second, placed("2", "2026-03-03T14:00:00Z", line("A", 1, 500)))
    await platform.take(first, placed("3", "2026-03-03T14:00:00Z", line("A", 1, 500)))
    assert await platform.rows("select orders_net, sales_net from rollup_days where dim = 'all'") == [(3, 1300)]
    assert (await platform.rebuild()).differences == []

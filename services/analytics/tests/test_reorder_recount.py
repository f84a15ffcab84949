"""The reorder report says what a naive count of the raw events says: every figure of every product, and the sums of suppliers."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tillwise.testing import examples
from tillwise_common.contracts import reports
from tillwise_common.contracts.reports import Answer, ReportAnswer
from tillwise_common.contracts.stores import Store

from .conftest import Platform, emptied
from .naive_reorder import NaiveReorder, days, urgency
from .shop_events import cancelled, line, placed, product, refunded
from .stock_events import counted, moved, receipt, sale

STORES = [
    Store(id=7, name="berlin", currency="EUR", timezone="Europe/Berlin"),
    Store(id=8, name="york", currency="USD", timezone="America/New_York", week_start="sunday"),
]
# An ordinary Tuesday and Friday; half an hour after a week has begun, and before one ends, with clocks changed in the weeks before.
NOWS = [
    datetime(2026, 3, 31, 10, tzinfo=UTC), datetime(2026, 4, 3, 15, 45, tzinfo=UTC), datetime(2026, 3, 29, 22, 30, tzinfo=UTC),
    datetime(2026, 4, 5, 4, 30, tzinfo=UTC), datetime(2025, 11, 9, 22, 30, tzinfo=UTC),
]  # fmt: skip
QUESTIONS: dict[str, tuple[str, ...]] = {
    "service_level": ("0.5", "0.9", "0.999"), "lead_time_days": ("0", "3", "21.5", "60"), "lead_time_sd": ("0", "2.5"),
    "order_cost": ("0", "500", "20000"), "holding_rate": ("0.1", "2"), "review": ("7", "30"), "weeks": ("4", "6", "8", "30"),
    "due": ("true",), "by": ("supplier",), "sort": ("cost", "order", "days_of_cover", "sku"), "limit": ("1", "2"),
    "supplier": ("Leaf Ltd", ""), "category": ("tea", ""), "sku": ("A", "B"),
}  # fmt: skip
# None: the product does not say.
SAYS: dict[str, tuple[Any, ...]] = {
    "unit_cost": (None, None, 0, 35, 400), "lead_time_days": (None, 0, 2.5, 30), "lead_time_sd_days": (None, 0, 4),
    "pack_size": (None, 1, 6, 25), "min_order_quantity": (None, 0, 10, 200), "max_order_quantity": (None, None, 0, 4, 30, 150),
    "supplier": (None, "Leaf Ltd", "Cups & Co"), "category": (None, "tea", "cups"),
}  # fmt: skip


class Dice(Random):
    """Draws shops that sell in most weeks and run out now and then, and questions about them."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.now = self.choice(NOWS)
        # In a young shop stock is known, and orders come, from the middle of the weeks on.
        self.hours = self.choice([24 * 7 * 3, 24 * 7 * 7, 24 * 7 * 16])
        self.early = self.random() < 0.5

    def instant(self) -> str:
        if self.random() < 0.1:
            # Around the midnights of both shops, of the days on which a week begins and of others.
            midnight = self.now.replace(hour=self.choice([4, 5, 22, 23]), minute=0) - timedelta(days=self.randrange(1, self.hours // 24))
            return (midnight + timedelta(minutes=self.choice([-1, 0, 1]))).isoformat()
        return (self.now - timedelta(minutes=self.randrange(self.hours * 60))).isoformat()

    def order(self, number: int) -> dict[str, Any]:
        lines = [self.line() for _ in range(self.choice([1, 1, 2]))]
        # Some numbers come twice: corrections, also to other products and times.
        return placed(str(self.randrange(90)), self.instant(), *lines, event=f"e{number:03}")

    def line(self) -> dict[str, Any]:
        more = {"category": self.choice(["tea", "cups"])} if self.random() < 0.3 else {}
        more |= {"name": "It"} if self.random() < 0.3 else {}
        return line(self.choice("AABBBCE"), self.choice([-1, 1, 2, 3, 8]), self.randrange(1, 5000), **more)

    def stock(self, number: int) -> dict[str, Any]:
        sku, at, kind = self.choice("ABCDE"), self.instant(), self.random()
        if sku == "E" and self.early:
            # Its stock moved before the weeks that are asked for, and never since.
            at = (self.now - timedelta(weeks=14, minutes=self.randrange(60 * 24 * 7 * 16))).isoformat()
        place, about = self.choice(["main", "shop"]), {"sku": sku, "event": f"s{number:03}"}
        if kind < 0.25:
            return receipt(self.randrange(1, 60), at, self.choice([None, 90, 300]), place, **about)
        if kind < 0.6:
            return sale(self.randrange(1, 12), at, place, **about)
        if kind < 0.8:
            return counted(self.choice([0, 0, 0, 15]), at, place, **about)
        return moved(self.choice([-6, -1, 2, 6]), self.choice(["return", "transfer", "adjustment"]), at, place, **about)

    def other(self, number: int) -> dict[str, Any]:
        order, at, kind = str(self.randrange(90)), self.instant(), self.random()
        if kind < 0.3:
            return refunded(order, "r", at, event=f"r{number:03}", lines=[{"sku": self.choice("ABCD"), "quantity": 1, "amount": 100}])
        if kind < 0.6:
            return cancelled(order, at) | {"id": f"c{number:03}"}
        said = {name: value for name, values in SAYS.items() if (value := self.choice(values)) is not None}
        return product(self.choice("ABCDE"), at, event=f"d{number:03}", **said)

    def past(self) -> list[dict[str, Any]]:
        """Two or three years of weeks with a season, so that there is one to be found; some orders of them are cancelled."""
        events = []
        for week in range(self.choice([104, 107, 160])):
            at = (self.now - timedelta(weeks=week, hours=self.randrange(100))).isoformat()
            units = self.randrange(20, 30) * (2 if week % 52 in (3, 4, 5, 6, 7) else 1)
            events.append(placed(f"w{week}", at, line("B", units, 700, category="tea"), line("C", 3, 500, category="cups")))
            events += [cancelled(f"w{week}", at)] if self.random() < 0.15 else []
        return events

    def shop(self) -> list[dict[str, Any]]:
        events = [self.order(n) for n in range(self.choice([5, 40, 90]))] + [self.stock(n) for n in range(self.choice([6, 20, 40]))]
        events += [self.other(n) for n in range(self.randrange(20))] + (self.past() if self.random() < 0.2 else [])
        self.shuffle(events)
        return events

    def question(self) -> dict[str, str]:
        return {name: self.choice(values) for name, values in QUESTIONS.items() if self.random() < 0.2}


@pytest.mark.timeout(300)
@given(seed=st.integers(0, 2**64 - 1))
@settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
def test_reorder_is_what_a_naive_count_says(seed, postgres_server):
    dice = Dice(seed)
    shop, questions = dice.shop(), [{}, {"by": "supplier"}, *(dice.question() for _ in range(8))]
    asyncio.run(_check(shop, questions, dice, dice.choice(STORES), postgres_server.url))


async def _check(shop: list[dict[str, Any]], questions: list[dict[str, str]], dice: Dice, store: Store, url: str) -> None:
    async with emptied(url) as platform:
        platform.now = dice.now
        cut = dice.randrange(len(shop))
        for part in (shop[:cut], shop[cut:]):
            if part:
                await platform.take(*part, store=store)
                await platform.settle(store)
        naive = NaiveReorder(shop, store, dice.now)
        for question in questions:
            products = naive.products(question)
            single = {name: value for name, value in question.items() if name not in ("by", "limit")}
            answer = await _ask(platform, store, **{**single, "limit": "10000"})
            orders = _compare_products(answer, products, naive, single)
            if "due" in question:
                # The sums are over all products, and what is not to be ordered is in them.
                orders = dict.fromkeys(products, 0) | orders
            assert answer.totals == {name: _sums(products, orders)[name] for name in answer.totals}, question
            if "by" in question:
                _compare_suppliers(await _ask(platform, store, **question), products, orders, naive, question)
            elif "limit" in question:
                limited = await _ask(platform, store, **question)
                assert (limited.rows, limited.totals) == (answer.rows[: int(question["limit"])], answer.totals), question


async def _ask(platform: Platform, store: Store, **params: str) -> ReportAnswer:
    reply = await platform.ask(store, "reorder", **params)
    assert isinstance(reply, Answer), reply
    return reports.decode_answer(reply.body)


def _records(answer: ReportAnswer) -> list[dict[str, Any]]:
    return [dict(zip([column.name for column in answer.columns], row, strict=True)) for row in answer.rows]


def _exactly(value: Any) -> Any:
    return pytest.approx(value, rel=1e-9, abs=1e-9) if isinstance(value, float) else value


def _compare_products(
    answer: ReportAnswer, products: dict[str, dict[str, Any]], naive: NaiveReorder, question: dict[str, str]
) -> dict[str, int]:
    found = _records(answer)
    listed = {sku for sku, told in products.items() if "due" not in question or 0 not in told["orders"]}
    maybe = {sku for sku, told in products.items() if told["orders"] != {0}}
    shown = {row["sku"] for row in found}
    assert listed <= shown <= (maybe if "due" in question else listed), question
    for row in found:
        told, order = products[row["sku"]], row["order"]
        expected = {name: value for name, value in told.items() if name in row}
        assert {name: row[name] for name in expected} == {name: _exactly(value) for name, value in expected.items()}, question
        assert order in told["orders"], (row, told, question)
        assert row["urgency"] in urgency(told, order), (row, told, question)
        assert row["cost"] == _cost(told, order), (row, told, question)
        assert row["order_by"] in days(naive.now.astimezone(naive.zone), told["order_in"]), (row, told, question)
        assert row["stock_out_date"] in days(naive.now.astimezone(naive.zone), told["out_in"]), (row, told, question)
    for row, after in pairwise(found):
        first, then = _place(row, products, question), _place(after, products, question)
        assert first <= then or _all_but_equal(first, then), (question, first, then)
    return {row["sku"]: row["order"] for row in found}


def _all_but_equal(first: tuple[Any, ...], then: tuple[Any, ...]) -> bool:
    """Whether two places differ by a hair where they differ first, or in nothing but sums: their last bits decide then."""
    for one, other in zip(first, then, strict=True):
        if isinstance(one, float) and isinstance(other, float):
            return abs(one - other) < 1e-6
        if one != other:
            break
    return False


def _cost(told: dict[str, Any], order: int) -> int | None:
    return 0 if not order else None if told["unit_cost"] is None else round(told["unit_cost"] * order)


def _place(row: dict[str, Any], products: dict[str, dict[str, Any]], question: dict[str, str]) -> tuple[Any, ...]:
    match question.get("sort"):
        case "cost":
            return -(row["cost"] or 0), row["sku"]
        case "order":
            return -row["order"], row["sku"]
        case "days_of_cover":
            return row["days_of_cover"] is None, row["days_of_cover"], row["sku"]
        case "sku":
            return (row["sku"],)
    told, words = products[row["sku"]], ["out of stock", "order now", "order soon", "enough", "no demand"]
    return words.index(row["urgency"]), round(told["order_in"], 9) if told["demand_per_day"] else 0.0, row["sku"]


def _sums(products: dict[str, dict[str, Any]], orders: dict[str, int]) -> dict[str, int]:
    return {
        "products": len(products),
        "due": sum(orders[sku] > 0 for sku in products),
        "out_of_stock": sum(told["on_hand"] <= 0 and told["demand_per_day"] > 0 for told in products.values()),
        "order": sum(orders[sku] for sku in products),
        "cost": sum(_cost(told, orders[sku]) or 0 for sku, told in products.items()),
    }


def _compare_suppliers(
    answer: ReportAnswer, products: dict[str, dict[str, Any]], orders: dict[str, int], naive: NaiveReorder, question: dict[str, str]
) -> None:
    shown = {sku: told for sku, told in products.items() if "due" not in question or orders[sku]}
    expected = []
    for supplier in {told["supplier"] or "" for told in shown.values()}:
        own = {sku: told for sku, told in shown.items() if (told["supplier"] or "") == supplier}
        expected.append({"supplier": supplier, **_sums(own, orders)})
    expected.sort(key=lambda row: (-row["due"], -row["cost"], row["supplier"]))
    found = _records(answer)
    assert [{name: row[name] for name in told} for row, told in zip(found, expected, strict=False)] == expected[: len(found)], question
    assert len(found) == min(len(expected), int(question.get("limit", 500))), question
    for row in found:
        own = [told for told in shown.values() if (told["supplier"] or "") == row["supplier"]]
        assert row["order_by"] in days(naive.now.astimezone(naive.zone), min(told["order_in"] for told in own)), question
        assert row["stock_out_date"] in days(naive.now.astimezone(naive.zone), min(told["out_in"] for told in own)), question

"""The demo shop: believable, the same every time, and nothing that has not happened yet."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tillwise.demo.shop import ZONE, events
from tillwise_common.contracts import events as contract

NOW = datetime(2026, 3, 15, 13, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def year() -> list[dict[str, Any]]:
    return list(events(NOW))


def of(year: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in year if event["type"] == kind]


def at(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["occurred_at"]).astimezone(ZONE)


def test_every_event_is_one_that_the_gateway_takes(year: list[dict[str, Any]]) -> None:
    for event in year:
        contract.check(contract.one.decode(msgspec.json.encode(event)), "EUR")
    assert len({event["id"] for event in year}) == len(year)
    assert all(event["id"].startswith("demo:") for event in year)


def test_nothing_lies_in_the_future_or_before_the_year(year: list[dict[str, Any]]) -> None:
    assert max(at(event) for event in year) <= NOW
    assert min(at(event) for event in year).date() == NOW.date() - timedelta(days=365)
    assert any(at(event).date() == NOW.date() for event in of(year, "order.placed"))


def test_same_moment_makes_the_same_year(year: list[dict[str, Any]]) -> None:
    assert msgspec.json.encode(list(events(NOW))) == msgspec.json.encode(year)


def test_later_on_the_same_day_only_adds(year: list[dict[str, Any]]) -> None:
    later = {event["id"]: event for event in events(NOW + timedelta(hours=5))}
    assert all(later[event["id"]] == event for event in year)
    assert len(later) > len(year)


def test_numbers_are_those_of_a_real_shop(year: list[dict[str, Any]]) -> None:
    orders = of(year, "order.placed")
    assert 15_000 <= len(orders) <= 20_000
    assert 0.02 < len(of(year, "order.refunded")) / len(orders) < 0.05
    assert 0.005 < len(of(year, "order.cancelled")) / len(orders) < 0.015
    assert {order["data"]["channel"] for order in orders} == {"web", "pos", "marketplace"}
    assert {order["data"]["country"] for order in orders} == {"DE", "AT", "CH", "FR", "NL"}


def test_customers_come_back(year: list[dict[str, Any]]) -> None:
    visits = Counter(order["data"]["customer_id"] for order in of(year, "order.placed") if "customer_id" in order["data"])
    assert len(visits) > 4_000
    assert 0.3 < sum(count > 1 for count in visits.values()) / len(visits) < 0.8


def test_there_is_a_black_friday_a_christmas_and_growth(year: list[dict[str, Any]]) -> None:
    days = Counter(at(order).date() for order in of(year, "order.placed"))
    months = Counter(f"{day:%Y-%m}" for day in days.elements())
    assert date(2025, 11, 28) in [day for day, _ in days.most_common(3)]
    assert max(months, key=lambda month: months[month]) == "2025-12"
    assert months["2026-02"] / 28 > months["2025-04"] / 30


def test_cancelled_and_refunded_orders_exist_and_refunds_never_exceed_what_was_paid(year: list[dict[str, Any]]) -> None:
    paid = {
        order["data"]["order_id"]: sum(e["quantity"] * e["unit_price"] - e.get("discount", 0) for e in order["data"]["lines"])
        for order in of(year, "order.placed")
    }
    assert all(event["data"]["order_id"] in paid for event in of(year, "order.cancelled"))
    for event in of(year, "order.refunded"):
        assert sum(line["amount"] for line in event["data"]["lines"]) <= paid[event["data"]["order_id"]]


def test_counts_agree_with_the_movements_before_them(year: list[dict[str, Any]]) -> None:
    level: Counter[str] = Counter()
    differences = 0
    moves = [event for event in year if event["type"].startswith("stock.")]
    for event in sorted(moves, key=lambda event: (at(event), event["type"] == "stock.moved")):
        sku, quantity = event["data"]["sku"], event["data"]["quantity"]
        if event["type"] == "stock.counted":
            differences += level[sku] != quantity
            level[sku] = quantity
        else:
            level[sku] += quantity
    # Some, as in any shop, but few.
    assert differences < 0.3 * len(of(year, "stock.counted"))


def test_shop_does_not_sell_what_it_has_not(year: list[dict[str, Any]]) -> None:
    level: Counter[str] = Counter()
    below = sales = 0
    moves = [event for event in year if event["type"].startswith("stock.")]
    for event in sorted(moves, key=at):
        sku, quantity = event["data"]["sku"], event["data"]["quantity"]
        level[sku] = quantity if event["type"] == "stock.counted" else level[sku] + quantity
        if event["data"].get("reason") == "sale":
            sales += 1
            below += level[sku] < 0
    assert below / sales < 0.02

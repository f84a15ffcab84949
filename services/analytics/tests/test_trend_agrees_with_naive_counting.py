"""On generated shops, in any order of arrival, the trend says what a naive count of the events says."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tillwise.testing import examples
from tillwise.testing.naive_shop import NaiveShop
from tillwise_analytics.reports.trend import maths
from tillwise_common.contracts.stores import Store

from .conftest import emptied
from .shop_events import cancelled, line, placed, product, refunded

ZONE = "Europe/Berlin"
# Around the night on which the clocks go forward (2026-03-29), over a change of month.
FIRST, LAST = date(2026, 3, 20), date(2026, 4, 10)
METRICS = ("sales", "orders", "units", "customers", "new_customers", "average_order")
QUESTIONS: list[dict[str, str]] = [
    *({"metric": metric, "granularity": granularity, "basis": basis}
      for metric in METRICS for granularity in ("day", "week", "month") for basis in ("net", "gross")),
    *({"metric": metric, "by": by} for metric in METRICS for by in ("channel", "country", "category", "product")),
    {"metric": "sales", "channel": "web"}, {"metric": "customers", "country": "AT", "granularity": "week"},
    {"metric": "orders", "by": "product", "country": "DE"}, {"metric": "sales", "category": "tea", "by": "channel"},
]  # fmt: skip

instants = st.integers(0, 21 * 24 * 60).map(lambda m: (datetime(2026, 3, 20, 12, tzinfo=UTC) + timedelta(minutes=m)).isoformat())
skus, orders = st.sampled_from("ABC"), st.sampled_from(["1", "2", "3", "4"])
amounts = st.integers(0, 5000)
lines = st.builds(
    lambda sku, quantity, price, more: line(sku, quantity, price, **more),
    skus, st.integers(-2, 3), amounts,
    st.fixed_dictionaries({"discount": st.integers(0, 50)}, optional={"category": st.sampled_from(["tea", "cups"])}),
)  # fmt: skip


def _placed(
    key: int, order: str, at: str, wanted: list[Any], customer: str | None, channel: str | None, country: str | None
) -> dict[str, Any]:
    about = {name: value for name, value in (("customer_id", customer), ("channel", channel), ("country", country)) if value}
    return placed(order, at, *wanted, event=f"p{key}", **about)


def _refunded(key: int, order: str, refund: str, at: str, sku: str | None, amount: int) -> dict[str, Any]:
    given_back = {"lines": [{"sku": sku, "quantity": 1, "amount": amount}]} if sku else {"amount": amount}
    return refunded(order, refund, at, event=f"r{key}", **given_back)


keys = st.integers(0, 10_000)
events = st.one_of(
    st.builds(_placed, keys, orders, instants, st.lists(lines, min_size=1, max_size=3), st.sampled_from([None, "x", "y"]),
              st.sampled_from([None, "web", "pos"]), st.sampled_from([None, "DE", "AT"])),
    st.builds(_refunded, keys, orders, st.sampled_from("ab"), instants, st.one_of(st.none(), skus), amounts),
    st.builds(cancelled, orders, instants),
    st.builds(lambda sku, at, category: product(sku, at, event=f"d{sku}{at}{category}", category=category), skus, instants,
              st.sampled_from(["tea", "coffee"])),
)  # fmt: skip
shops = st.lists(events, max_size=14, unique_by=lambda event: event["id"])


@pytest.mark.timeout(300)
@given(shop=shops, data=st.data())
@settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
def test_any_order_of_arrival_with_repeats_ends_the_same(shop, data, postgres_server):
    arrival = data.draw(st.permutations(shop)) if shop else []
    repeats = data.draw(st.lists(st.sampled_from(arrival), max_size=4)) if arrival else []
    cuts = data.draw(st.lists(st.integers(0, len(arrival) + len(repeats)), max_size=4).map(sorted))
    asyncio.run(_check(shop, [*arrival, *repeats], cuts, postgres_server))


async def _check(shop: list[dict[str, Any]], arrival: list[dict[str, Any]], cuts: list[int], server: Any) -> None:
    store = Store(id=7, name="berlin", currency="EUR", timezone=ZONE)
    async with emptied(server.url) as platform:
        bounds = [0, *cuts, len(arrival)]
        for begin, end in pairwise(bounds):
            if arrival[begin:end]:
                await platform.take(*arrival[begin:end], store=store)
        assert (await platform.rebuild(store)).differences == []
        naive = NaiveShop(shop, ZONE)
        for question in QUESTIONS:
            await _compare(platform, store, naive, question)


async def _compare(platform: Any, store: Store, naive: NaiveShop, question: dict[str, str]) -> None:
    answer = await platform.trend(store, from_=str(FIRST), to=str(LAST), top="50", **question)
    filters = {
        "product" if name == "sku" else name: question[name] for name in ("channel", "country", "category", "sku") if name in question
    }
    granularity, by = question.get("granularity", "day"), question.get("by")

    def keep(entry: dict[str, Any]) -> bool:
        return FIRST <= entry["day"] <= LAST and all(entry[name] == value for name, value in filters.items())

    expected = naive.trend(lambda day: maths.begin(day, granularity, "monday"), question["metric"], question.get("basis", "net"), by, keep)
    value = [column.name for column in answer.columns].index("value")
    found = {(date.fromisoformat(row[0]), row[1] if by else ""): row[value] for row in answer.rows}
    assert {k: v for k, v in found.items() if v} == {k: v for k, v in expected.items() if v}, question

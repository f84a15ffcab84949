"""What the models are fitted on, and what cohorts brought, is what a naive count of the raw events says, on generated shops."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tillwise.testing import examples
from tillwise.testing.naive_shop import NaiveShop
from tillwise_analytics.reports.ltv import fetch, history, summary
from tillwise_analytics.reports.ltv.fetch import Extent
from tillwise_analytics.reports.ltv.history import Point
from tillwise_common.contracts.stores import Store

from .conftest import emptied
from .shop_events import cancelled, line, placed, refunded

STORE = Store(id=7, name="berlin", currency="EUR", timezone="Europe/Berlin")
# The clocks go forward on 29 March; the ends of months are drawn as often as all other days together.
EDGES = [date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 29), date(2026, 3, 31), date(2026, 4, 1), date(2026, 4, 30)]
BEGIN, LAST = date(2026, 2, 20), date(2026, 5, 20)
days = st.one_of(st.sampled_from(EDGES), st.integers(0, 75).map(lambda n: BEGIN + timedelta(days=n)))
minutes = st.one_of(st.sampled_from([0, 59, 1320, 1350, 1439]), st.integers(0, 1439))
instants = st.builds(lambda day, minute: (datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minute)).isoformat(),
                     days, minutes)  # fmt: skip
orders, customers = st.sampled_from("123456"), st.sampled_from(["x", "y", "z", None])
extras = st.fixed_dictionaries({}, optional={"unit_cost": st.integers(0, 900), "discount": st.integers(0, 50)})
lines = st.builds(lambda sku, quantity, price, more: line(sku, quantity, price, **more), st.sampled_from("AB"), st.integers(-1, 3),
                  st.integers(0, 5000), extras)  # fmt: skip


def _order(order: str, at: str, sold: list[dict[str, Any]], customer: str | None) -> dict[str, Any]:
    # A correction may name another customer.
    about = {} if customer is None else {"customer_id": customer}
    return placed(order, at, *sold, event=f"p{order}{at}", **about)


def _refund(order: str, at: str, amount: int) -> dict[str, Any]:
    return refunded(order, "r", at, event=f"r{order}{at}", amount=amount)


events = st.one_of(
    st.builds(_order, orders, instants, st.lists(lines, min_size=1, max_size=2), customers),
    st.builds(_order, orders, instants, st.lists(lines, min_size=1, max_size=2), customers),
    st.builds(_refund, orders, instants, st.integers(0, 3000)),
    st.builds(cancelled, orders, instants),
)  # fmt: skip
shops = st.lists(events, min_size=4, max_size=18, unique_by=lambda event: event["id"])


@pytest.mark.timeout(300)
@given(shop=shops, cut=st.integers(0, 18), again=st.integers(0, 3), until=days)
@settings(max_examples=examples(20), deadline=None, suppress_health_check=list(HealthCheck))
def test_customers_and_cohorts_are_what_a_naive_count_says(shop, cut, again, until, postgres_server):
    asyncio.run(_check(shop, cut, again, until, postgres_server.url))


async def _check(shop: list[dict[str, Any]], cut: int, again: int, until: date, url: str) -> None:
    async with emptied(url) as platform:
        # The later half first, and some events twice.
        for part in (shop[cut:], shop[:cut], shop[:again]):
            if part:
                await platform.take(*part, store=STORE)
        await platform.settle(STORE)
        naive = NaiveShop(shop, STORE.timezone)
        connection = await asyncpg.connect(url)
        try:
            for basis in ("net", "gross"):
                by_customer = _customers(naive, basis)
                await _compare_customers(connection, by_customer, basis, until)
                for end in (None, until):
                    cells = await history.fetch(connection, STORE.id, basis, end)
                    known = end or LAST - timedelta(days=1)
                    _compare_cohorts(history.curves(cells, end or LAST, known), by_customer, end or LAST, known)
        finally:
            await connection.close()


Days = dict[date, dict[str, int]]


def _customers(naive: NaiveShop, basis: str) -> dict[str, Days]:
    """Of each customer and day: orders, sales in the basis, margin in net."""
    found: dict[str, Days] = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    for entry in naive.entries(basis):
        if entry["customer"]:
            own = found[entry["customer"]][entry["day"]]
            own["sales"] += entry["sales"]
            own["orders"] += bool(entry["sold"])
    return found


async def _compare_customers(connection: Any, by_customer: dict[str, Days], basis: str, until: date) -> None:
    span, _ = await fetch.spans_to_fit(connection, STORE.id, basis == "gross", until, Extent(BEGIN, LAST, 3, LAST))
    customers = summary.parse(span.copied)
    found = {
        customer.decode(): (fetch.day(int(first)), fetch.day(int(last)), int(repeats), int(spend), int(sales), int(later))
        for customer, first, last, repeats, spend, sales, later in zip(
            customers.ids,
            customers.first,
            customers.last,
            customers.repeats,
            customers.spend,
            customers.sales,
            customers.later,
            strict=True,
        )
    }
    expected, repeats_on = {}, defaultdict(int)
    for customer, own in by_customer.items():
        bought = sorted(day for day, figures in own.items() if figures["orders"])
        before = [day for day in bought if day <= until]
        if not before:
            continue
        for day in bought[1:]:
            repeats_on[day] += 1

        def brought(since: date, own: Days = own) -> int:
            return sum(figures["sales"] for day, figures in own.items() if since <= day <= until)

        spend = brought(before[1]) if len(before) > 1 else 0
        expected[customer] = (before[0], before[-1], len(before) - 1, spend, brought(before[0]), len(bought) - len(before))
    assert found == expected
    assert {fetch.day(day): count for day, count in span.repeats} == repeats_on


def _compare_cohorts(points: list[Point], by_customer: dict[str, Days], last: date, known: date) -> None:
    first_of = {}
    for customer, own in by_customer.items():
        bought = [day for day, figures in own.items() if figures["orders"] and day <= last]
        if bought:
            first_of[customer] = min(bought)
    months = {first.replace(day=1) for first in first_of.values()}
    assert [(point.cohort, point.offset) for point in points] == [
        (month, offset) for month in sorted(months) for offset in range(last.month - month.month + 1)
    ]
    for point in points:
        own = [customer for customer, first in first_of.items() if first.replace(day=1) == point.cohort]
        end = date(2026, point.cohort.month + point.offset + 1, 1) - timedelta(days=1)
        days = [
            figures for customer in own for day, figures in by_customer[customer].items() if first_of[customer] <= day <= min(end, last)
        ]
        assert (point.customers, point.sales) == (len(own), sum(figures["sales"] for figures in days)), point
        assert point.complete == (end <= known)

"""The products report says what a naive count of the raw events says, on generated shops, for every filter."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from statistics import fmean, pstdev
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tillwise.testing import examples
from tillwise.testing.naive_shop import NaiveShop
from tillwise_common.contracts import reports
from tillwise_common.contracts.reports import Answer, ReportAnswer
from tillwise_common.contracts.stores import Store

from .conftest import Platform, emptied
from .shop_events import cancelled, line, placed, product, refunded

STORE = Store(id=7, name="berlin", currency="EUR", timezone="Europe/Berlin")
# The night on which the clocks go forward lies within; the period cuts a week at both ends.
FIRST, LAST = date(2026, 3, 4), date(2026, 4, 7)
# Days on which a period or a week begins or ends are drawn as often as all others together.
EDGES = [FIRST - timedelta(days=1), FIRST, LAST, LAST + timedelta(days=1)]
EDGES += [date(2026, 3, 8), date(2026, 3, 9), date(2026, 3, 29), date(2026, 4, 5), date(2026, 4, 6)]
days = st.one_of(st.sampled_from(EDGES), st.integers(0, 40).map(lambda n: date(2026, 3, 1) + timedelta(days=n)))
instants = st.builds(lambda day, minutes: (datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minutes)).isoformat(),
                     days, st.integers(0, 1439))  # fmt: skip
skus, orders = st.sampled_from("ABC"), st.sampled_from("123456")
lines = st.builds(
    lambda sku, quantity, price, more: line(sku, quantity, price, **more),
    skus, st.integers(-1, 4), st.integers(1, 5000),
    st.fixed_dictionaries({"discount": st.integers(0, 1)},
                          optional={"category": st.sampled_from(["tea", "cups"]), "unit_cost": st.integers(0, 900)}),
)  # fmt: skip


def _refunded(order: str, at: str, sku: str, amount: int) -> dict[str, Any]:
    return refunded(order, "r", at, event=f"r{order}{at}", lines=[{"sku": sku, "quantity": 1, "amount": amount}])


events = st.one_of(
    st.builds(lambda order, at, sold, channel: placed(order, at, *sold, event=f"p{order}{at}", channel=channel),
              orders, instants, st.lists(lines, min_size=1, max_size=3), st.sampled_from(["web", "pos"])),
    st.builds(_refunded, orders, instants, skus, st.integers(0, 3000)),
    st.builds(cancelled, orders, instants),
    st.builds(lambda sku, at, category: product(sku, at, category=category), skus, instants, st.sampled_from(["tea", "cups"])),
)  # fmt: skip
shops = st.lists(events, min_size=4, max_size=16, unique_by=lambda event: event["id"])
QUESTIONS: list[dict[str, str]] = [
    {},
    {"basis": "gross"},
    {"sku": "A"},
    {"channel": "web"},
    {"category": "tea"},
    {"channel": "pos", "basis": "gross"},
    {"category": ""},
]
NARROW = {"from_": "2026-03-10", "to": "2026-03-12"}


@pytest.mark.timeout(300)
@given(shop=shops, cut=st.integers(0, 16))
@settings(max_examples=examples(40), deadline=None, suppress_health_check=list(HealthCheck))
def test_products_are_what_a_naive_count_says(shop, cut, postgres_server):
    asyncio.run(_check(shop, cut, postgres_server.url))


async def _check(shop: list[dict[str, Any]], cut: int, url: str) -> None:
    async with emptied(url) as platform:
        # The later half first: what comes late counts where it belongs.
        for part in (shop[cut:], shop[:cut]):
            if part:
                await platform.take(*part, store=STORE)
        assert (await platform.rebuild(STORE)).differences == []
        naive = NaiveShop(shop, STORE.timezone)
        for question in QUESTIONS:
            _compare(await asked(platform, from_=str(FIRST), to=str(LAST), **question), naive, FIRST, LAST, question)
        _compare(await asked(platform, **NARROW), naive, date(2026, 3, 10), date(2026, 3, 12), {})


async def asked(platform: Platform, **params: str) -> ReportAnswer:
    reply = await platform.ask(STORE, "products", **params)
    assert isinstance(reply, Answer), reply
    return reports.decode_answer(reply.body)


def _compare(answer: ReportAnswer, naive: NaiveShop, first: date, last: date, question: dict[str, str]) -> None:
    found = {row[0]: dict(zip([c.name for c in answer.columns], row, strict=True)) for row in answer.rows}
    expected = _naive(naive, first, last, question)
    assert set(found) == set(expected), question
    for sku, figures in expected.items():
        for name, value in figures.items():
            assert found[sku][name] == (pytest.approx(value, abs=1e-9) if isinstance(value, float) else value), (question, sku, name)
    assert answer.totals["sales"] == sum(figures["sales"] for figures in expected.values())


def _naive(naive: NaiveShop, first: date, last: date, question: dict[str, str]) -> dict[str, dict[str, Any]]:
    basis = question.get("basis", "net")
    names = {"sku": "product"}
    filters = {names.get(name, name): value for name, value in question.items() if name != "basis"}

    def kept(entries: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
        by_sku = defaultdict(list)
        for entry in entries:
            if first <= entry["day"] <= last and all(entry[name] == value for name, value in filters.items()) and entry["product"]:
                by_sku[entry["product"]].append(entry)
        return by_sku

    own, demand = kept(naive.entries(basis)), kept(naive.demand(basis))
    figures = {}
    for sku in sorted(set(own) | set(demand)):
        entries = own[sku]
        orders, units, sales = len({e["order"] for e in entries if e["sold"]}), _sum(entries, "units"), _sum(entries, "sales")
        figures[sku] = {"orders": orders, "units": units, "sales": sales} | _demand(naive, sku, demand[sku], basis, first, last)
    return {sku: one for sku, one in figures.items() if one["orders"] or one["units"] or one["sales"]}


def _demand(naive: NaiveShop, sku: str, entries: list[dict[str, Any]], basis: str, first: date, last: date) -> dict[str, Any]:
    sold = [e["day"] for e in naive.demand(basis) if e["product"] == sku and e["sold"]]
    weeks, day = [], first
    while day <= last:
        monday = day - timedelta(days=day.weekday())
        whole = monday >= first and monday + timedelta(days=6) <= last
        if whole and monday not in weeks and (not sold or monday >= min(sold) - timedelta(days=min(sold).weekday())):
            weeks.append(monday)
        day += timedelta(days=1)
    demand = [sum(e["units"] for e in entries if monday <= e["day"] < monday + timedelta(days=7)) for monday in weeks]
    if not sold or len(demand) < 2 or sum(demand) == 0:
        return {"variation": None}
    return {"variation": pstdev(demand) / fmean(demand)}


def _sum(entries: list[dict[str, Any]], name: str) -> int:
    return sum(entry[name] for entry in entries)

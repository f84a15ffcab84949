"""The retention report says what a naive count of the raw events says: for every cohort, period, mode, measure, basis and filter."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tillwise_common.contracts import reports
from tillwise_common.contracts.reports import Answer, ReportAnswer
from tillwise_common.contracts.stores import Store

from .conftest import Platform, emptied
from .naive_retention import NaiveRetention
from .shop_events import cancelled, line, placed, product, refunded

STORES = [
    Store(id=7, name="berlin", currency="EUR", timezone="Europe/Berlin"),
    Store(id=8, name="york", currency="USD", timezone="America/New_York", week_start="sunday"),
]
# In both places clocks go forward within these days, and months and weeks end; today lies inside of them.
FIRST, LAST, NOW = date(2026, 2, 3), date(2026, 4, 17), datetime(2026, 4, 15, 12, tzinfo=UTC)
EDGES = [date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 8), date(2026, 3, 9), date(2026, 3, 29), date(2026, 3, 31), date(2026, 4, 1)]
EDGES += [FIRST - timedelta(days=4), FIRST, LAST, NOW.date()]
days = st.one_of(st.sampled_from(EDGES), st.integers(0, 80).map(lambda n: date(2026, 1, 29) + timedelta(days=n)))
# Midnight in the shops is 23:00 or 22:00, and 5:00 or 4:00, in UTC.
minutes = st.one_of(st.sampled_from([0, 4 * 60 + 30, 5 * 60 + 30, 21 * 60 + 30, 22 * 60 + 30, 23 * 60 + 30]), st.integers(0, 1439))
instants = st.builds(lambda day, at: (datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=at)).isoformat(),
                     days, minutes)  # fmt: skip
skus, orders = st.sampled_from("ABC"), st.sampled_from("123456789")
lines = st.builds(
    lambda sku, quantity, price, more: line(sku, quantity, price, **more),
    skus, st.integers(-1, 4), st.integers(1, 5000),
    st.fixed_dictionaries({"discount": st.integers(0, 1)},
                          optional={"category": st.sampled_from(["tea", "cups"]), "unit_cost": st.integers(0, 900)}),
)  # fmt: skip
channels, countries = st.sampled_from(["web", "pos"]), st.sampled_from(["DE", "AT"])
about = st.fixed_dictionaries({}, optional={"customer_id": st.sampled_from("vwxyz"), "channel": channels, "country": countries})


def _refunded(order: str, at: str, sku: str, amount: int, *, whole: bool) -> dict[str, Any]:
    what = {"amount": amount} if whole else {"lines": [{"sku": sku, "quantity": 1, "amount": amount}]}
    return refunded(order, "r", at, event=f"r{order}{at}", **what)


placements = st.builds(lambda order, at, sold, more: placed(order, at, *sold, event=f"p{order}{at}", **more),
                       orders, instants, st.lists(lines, min_size=1, max_size=2), about)  # fmt: skip
others = st.one_of(
    st.builds(_refunded, orders, instants, skus, st.integers(0, 3000), whole=st.booleans()),
    st.builds(cancelled, orders, instants),
    st.builds(lambda sku, at, category: product(sku, at, category=category), skus, instants, st.sampled_from(["tea", "cups"])),
)  # fmt: skip
shops = st.lists(st.one_of(placements, placements, placements, others), min_size=6, max_size=24, unique_by=lambda event: event["id"])
questions = st.fixed_dictionaries(
    {"period": st.sampled_from(["day", "week", "month", "month", "week"]), "periods": st.sampled_from(["1", "3", "11"])},
    optional={
        "cohort": st.just("recurring"),
        "mode": st.sampled_from(["on_or_after", "rolling"]),
        "measure": st.sampled_from(["revenue", "margin", "orders"]),
        "min_orders": st.just("2"),
        "basis": st.just("gross"),
        "by": st.sampled_from(["channel", "country", "category"]),
        "top": st.sampled_from(["1", "2"]),
        "channel": st.sampled_from(["web", ""]),
        "country": st.sampled_from(["DE", ""]),
        "category": st.sampled_from(["tea", ""]),
    },
)


@pytest.mark.timeout(300)
@given(shop=shops, asked=st.lists(questions, min_size=6, max_size=6), cut=st.integers(0, 24), store=st.sampled_from(STORES))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_retention_is_what_a_naive_count_says(shop, asked, cut, store, postgres_server):
    asyncio.run(_check(shop, asked, cut, store, postgres_server.url))


async def _check(shop: list[dict[str, Any]], asked: list[dict[str, str]], cut: int, store: Store, url: str) -> None:
    async with emptied(url) as platform:
        platform.now = NOW
        # The later half first: what comes late moves customers to where they belong.
        for part in (shop[cut:], shop[:cut]):
            if part:
                await platform.take(*part, store=store)
                await platform.settle(store)
        naive = NaiveRetention(shop, store.timezone, store.week_start, NOW.date())
        for question in asked:
            answer = await _ask(platform, store, from_=str(FIRST), to=str(LAST), **question)
            rows = naive.rows(question, FIRST, LAST)
            _compare(answer, rows, question)
            _compare_waiting(answer, naive, question)
            if rows and "by" not in question:
                await _compare_customers(platform, store, naive, question, rows[-1])


async def _ask(platform: Platform, store: Store, **params: str) -> ReportAnswer:
    reply = await platform.ask(store, "retention", **params)
    assert isinstance(reply, Answer), reply
    return reports.decode_answer(reply.body)


def _compare(answer: ReportAnswer, rows: list[tuple[Any, ...]], question: dict[str, str]) -> None:
    found = [tuple(row) if "by" in question else (row[0], "", *row[1:]) for row in answer.rows]
    assert [row[:4] + row[6:] for row in found] == [row[:4] + row[6:] for row in rows], question
    assert [row[4] for row in found] == [pytest.approx(row[4]) for row in rows], question
    assert [row[5] for row in found] == [None if row[5] is None else pytest.approx(row[5]) for row in rows], question
    told = {(mean.get("group", ""), mean["offset"]): (mean["share"], mean["cohorts"], mean["size"]) for mean in answer.totals["average"]}
    complete = [row for row in rows if row[6] and row[5] is not None]
    assert set(told) == {(row[1], row[3]) for row in complete}
    for (group, offset), (share, cohorts, size) in told.items():
        own = [row for row in complete if (row[1], row[3]) == (group, offset)]
        assert (cohorts, size) == (len(own), sum(row[2] for row in own))
        assert share == pytest.approx(sum(row[2] * row[5] for row in own) / size)


def _compare_waiting(answer: ReportAnswer, naive: NaiveRetention, question: dict[str, str]) -> None:
    told = answer.totals["time_between_orders"]
    if len({"channel", "country", "category"} & set(question)) > 1:
        assert told is None
        return
    gaps, since = naive.waiting(question)
    assert (told["orders"], told["customers"]) == (len(gaps), len(since))
    left, expected = 1.0, {}
    for days in sorted(set(gaps)):
        at_risk = sum(one >= days for one in gaps + since)
        left *= 1 - gaps.count(days) / at_risk
        expected[days] = (at_risk, gaps.count(days), pytest.approx(left))
    assert {step["days"]: (step["at_risk"], step["events"], step["waiting"]) for step in told["curve"]} == expected


async def _compare_customers(
    platform: Platform, store: Store, naive: NaiveRetention, question: dict[str, str], cell: tuple[Any, ...]
) -> None:
    """Who is behind a cell, and who is not."""
    cohort, offset = date.fromisoformat(cell[0]), cell[3]
    people, members = naive.customers(question.get("basis", "net")), naive.members(question, cohort)
    for returned in (True, False):
        where = {"customers_of": str(cohort), "offset": str(offset), "returned": str(returned).lower()}
        asked = {name: value for name, value in question.items() if name not in ("top", "periods", "measure")}
        answer = await _ask(platform, store, **asked, **where)
        expected = {}
        for name, history in members.items():
            if naive.came_back(question, history, offset) == returned:
                last = len(history) if question.get("mode") == "on_or_after" else min(offset + 1, len(history))
                within = history[offset:last]
                expected[name] = [
                    people[name].first.isoformat(), people[name].active()[-1].isoformat(),
                    sum(done[0] for done in within), sum(done[1] for done in within),
                ]  # fmt: skip
        assert {row[0]: row[1:] for row in answer.rows} == expected, (question, where)
        assert answer.totals["customers"] == len(expected)

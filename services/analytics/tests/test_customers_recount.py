"""The customers report says what a naive count of the raw events says, on generated shops, today and on days in the past."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tillwise.testing import examples
from tillwise.testing.naive_customers import concentration, customers
from tillwise.testing.naive_shop import NaiveShop
from tillwise_analytics.reports.customers.segments import SEGMENTS
from tillwise_common.contracts import reports
from tillwise_common.contracts.reports import Answer, ReportAnswer

from .conftest import BERLIN, Platform, emptied
from .shop_events import cancelled, line, placed, product, refunded

FIRST, TODAY = date(2026, 3, 1), date(2026, 4, 15)
# Few days and amounts, so that many tie; the night on which the clocks go forward lies within.
days = st.sampled_from([0, 3, 7, 14, 27, 28, 29, 40]).map(lambda n: FIRST + timedelta(days=n))
instants = st.builds(
    lambda day, hour: datetime(day.year, day.month, day.day, hour, 30, tzinfo=UTC).isoformat(), days, st.sampled_from([0, 12, 21, 22, 23])
)
orders = st.integers(0, 14).map(str)
people = st.one_of(st.integers(1, 9).map(lambda n: f"c{n}"), st.none())
lines = st.builds(
    lambda sku, quantity, price, more: line(sku, quantity, price, **more),
    st.sampled_from("AB"), st.sampled_from([-1, 1, 1, 2]), st.sampled_from([50, 1000, 1001, 1010, 70_000]),
    st.fixed_dictionaries({"discount": st.sampled_from([0, 0, 60])}, optional={"category": st.sampled_from(["tea", "cups"])}),
)  # fmt: skip


def _placed(order: str, at: str, sold: list[dict[str, Any]], customer: str | None, channel: str) -> dict[str, Any]:
    who = {"customer_id": customer} if customer else {}
    return placed(order, at, *sold, event=f"p{order}{at}", channel=channel, **who)


# The same order twice is a correction, perhaps of another customer's; what comes for no order yet waits for it.
events = st.one_of(
    st.builds(_placed, orders, instants, st.lists(lines, min_size=1, max_size=2), people, st.sampled_from(["web", "pos"])),
    st.builds(_placed, orders, instants, st.lists(lines, min_size=1, max_size=2), people, st.sampled_from(["web", "pos"])),
    st.builds(lambda order, at, amount: refunded(order, "r", at, event=f"r{order}{at}", amount=amount),
              orders, instants, st.sampled_from([10, 1000, 200_000])),
    st.builds(cancelled, orders, instants),
    st.builds(lambda sku, at, category: product(sku, at, category=category), st.sampled_from("AB"), instants, st.just("tea")),
)  # fmt: skip
shops = st.lists(events, min_size=5, max_size=30, unique_by=lambda event: event["id"])
# Days between the generated ones, and such days.
past = st.sampled_from([str(FIRST + timedelta(days=n)) for n in (0, 3, 10, 28, 29, 40)])
questions = st.fixed_dictionaries(
    {},
    optional={
        "basis": st.just("gross"),
        "as_of": past,
        "channel": st.sampled_from(["web", "pos"]),
        "category": st.sampled_from(["tea", ""]),
    },
)


@pytest.mark.timeout(300)
@given(shop=shops, cut=st.integers(0, 30), question=questions, since=past)
@settings(max_examples=examples(30), deadline=None, suppress_health_check=list(HealthCheck))
def test_customers_are_what_a_naive_count_says(shop, cut, question, since, postgres_server):
    asyncio.run(_check(shop, cut, question, since, postgres_server.url))


async def _check(shop: list[dict[str, Any]], cut: int, question: dict[str, str], since: str, url: str) -> None:
    async with emptied(url) as platform:
        platform.now = datetime(2026, 4, 15, 12, tzinfo=UTC)
        # The later half first, and settled: what comes late moves customers from where they were.
        for part in (shop[cut:], shop[:cut]):
            if part:
                await platform.take(*part)
                await platform.settle()
        assert (await platform.rebuild()).differences == []
        naive = NaiveShop(shop, BERLIN.timezone)
        for asks in ({}, question):
            await _compare(platform, naive, asks)
        if since < question.get("as_of", str(TODAY)):
            await _compare_movement(platform, naive, question, since)


async def asked(platform: Platform, **params: str) -> ReportAnswer:
    reply = await platform.ask(report="customers", **params)
    assert isinstance(reply, Answer), reply
    return reports.decode_answer(reply.body)


def _naive(naive: NaiveShop, question: dict[str, str]) -> dict[str, dict[str, Any]]:
    found = customers(naive, question.get("basis", "net"), date.fromisoformat(question.get("as_of", str(TODAY))))
    filters = {name: question[name] for name in ("channel", "category") if name in question}
    return {name: one for name, one in found.items() if all(one[by] == value for by, value in filters.items())}


async def _compare(platform: Platform, naive: NaiveShop, question: dict[str, str]) -> None:
    expected = _naive(naive, question)
    listing = await asked(platform, level="customer", **question)
    names = [column.name for column in listing.columns]
    found = {row[0]: dict(zip(names, row, strict=True)) for row in listing.rows}
    assert {name: _said(one) for name, one in found.items()} == {
        name: (one["segment"], one["recency"], one["frequency"], one["monetary"], str(one["last"]), str(one["first"]), one["orders"],
               one["sales"], one["channel"], one["category"])
        for name, one in expected.items()
    }, question  # fmt: skip
    answer = await asked(platform, **question)
    counted = Counter(one["segment"] for one in expected.values())
    if answer.rows:
        assert [(row[0], row[2]) for row in answer.rows] == [(name, counted[name]) for name in SEGMENTS]
        for row in answer.rows:
            assert (row[4], row[6]) == _sums([one for one in expected.values() if one["segment"] == row[0]]), question
    assert (answer.totals["sales"], answer.totals["orders"]) == _sums(list(expected.values()))
    _compare_concentration(answer.totals["concentration"], [one["sales"] for one in expected.values()])


def _said(one: dict[str, Any]) -> tuple[Any, ...]:
    return (
        one["segment"], one["recency_score"], one["frequency_score"], one["monetary_score"], one["last_order"], one["first_order"],
        one["orders"], one["sales"], one["channel"], one["category"],
    )  # fmt: skip


def _sums(found: list[dict[str, Any]]) -> tuple[int, int]:
    return sum(one["sales"] for one in found), sum(one["orders"] for one in found)


def _compare_concentration(said: dict[str, Any], sales: list[int]) -> None:
    best, spent, share, gini = concentration(sales)
    assert (said["customers"], said["sales"], said["share"]) == (best, spent, share)
    assert said["gini"] == (None if gini is None else pytest.approx(gini, abs=0.004))


async def _compare_movement(platform: Platform, naive: NaiveShop, question: dict[str, str], since: str) -> None:
    now = _naive(naive, question)
    then = customers(naive, question.get("basis", "net"), date.fromisoformat(since))
    was = {name: then[name]["segment"] if name in then else "not_yet" for name in now}
    answer = await asked(platform, since=since, **question)
    expected = Counter((was[name], one["segment"]) for name, one in now.items())
    assert {(row[0], row[1]): row[3] for row in answer.rows} == dict(expected), (question, since)
    assert sum(row[5] for row in answer.rows) == _sums(list(now.values()))[0]
    if expected:
        (came, went), count = expected.most_common(1)[0]
        listing = await asked(platform, since=since, previous=came, segment=went, **question)
        assert len(listing.rows) == count
        assert all(was[row[0]] == came == row[2] for row in listing.rows)

"""The retention report says what a naive count of the raw events says: for every cohort, period, mode, measure, basis and filter."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
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
# Midnight in the shops is 22:00 or 23:00, and 4:00 or 5:00, in UTC.
NIGHTS = [0, 4 * 60 + 30, 5 * 60 + 30, 21 * 60 + 30, 22 * 60 + 30, 23 * 60 + 30]
FEATURES: dict[str, tuple[str, ...]] = {
    "cohort": ("recurring",), "mode": ("on_or_after", "rolling"), "measure": ("revenue", "margin", "orders"), "min_orders": ("2",),
    "basis": ("gross",), "by": ("channel", "country", "category"), "top": ("1", "2"),
    "channel": ("web", ""), "country": ("DE", ""), "category": ("tea", ""),
}  # fmt: skip


class Dice(Random):
    """Draws shops that are dense enough for customers to come back, and questions about them."""

    def instant(self) -> str:
        day = self.choice(EDGES) if self.random() < 0.4 else date(2026, 1, 29) + timedelta(days=self.randrange(80))
        minutes = self.choice(NIGHTS) if self.random() < 0.5 else self.randrange(1440)
        return (datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minutes)).isoformat()

    def line(self) -> dict[str, Any]:
        more: dict[str, Any] = {"discount": self.randrange(2)}
        if self.random() < 0.5:
            more["category"] = self.choice(["tea", "cups"])
        if self.random() < 0.6:
            more["unit_cost"] = self.randrange(900)
        return line(self.choice("ABC"), self.choice([-1, 1, 1, 2, 3]), self.randrange(1, 5000), **more)

    def placed(self, number: int) -> dict[str, Any]:
        about = {"channel": self.choice(["web", "pos", None]), "country": self.choice(["DE", "AT", None])}
        about["customer_id"] = self.choice("xyz") if self.random() < 0.9 else None
        named = {name: value for name, value in about.items() if value}
        lines = [self.line() for _ in range(self.choice([1, 1, 2]))]
        # Some numbers come twice: corrections, also to another customer.
        return placed(str(self.randrange(24)), self.instant(), *lines, event=f"e{number:02}", **named)

    def other(self, number: int) -> dict[str, Any]:
        order, at, kind = str(self.randrange(24)), self.instant(), self.random()
        if kind < 0.5:
            amount = self.randrange(3000)
            what = {"amount": amount} if kind < 0.2 else {"lines": [{"sku": self.choice("ABC"), "quantity": 1, "amount": amount}]}
            return refunded(order, "r", at, event=f"e{number:02}", **what)
        if kind < 0.8:
            return cancelled(order, at) | {"id": f"e{number:02}"}
        return product(self.choice("ABC"), at, event=f"e{number:02}", category=self.choice(["tea", "cups"]))

    def shop(self) -> list[dict[str, Any]]:
        return [self.other(n) if self.random() < 0.2 else self.placed(n) for n in range(self.randrange(8, 36))]

    def question(self) -> dict[str, str]:
        asked = {name: self.choice(values) for name, values in FEATURES.items() if self.random() < 0.2}
        return {"period": self.choice(["day", "week", "week", "month", "month"]), "periods": self.choice(["3", "11"]), **asked}


@pytest.mark.timeout(300)
@given(seed=st.integers(0, 2**64 - 1))
@settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
def test_retention_is_what_a_naive_count_says(seed, postgres_server):
    dice = Dice(seed)
    shop, questions = dice.shop(), [dice.question() for _ in range(10)]
    asyncio.run(_check(shop, questions, dice.randrange(len(shop)), dice.choice(STORES), postgres_server.url))


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

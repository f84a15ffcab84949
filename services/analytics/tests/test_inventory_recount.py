"""The inventory report says what a naive count of single units and orders says, on generated shops."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tillwise.testing import examples
from tillwise.testing.naive_shop import NaiveShop
from tillwise.testing.naive_stock import NaiveStock, at_of
from tillwise_common.contracts import reports
from tillwise_common.contracts.reports import Answer

from .conftest import BERLIN, Platform, emptied
from .shop_events import cancelled, line, placed
from .stock_events import counted, moved, receipt

ZONE = ZoneInfo(BERLIN.timezone)
DAY = 86_400_000_000
NOW = datetime(2026, 4, 14, 9, 30, tzinfo=UTC)
# Around the begins of the periods asked for, a Monday and a Wednesday, and the night on which clocks go forward.
EDGES = [date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4), date(2026, 3, 5), date(2026, 3, 29), date(2026, 4, 14)]
days = st.one_of(st.sampled_from(EDGES), st.integers(0, 48).map(lambda n: date(2026, 2, 25) + timedelta(days=n)))
instants = st.builds(lambda day, minutes: (datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minutes)).isoformat(),
                     days, st.integers(0, 560))  # fmt: skip
skus, places = st.sampled_from("AB"), st.sampled_from(["main", "shop"])
costs = st.sampled_from([None, 100, 250])
events = st.one_of(
    st.builds(lambda n, at, cost, place, sku: receipt(n, at, cost, place, sku=sku), st.integers(1, 9), instants, costs, places, skus),
    st.builds(lambda n, why, at, place, sku: moved(n, why, at, place, sku=sku), st.sampled_from([-4, -2, -1, 1, 2]),
              st.sampled_from(["sale", "sale", "return", "transfer", "adjustment"]), instants, places, skus),
    st.builds(lambda n, at, place, sku: counted(n, at, place, sku=sku), st.integers(0, 6), instants, places, skus),
    st.builds(lambda at, sku, n, price: placed(f"{sku}{at}", at, line(sku, n, price, unit_cost=70)),
              instants, skus, st.integers(1, 5), st.integers(100, 900)),
    st.builds(lambda at, sku, later: cancelled(f"{sku}{at}", later), instants, skus, instants),
)  # fmt: skip


@pytest.mark.timeout(300)
@given(shop=st.lists(events, min_size=3, max_size=18, unique_by=lambda event: event["id"]), cut=st.integers(0, 18))
@settings(max_examples=examples(20), deadline=None, suppress_health_check=list(HealthCheck))
def test_inventory_is_what_a_naive_count_says(shop, cut, postgres_server):
    asyncio.run(_check(shop, cut, postgres_server.url))


async def _check(shop: list[dict[str, Any]], cut: int, url: str) -> None:
    async with emptied(url) as platform:
        platform.now = NOW
        # The later half first: what comes late counts where it belongs.
        for part in (shop[cut:], shop[:cut]):
            if part:
                await platform.take(*part)
        for first, last in ((date(2026, 3, 2), None), (date(2026, 3, 4), None), (date(2026, 3, 4), date(2026, 3, 28))):
            await _compare(platform, shop, first, last)


async def _compare(platform: Platform, shop: list[dict[str, Any]], first: date, last: date | None) -> None:
    asked = {"from_": str(first)} | ({"to": str(last)} if last else {})
    reply = await platform.ask(report="inventory", **asked)
    assert isinstance(reply, Answer), reply
    answer = reports.decode_answer(reply.body)
    found = {row[0]: dict(zip([column.name for column in answer.columns], row, strict=True)) for row in answer.rows}
    expected = {sku: figures for sku in "AB" if (figures := _naive(shop, sku, first, last)) is not None}
    assert set(found) == set(expected)
    for sku, figures in expected.items():
        told = {name: found[sku][name] for name in figures}
        assert told == {name: value if value is None else pytest.approx(value, rel=1e-6, abs=1e-3) for name, value in figures.items()}, (
            sku,
            asked,
        )


def _midnight(day: date) -> int:
    return at_of({"occurred_at": datetime(day.year, day.month, day.day, tzinfo=ZONE).isoformat()})


def _naive(shop: list[dict[str, Any]], sku: str, first: date, last: date | None) -> dict[str, Any] | None:
    begin, end = _midnight(first), at_of({"occurred_at": NOW.isoformat()})
    if last is not None:
        end = _midnight(last + timedelta(days=1))
    before, after = (NaiveStock([e for e in shop if at_of(e) < moment], sku, BERLIN.timezone) for moment in (begin, end))
    if not after.on_hand:
        return None
    was, now = before.until(begin), after.until(end)
    naive = NaiveShop(shop, BERLIN.timezone)
    gross = [e for e in naive.entries("gross") if e["product"] == sku and first <= e["day"] <= (last or NOW.date())]
    demand = [e for e in naive.demand() if e["product"] == sku and first <= e["day"] <= (last or NOW.date())]
    net = [e for e in NaiveShop(shop, BERLIN.timezone).entries("net") if e["product"] == sku and first <= e["day"] <= (last or NOW.date())]
    units = sum(e["units"] for e in demand) if gross else now["sold"] - was["sold"]
    starts = [_midnight(_first_told(min(e["day"] for e in demand), first, last or NOW.date()))] if demand else []
    starts += [after.since] if after.since is not None else []
    selling = (end - max(begin, min(starts, default=begin))) / DAY
    empty = (now["empty_time"] - was["empty_time"]) / DAY
    rate = units / max(selling - empty, 1) if selling > 0 else None
    left = after.total()
    lost = None if rate is None else rate * empty
    sold_net = sum(e["units"] for e in net)
    return {
        "on_hand": left,
        "in_transit": len(after.transit),
        "value": after.value(),
        "value_average": after.average[1],
        "sold": units,
        "sold_per_day": rate,
        "days_of_cover": max(left, 0) / rate if rate else None,
        "sell_through": units / (units + max(left, 0)) if units + max(left, 0) > 0 else None,
        "days_out": None if after.since is None else (now["out_time"] - was["out_time"]) / DAY,
        "lost_units": lost,
        "lost_sales": None if lost is None or sold_net <= 0 else round(lost * sum(e["sales"] for e in net) / sold_net),
        "turnover": _turnover(after, was, now, begin, end, sum(70 * e["units"] for e in net) if gross else 0, units, selling),
    }


def _first_told(day: date, first: date, last: date) -> date:
    """The day from which on an order is told: whole weeks as a whole, other days for themselves."""
    monday = day - timedelta(days=day.weekday())
    return monday if monday >= first and monday + timedelta(days=6) <= last else day


def _turnover(
    after: NaiveStock, was: dict[str, int], now: dict[str, int], begin: int, end: int, of_orders: int, units: int, selling: float
) -> float | None:
    tracked = 0 if after.since is None else (end - max(after.since, begin)) / DAY
    stock = (now["value_time"] - was["value_time"]) / DAY
    if tracked < 7 or stock <= 0:
        return None
    if now["sold"] > was["sold"]:
        cost, span = now["cost"] - was["cost"], tracked
    else:
        cost, span = of_orders, selling
    if cost == 0 and (units > 0 or now["sold"] > was["sold"]):
        return None
    return cost * 365 / span / (stock / tracked)

"""The age of stock: first in, first out, through transfers, returns, counts and debts, today and on any earlier day."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tillwise.testing import examples
from tillwise.testing.naive_stock import NaiveStock
from tillwise_analytics.reports.stock_ageing.columns import OFFERED
from tillwise_analytics.reports.stock_ageing.maths import Pile, aged, is_dead, labels
from tillwise_common.contracts import reports
from tillwise_common.contracts.reports import Answer, Refusal, ReportAnswer

from .conftest import BERLIN, Platform, emptied
from .shop_events import line, placed, product
from .stock_events import counted, moved, receipt, sale

NOW = datetime(2026, 6, 30, 10, tzinfo=UTC)
BERLIN_ZONE = ZoneInfo(BERLIN.timezone)


async def answer(platform: Any, **params: str) -> ReportAnswer:
    platform.now = platform.now or NOW
    reply = await platform.ask(report="stock-ageing", **params)
    assert isinstance(reply, Answer), reply
    return reports.decode_answer(reply.body)


def records(found: ReportAnswer) -> list[dict[str, Any]]:
    return [dict(zip([column.name for column in found.columns], row, strict=True)) for row in found.rows]


def test_a_bucket_ends_with_its_day():
    berlin, today = ZoneInfo("Europe/Berlin"), date(2026, 6, 30)
    ages = [0, 30, 31, 60, 61]
    received = [round(datetime(2026, 6, 30, tzinfo=berlin).timestamp() - 86400 * age) * 10**6 for age in ages]
    # A microsecond before a day begins is the day before.
    pile = Pile("A", None, [*received, received[1] - 1], [1, 10, 100, 1000, 10**4, 10**5], [2, 2, None, 2, 2, 2])
    found = aged([pile], today, berlin, [30, 60])["A", None]
    assert found.units == [11, 101_100, 10_000]
    assert found.values == [22, 202_000, 20_000]
    assert (found.unknown, found.quantity, found.value) == (100, 111_111, 222_022)
    assert found.oldest == date(2026, 4, 30)
    assert labels([30, 60]) == ["0_30", "31_60", "over_60"]
    assert found.age_sum == 10 * 30 + 100 * 31 + 1000 * 60 + 10**4 * 61 + 10**5 * 31


def test_sums_beyond_64_bits_are_exact():
    pile = Pile("A", None, [0, 1], [10**9, 10**9], [10**11, 10**11 - 1])
    assert aged([pile], date(2026, 6, 30), ZoneInfo("UTC"), [30])["A", None].value == 2 * 10**20 - 10**9


def test_only_what_lies_there_and_does_not_sell_is_dead():
    assert is_dead(1, 180, 180)
    assert not is_dead(1, 179, 180)
    assert not is_dead(0, 999, 180)
    assert not is_dead(1, None, 180)


@pytest.mark.parametrize(
    "events",
    [
        [counted(0, "2026-02-01T10:00:00Z"), counted(3, "2026-03-01T10:00:00Z")],
        [moved(-5, "adjustment", "2026-02-01T10:00:00Z"), moved(3, "adjustment", "2026-03-01T10:00:00Z")],
        [sale(5, "2026-02-01T10:00:00Z"), counted(3, "2026-03-01T10:00:00Z")],
        [counted(0, "2026-02-01T10:00:00Z"), counted(3, "2026-03-01T10:00:00Z", "cellar")],
    ],
)
async def test_what_is_found_where_nothing_lay_is_of_the_newest_delivery(platform, events):
    await platform.take(receipt(5, "2026-01-10T10:00:00Z", 100), *events)
    (row,) = records(await answer(platform))
    assert (row["on_hand"], row["value"], row["unknown"], row["oldest"]) == (3, 300, 0, "2026-01-10")


async def test_oldest_units_go_first_and_the_rest_is_told_by_age(platform):
    await platform.take(
        product("A", "2026-01-01T00:00:00Z", name="Green tea", category="tea"),
        receipt(10, "2026-01-10T10:00:00Z", 400),
        receipt(10, "2026-05-15T10:00:00Z", 500),
        receipt(5, "2026-06-20T10:00:00Z", None, event="free"),
        sale(6, "2026-06-21T10:00:00Z"),
    )
    found = await answer(platform)
    (tea,) = records(found)
    assert (tea["sku"], tea["name"], tea["on_hand"], tea["value"], tea["unknown"]) == ("A", "Green tea", 19, 4 * 400 + 10 * 500, 5)
    assert [tea[f"units_{one}"] for one in ("0_30", "31_60", "61_90", "91_180", "181_365", "over_365")] == [5, 10, 0, 4, 0, 0]
    assert [tea[f"value_{one}"] for one in ("0_30", "31_60", "91_180")] == [0, 5000, 1600]
    assert tea["average_age"] == pytest.approx((5 * 10 + 10 * 46 + 4 * 171) / 19)
    assert (tea["oldest"], tea["last_sale"], tea["idle_days"], tea["dead"]) == ("2026-01-10", "2026-06-21", 9, False)
    assert [one["units"] for one in found.totals["buckets"]] == [5, 10, 0, 4, 0, 0]
    assert sum(one["share"] for one in found.totals["buckets"]) == 1
    assert (found.params["as_of"], found.params["buckets"]) == ("2026-06-30", "30,60,90,180,365")


async def test_transfer_keeps_the_age_and_places_are_told_apart(platform):
    await platform.take(
        receipt(10, "2026-01-10T10:00:00Z", 400),
        moved(-4, "transfer", "2026-06-01T10:00:00Z"),
        moved(3, "transfer", "2026-06-02T10:00:00Z", "shop"),
    )
    (whole,) = records(await answer(platform))
    assert (whole["on_hand"], whole["in_transit"], whole["units_91_180"], whole["value"]) == (9, 1, 10, 4000)
    places = {one["location"]: one for one in records(await answer(platform, by="location"))}
    assert {name: (one["on_hand"], one["units_91_180"]) for name, one in places.items()} == {"main": (6, 6), "shop": (3, 3)}
    assert [one["location"] for one in records(await answer(platform, location="shop"))] == ["shop"]


async def test_return_restores_the_age_and_a_count_changes_none(platform):
    await platform.take(
        receipt(10, "2026-01-10T10:00:00Z", 400),
        receipt(5, "2026-06-20T10:00:00Z", 500),
        sale(12, "2026-06-21T10:00:00Z"),
        moved(2, "return", "2026-06-25T10:00:00Z"),
        counted(6, "2026-06-26T10:00:00Z"),
    )
    # The two that came back are of the delivery sold from last, in June; the one found is of the newest there is.
    (one,) = records(await answer(platform))
    assert (one["on_hand"], one["units_0_30"], one["units_91_180"]) == (6, 6, 0)


async def test_below_zero_nothing_lies_there_and_what_comes_is_gone(platform):
    await platform.take(receipt(2, "2026-06-01T10:00:00Z"), sale(5, "2026-06-02T10:00:00Z"))
    found = await answer(platform)
    (one,) = records(found)
    assert (one["on_hand"], one["value"], one["average_age"], one["oldest"], one["dead"]) == (-3, 0, None, None, False)
    assert found.totals["below_zero"] == 1
    await platform.take(receipt(4, "2026-06-10T10:00:00Z"))
    (one,) = records(await answer(platform))
    assert (one["on_hand"], one["units_0_30"], one["oldest"]) == (1, 1, "2026-06-10")


async def test_dead_stock_is_what_neither_movements_nor_orders_sell(platform):
    await platform.take(
        receipt(3, "2025-10-01T10:00:00Z", 900, sku="DEAD"),
        receipt(3, "2025-10-01T10:00:00Z", 100, sku="SOLD"),
        receipt(3, "2026-05-01T10:00:00Z", 100, sku="NEW"),
        placed("1", "2026-06-15T10:00:00Z", line("SOLD")),
    )
    found = await answer(platform, sort="dead")
    assert [(one["sku"], one["dead"], one["idle_days"]) for one in records(found)] == [
        ("DEAD", True, 272), ("NEW", False, 60), ("SOLD", False, 15),
    ]  # fmt: skip
    assert (found.totals["dead_products"], found.totals["dead_value"]) == (1, 2700)
    assert [one["bucket"] for one in found.totals["buckets"]] == ["0 to 30", "31 to 60", "61 to 90", "91 to 180", "181 to 365", "over 365"]
    assert [chart["title"] for chart in found.charts] == ["Value by age in days", "Dead stock by value"]
    assert [one["dead"] for one in records(await answer(platform, dead_after="10", sort="sku"))] == [True, True, True]


async def test_an_earlier_day_is_as_it_was_then_with_what_came_late(platform):
    await platform.take(receipt(10, "2026-03-01T10:00:00Z", 400), sale(4, "2026-04-15T21:59:00Z"), sale(1, "2026-04-15T22:01:00Z"))
    # A minute past ten in UTC's evening is the next day in Berlin's summer.
    (then,) = records(await answer(platform, as_of="2026-04-15"))
    assert (then["on_hand"], then["value"], then["units_31_60"], then["last_sale"]) == (6, 2400, 6, "2026-04-15")
    await platform.take(receipt(2, "2026-02-01T10:00:00Z", 100))
    (then,) = records(await answer(platform, as_of="2026-04-15"))
    assert (then["on_hand"], then["value"], then["oldest"]) == (8, 8 * 400, "2026-03-01")
    assert records(await answer(platform, as_of="2026-01-15")) == []


async def test_buckets_are_as_asked_and_wrong_ones_are_refused(platform):
    await platform.take(receipt(10, "2026-06-01T10:00:00Z", 400))
    found = await answer(platform, buckets="7,29")
    names = [f"{kind}_{one}" for kind in ("units", "value") for one in ("0_7", "8_29", "over_29")]
    assert [column.name for column in found.columns][-6:] == names
    assert records(found)[0]["units_8_29"] == 10
    for wrong in ("60,30", "a", "30,30", "-1", "1,2,3,4,5,6,7,8,9,10,11", "1.5", "٣", "1_000", "-0", "+5", "30, 60", "30,"):
        reply = await platform.ask(report="stock-ageing", buckets=wrong)
        assert isinstance(reply, Refusal)
        assert (reply.status, reply.errors[0]["parameter"]) == (422, "buckets")


def test_catalogue_says_how_columns_of_other_buckets_are_named():
    buckets = [column for column in OFFERED if column.with_ == "buckets"]
    assert len(buckets) == 12
    assert all("other buckets" in column.description for column in buckets)


async def test_stock_of_a_day_to_come_is_refused(platform):
    platform.now = NOW
    reply = await platform.ask(report="stock-ageing", as_of="2026-07-01")
    assert isinstance(reply, Refusal)
    assert (reply.status, reply.errors[0]["parameter"]) == (422, "as_of")
    assert (await answer(platform, as_of="2026-06-30")).params["as_of"] == "2026-06-30"


async def test_figures_beyond_reason_are_no_fault(platform):
    await platform.take(receipt(1, "2026-06-01T10:00:00Z", 100_000_000_000), counted(1_000_000_000, "2026-06-02T10:00:00Z"))
    (one,) = records(await answer(platform))
    assert (one["on_hand"], one["units_0_30"], one["value"]) == (1_000_000_000, 1_000_000_000, None)


async def test_store_without_stock_has_an_empty_report(platform):
    found = await answer(platform)
    assert (found.rows, found.charts, found.totals["average_age"]) == ([], [], None)
    assert found.notes[0].startswith("There is no stock until 2026-06-30")


MOMENTS = st.integers(0, 12 * 24).map(lambda hours: (datetime(2026, 3, 24, tzinfo=UTC) + timedelta(hours=hours)).isoformat())
PLACES = st.sampled_from(["main", "shop"])
EVENTS = st.one_of(
    st.builds(lambda n, at, cost, place: receipt(n, at, cost, place),
              st.integers(1, 6), MOMENTS, st.sampled_from([None, 100, 250]), PLACES),
    st.builds(lambda n, at, place: sale(n, at, place), st.integers(1, 5), MOMENTS, PLACES),
    st.builds(lambda n, reason, at, place: moved(n, reason, at, place), st.sampled_from([-3, -1, 1, 2]),
              st.sampled_from(["transfer", "adjustment"]), MOMENTS, PLACES),
    st.builds(lambda n, at, place: moved(n, "return", at, place), st.integers(1, 3), MOMENTS, PLACES),
    st.builds(counted, st.integers(0, 6), MOMENTS, PLACES),
)  # fmt: skip


@pytest.mark.timeout(300)
@given(events=st.lists(EVENTS, min_size=1, max_size=12, unique_by=lambda event: event["id"]), cut=st.integers(0, 12))
@settings(max_examples=examples(30), deadline=None, suppress_health_check=list(HealthCheck))
def test_ages_are_what_counting_single_units_gives(events, cut, postgres_server):
    asyncio.run(_check(events, cut, postgres_server.url))


async def _check(events: list[dict[str, Any]], cut: int, url: str) -> None:
    async with emptied(url) as platform:
        # The later half first: what comes late counts where it belongs.
        for part in (events[cut:], events[:cut]):
            if part:
                await platform.take(*part)
        platform.now = datetime(2026, 5, 1, 12, tzinfo=UTC)
        await _compare(platform, events, date(2026, 5, 1))
        until = date(2026, 3, 29)
        await _compare(platform, [e for e in events if _local(e) <= until], until)


def _local(event: dict[str, Any]) -> date:
    return datetime.fromisoformat(event["occurred_at"]).astimezone(BERLIN_ZONE).date()


async def _compare(platform: Platform, events: list[dict[str, Any]], day: date) -> None:
    naive = NaiveStock(events, "A", BERLIN.timezone)
    found = records(await answer(platform, as_of=day.isoformat(), buckets="3,10"))
    units: dict[str, int] = dict.fromkeys(("units_0_3", "units_4_10", "units_over_10"), 0)
    value = 0
    for unit in naive.owned():
        came = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=unit["at"])).astimezone(BERLIN_ZONE).date()
        age = max((day - came).days, 0)
        units["units_0_3" if age <= 3 else "units_4_10" if age <= 10 else "units_over_10"] += 1
        value += unit["cost"] or 0
    if not naive.owned() and not naive.total():
        assert found == []
        return
    (one,) = found
    assert {name: one[name] for name in units} == units
    assert (one["on_hand"], one["value"]) == (naive.total(), value)

"""The reorder report as a client sees it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from math import sqrt
from statistics import NormalDist, variance
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tillwise_common.contracts import reports
from tillwise_common.contracts.reports import Answer, Refusal, ReportAnswer

from .shop_events import cancelled, line, placed, product, refunded
from .stock_events import moved, receipt, sale

# A Tuesday; the thirteen weeks begin on Monday 2026-01-05.
NOW = datetime(2026, 3, 31, 10, tzinfo=UTC)
Z = NormalDist().inv_cdf(0.95)


async def answer(platform: Any, now: datetime = NOW, **params: str) -> ReportAnswer:
    platform.now = now
    reply = await platform.ask(report="reorder", **params)
    assert isinstance(reply, Answer), reply
    return reports.decode_answer(reply.body)


async def records(platform: Any, now: datetime = NOW, **params: str) -> list[dict[str, Any]]:
    found = await answer(platform, now, **params)
    return [dict(zip([c.name for c in found.columns], row, strict=True)) for row in found.rows]


def weekly(*units: int, sku: str = "A", first: str = "2026-01-07T12:00:00+00:00", **more: Any) -> list[dict[str, Any]]:
    begin = datetime.fromisoformat(first)
    return [
        placed(f"{sku}{n}", (begin + timedelta(weeks=n)).isoformat(), line(sku, count, 1000, **more))
        for n, count in enumerate(units)
        if count
    ]


async def test_order_that_was_cancelled_is_no_demand(platform):
    units = [10, 14, 8, 12, 16, 9, 11, 13, 10, 12, 14, 11]
    await platform.take(receipt(40, "2026-01-02T10:00:00Z", 400), *weekly(*units))
    (before,) = await records(platform)
    await platform.take(placed("huge", "2026-03-20T10:00:00Z", line("A", 1000)), cancelled("huge", "2026-03-20T10:30:00Z"))
    assert await records(platform) == [before]


async def test_movements_of_this_week_alone_have_no_whole_weeks(platform):
    await platform.take(receipt(40, "2026-03-30T10:00:00Z", 400), sale(4, "2026-03-30T12:00:00Z"))
    (row,) = await records(platform)
    assert row["demand_sd"] == pytest.approx(sqrt(row["demand_per_day"]))


async def test_sale_movements_spread_like_their_weeks_too(platform):
    units = [2, 40] * 6
    begin = datetime.fromisoformat("2026-01-07T12:00:00+00:00")
    sold = [sale(count, (begin + timedelta(weeks=n)).isoformat()) for n, count in enumerate(units)]
    await platform.take(receipt(400, "2026-01-02T10:00:00Z", 400), *sold)
    (row,) = await records(platform)
    assert row["demand_sd"] == pytest.approx(sqrt(variance(units) / 7))
    days = (NOW - datetime(2026, 1, 4, 23, tzinfo=UTC)) / timedelta(days=1)
    assert row["demand_per_day"] == pytest.approx(sum(units) / days)


async def test_urgencies_are_named_one_below_the_other_on_a_narrow_screen_too(platform):
    vl_convert = pytest.importorskip("vl_convert")
    await platform.take(receipt(40, "2026-01-02T10:00:00Z", 400), *weekly(10, 14, 8, 12))
    drawn = vl_convert.vegalite_to_svg({**(await answer(platform)).charts[0], "width": 200})
    places = dict(re.findall(r"<text[^>]*translate\(-[\d.]+,([\d.]+)\)[^>]*>([^<]+)</text>", drawn))
    assert {"out of stock", "order now", "order soon", "enough", "no demand"} <= set(places.values())


async def test_reorder_point_follows_from_demand_and_lead_time(platform):
    units = [10, 14, 8, 12, 16, 9, 11, 13, 10, 12, 14, 11]
    await platform.take(
        product("A", "2026-01-01T00:00:00Z", name="Green tea", unit_cost=400, lead_time_days=10, supplier="Leaf Ltd", pack_size=12),
        receipt(40, "2026-01-02T10:00:00Z", 400), *weekly(*units),
    )  # fmt: skip
    (row,) = await records(platform)
    days = (NOW - datetime(2026, 1, 4, 23, tzinfo=UTC)) / timedelta(days=1)
    mean, sd = sum(units) / days, sqrt(variance(units) / 7)
    assert (row["demand_per_day"], row["demand_sd"]) == (pytest.approx(mean), pytest.approx(sd))
    assert row["reorder_point"] == pytest.approx(10 * mean + Z * sqrt(10) * sd)
    assert (row["name"], row["supplier"], row["lead_time"], row["pattern"], row["urgency"]) == (
        "Green tea",
        "Leaf Ltd",
        10,
        "smooth",
        "enough",
    )
    point = row["reorder_point"]
    there = NOW.astimezone(ZoneInfo("Europe/Berlin"))
    assert row["order_by"] == str((there + timedelta(days=(40 - point) / mean)).date())
    assert row["stock_out_date"] == str((there + timedelta(days=40 / mean)).date())
    # With a lead time twice as long it is too late.
    (late,) = await records(platform, lead_time_days="20", lead_time_sd="3")
    assert late["reorder_point"] == pytest.approx(20 * mean + Z * sqrt(20 * sd**2 + (3 * mean) ** 2))
    quantity = sqrt(2 * mean * 365 * 1000 / (0.25 * 400))
    assert (late["urgency"], late["order"]) == ("order now", 12 * -(-quantity // 12))
    assert (late["cost"], late["order_by"]) == (late["order"] * 400, str(NOW.date()))


async def test_weeks_out_of_stock_are_no_weeks_without_demand(platform):
    await platform.take(
        receipt(40, "2026-01-02T10:00:00Z", 400), *weekly(10, 10, 10, 10, 0, 0, 0, 0, 10, 10, 10, 10),
        sale(40, "2026-01-31T23:00:00Z"), receipt(50, "2026-03-01T23:00:00Z", 400), sale(40, "2026-03-27T10:00:00Z"),
    )  # fmt: skip
    (row,) = await records(platform)
    days = (NOW - datetime(2026, 1, 4, 23, tzinfo=UTC)) / timedelta(days=1) - 29
    assert row["demand_per_day"] == pytest.approx(80 / days)
    assert row["demand_sd"] == pytest.approx(0, abs=1e-6)


async def test_week_that_began_before_stock_was_known_is_no_whole_one(platform):
    await platform.take(receipt(80, "2026-03-04T10:00:00Z"), *weekly(10, 12, 14, first="2026-03-11T12:00:00+00:00"))
    # Thirty days, from a Wednesday to a Friday, hold three whole weeks.
    (row,) = await records(platform, now=datetime(2026, 4, 3, 10, tzinfo=UTC))
    assert row["demand_sd"] == pytest.approx(sqrt(36 / 30))


async def test_week_in_which_clocks_go_forward_is_a_whole_one(platform):
    units = [10, 14, 8, 12]
    await platform.take(receipt(80, "2026-03-02T10:00:00Z"), *weekly(*units, first="2026-03-03T12:00:00+00:00"))
    # Half an hour after the week that follows has begun.
    (row,) = await records(platform, now=datetime(2026, 3, 29, 22, 30, tzinfo=UTC))
    assert row["demand_sd"] == pytest.approx(sqrt(variance(units) / 7))


async def test_product_that_orders_name_no_more_sells_by_its_movements(platform):
    await platform.take(
        receipt(40, "2026-01-02T10:00:00Z", 400), sale(20, "2026-02-02T10:00:00Z"),
        placed("1", "2026-02-03T10:00:00Z", line("A", 2)), placed("1", "2026-02-03T11:00:00Z", line("B", 2), event="corrected"),
        refunded("2", "r", "2026-02-04T10:00:00Z", lines=[{"sku": "A", "quantity": 1, "amount": 1000}]),
    )  # fmt: skip
    (row,) = await records(platform)
    assert row["demand_per_day"] == pytest.approx(20 / ((NOW - datetime(2026, 1, 4, 23, tzinfo=UTC)) / timedelta(days=1)))


async def test_movements_tell_demand_where_no_order_does(platform):
    await platform.take(receipt(40, "2026-01-02T10:00:00Z", 400), sale(20, "2026-02-02T10:00:00Z"))
    (row,) = await records(platform)
    assert row["demand_per_day"] == pytest.approx(20 / ((NOW - datetime(2026, 1, 4, 23, tzinfo=UTC)) / timedelta(days=1)))
    assert row["demand_sd"] == pytest.approx(sqrt(variance([20, *[0] * 11]) / 7))
    assert row["pattern"] is None


async def test_most_urgent_comes_first_and_suppliers_are_summed_up(platform):
    events = []
    for sku, supplier, stock in (("A", "Leaf Ltd", 100), ("B", "Leaf Ltd", 5), ("C", "Cups & Co", 0), ("D", None, 3)):
        attributes = {} if supplier is None else {"supplier": supplier}
        events.append(product(sku, "2026-01-01T00:00:00Z", unit_cost=400, **attributes))
        events.append(receipt(stock + 1, "2026-01-02T10:00:00Z", 400, sku=sku))
        events.append(sale(1, "2026-01-03T10:00:00Z", sku=sku))
        events += weekly(*([5] * 12), sku=sku) if sku != "D" else []
    await platform.take(*events)
    rows = await records(platform)
    assert [(row["sku"], row["urgency"]) for row in rows] == [
        ("C", "out of stock"),
        ("B", "order now"),
        ("A", "enough"),
        ("D", "no demand"),
    ]
    assert [row["sku"] for row in await records(platform, due="true")] == ["C", "B"]
    assert [row["sku"] for row in await records(platform, supplier="Leaf Ltd", sort="sku")] == ["A", "B"]
    assert [row["sku"] for row in await records(platform, supplier="")] == ["D"]
    found = await records(platform, by="supplier")
    assert [(row["supplier"], row["products"], row["due"], row["out_of_stock"]) for row in found] == [
        ("Cups & Co", 1, 1, 1), ("Leaf Ltd", 2, 1, 0), ("", 1, 0, 0),
    ]  # fmt: skip
    totals = (await answer(platform)).totals
    assert (totals["due"], totals["order"], totals["cost"]) == (2, sum(row["order"] for row in rows), sum(row["cost"] for row in rows))


async def test_units_in_transit_count_as_there(platform):
    await platform.take(
        receipt(40, "2026-01-02T10:00:00Z", 400), *weekly(*([5] * 12)), moved(-40, "transfer", "2026-03-30T10:00:00Z"),
    )  # fmt: skip
    (row,) = await records(platform)
    assert (row["on_hand"], row["in_transit"], row["order"], row["urgency"]) == (0, 40, 0, "enough")


async def test_season_lifts_what_is_expected_after_two_years(platform):
    # Twice as much is sold in the four weeks from the end of March on, every year.
    units = [20 if (week % 52) in (1, 2, 3, 4) else 10 for week in range(105)]
    begin = datetime(2024, 3, 27, 12, tzinfo=UTC)
    orders = [
        placed(f"{n}", (begin + timedelta(weeks=n)).isoformat(), line("A", count, 1000, category="tea"), line("B", 20, 10, category="cups"))
        for n, count in enumerate(units)
    ]
    for sku, category in (("A", "tea"), ("B", "cups")):
        orders += [product(sku, "2026-01-01T00:00:00Z", category=category), receipt(60, "2026-01-02T10:00:00Z", 400, sku=sku)]
    await platform.take(*orders)
    rows = {row["sku"]: row for row in await records(platform, lead_time_days="14")}
    assert rows["A"]["season"] == pytest.approx(2.0, rel=0.1)
    assert rows["B"]["season"] == pytest.approx(1.0, rel=0.1)
    days = (NOW - datetime(2026, 1, 4, 23, tzinfo=UTC)) / timedelta(days=1)
    assert rows["A"]["demand_per_day"] == pytest.approx(120 / days * rows["A"]["season"])
    # A year has 48 weeks of 10 and 4 of 20, whatever the rate is until the delivery: sqrt(2 * D * 1000 / (0.25 * 400)).
    rows = {row["sku"]: row for row in await records(platform, lead_time_days="35")}
    assert rows["A"]["order"] == pytest.approx(sqrt(2 * 560 * 1000 / 100), rel=0.05)


async def test_least_above_the_most_is_said(platform):
    for sku, least in (("A", 50), ("B", 10)):
        terms = {"min_order_quantity": least, "max_order_quantity": 20}
        await platform.take(
            product(sku, "2026-01-01T00:00:00Z", unit_cost=400, **terms), receipt(1, "2026-01-02T10:00:00Z", 400, sku=sku),
            *weekly(*([5] * 12), sku=sku),
        )  # fmt: skip
    found = await answer(platform)
    assert "1 products to order have a min_order_quantity above their max_order_quantity: the maximum holds." in found.notes
    assert not any("above their max" in note for note in (await answer(platform, sku="B")).notes)


async def test_attributes_that_are_no_numbers_are_left_aside(platform):
    await platform.take(
        product("A", "2026-01-01T00:00:00Z", unit_cost=400, pack_size="a dozen", min_order_quantity=-3, max_order_quantity="1e99"),
        receipt(1, "2026-01-02T10:00:00Z", 400), *weekly(*([5] * 12)),
    )  # fmt: skip
    (row,) = await records(platform)
    assert row["order"] > 0


async def test_store_without_stock_gets_an_empty_report(platform):
    found = await answer(platform)
    assert (found.rows, found.charts, found.totals["due"], found.totals["cost"]) == ([], [], 0, 0)
    assert found.notes[0].startswith("There is no stock")
    assert (await answer(platform, by="supplier", sku="nobody")).rows == []


@pytest.mark.parametrize(
    ("params", "parameter"),
    [({"service_level": "1"}, "service_level"), ({"service_level": "nan"}, "service_level"), ({"lead_time_days": "-1"}, "lead_time_days"),
     ({"holding_rate": "0"}, "holding_rate"), ({"order_cost": "x"}, "order_cost"), ({"by": "luck"}, "by"), ({"weeks": "1"}, "weeks"),
     ({"from_": "2026-01-01"}, "from")],
)  # fmt: skip
async def test_parameters_that_make_no_sense_are_refused(platform, params, parameter):
    reply = await platform.ask(report="reorder", **params)
    assert isinstance(reply, Refusal)
    assert (reply.status, reply.errors[0]["parameter"]) == (422, parameter)

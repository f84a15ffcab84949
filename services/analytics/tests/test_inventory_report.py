"""The inventory report as a client sees it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tillwise_common.contracts import reports
from tillwise_common.contracts.reports import Answer, Refusal, ReportAnswer
from tillwise_common.contracts.stores import Store

from .shop_events import cancelled, line, placed, product
from .stock_events import counted, moved, receipt, sale

NOW = datetime(2026, 3, 31, 10, tzinfo=UTC)
OTHER = Store(id=8, name="other", currency="EUR", timezone="Europe/Berlin")


async def answer(platform: Any, **params: str) -> ReportAnswer:
    platform.now = NOW
    reply = await platform.ask(report="inventory", **params)
    assert isinstance(reply, Answer), reply
    return reports.decode_answer(reply.body)


async def records(platform: Any, **params: str) -> list[dict[str, Any]]:
    found = await answer(platform, **params)
    return [dict(zip([c.name for c in found.columns], row, strict=True)) for row in found.rows]


async def test_product_says_what_lies_there_what_it_cost_and_how_long_it_lasts(platform):
    await platform.take(
        product("A", "2026-03-01T00:00:00Z", name="Green tea", category="tea"),
        receipt(30, "2026-03-01T10:00:00Z", 400),
        receipt(10, "2026-03-11T10:00:00Z", 600),
        placed("1", "2026-03-15T10:00:00Z", line("A", 15, 1000, unit_cost=400)),
        sale(15, "2026-03-15T10:00:00Z"),
    )
    (tea,) = await records(platform, from_="2026-03-01", to="2026-03-31")
    assert (tea["sku"], tea["name"], tea["category"], tea["status"]) == ("A", "Green tea", "tea", "in stock")
    assert (tea["on_hand"], tea["value"], tea["unit_cost"], tea["value_average"]) == (25, 15 * 400 + 10 * 600, 450, 25 * 450)
    # Thirty days of stock, from the receipt on; the product was ordered first later.
    assert (tea["sold"], tea["sold_per_day"], tea["days_of_cover"]) == (15, 0.5, 50)
    assert (tea["stock_out_date"], tea["sell_through"], tea["days_out"]) == ("2026-05-20", 15 / 40, 0)
    assert (tea["last_receipt"], tea["last_sale"]) == ("2026-03-11", "2026-03-15")
    # 10 days of 12,000, 4 of 18,000, 16 of 12,000 in minor units; cost of 15 units at 400.
    average = (10 * 12_000 + 4 * 18_000 + 16 * 12_000) / 30
    assert tea["turnover"] == pytest.approx(6000 * 365 / 30 / average)
    assert tea["gmroi"] == pytest.approx(9000 * 365 / 30 / average)


async def test_stock_ends_on_the_day_that_the_hour_tells(platform):
    # Two a day, and 15 are left at noon: seven days and a half from then are over at midnight.
    await platform.take(receipt(75, "2026-03-01T10:00:00Z"), sale(60, "2026-03-20T10:00:00Z"))
    (row,) = await records(platform, from_="2026-03-01")
    assert (row["days_of_cover"], row["stock_out_date"]) == (7.5, "2026-04-08")
    (then,) = await records(platform, from_="2026-03-01", as_of="2026-03-30")
    assert then["stock_out_date"] == str((datetime(2026, 3, 30, 23, 59, 59) + timedelta(days=then["days_of_cover"])).date())


async def test_days_without_stock_are_no_days_without_demand(platform):
    await platform.take(
        receipt(10, "2026-03-01T10:00:00Z", 400),
        placed("1", "2026-03-05T10:00:00Z", line("A", 10, 1000)),
        sale(10, "2026-03-11T10:00:00Z"),
        receipt(5, "2026-03-21T10:00:00Z", 400),
    )
    (row,) = await records(platform, from_="2026-03-01")
    assert (row["days_out"], row["sold_per_day"], row["lost_units"], row["lost_sales"]) == (10, 0.5, 5, 5000)


async def test_movements_tell_demand_where_no_order_does(platform):
    await platform.take(receipt(30, "2026-03-21T10:00:00Z", 400), sale(5, "2026-03-25T10:00:00Z"))
    (row,) = await records(platform)
    assert (row["sold"], row["sold_per_day"], row["lost_sales"], row["gmroi"]) == (5, 0.5, None, None)
    assert row["turnover"] > 0


async def test_what_does_not_sell_weighs_on_the_turnover_of_all(platform):
    await platform.take(
        receipt(30, "2026-03-01T10:00:00Z", 400), receipt(30, "2026-03-01T10:00:00Z", 400, sku="B"),
        placed("1", "2026-03-15T10:00:00Z", line("A", 15, 1000, unit_cost=400)), sale(15, "2026-03-15T10:00:00Z"),
        receipt(30, "2026-03-01T10:00:00Z", None, sku="C"), sale(5, "2026-03-15T10:00:00Z", sku="C"),
    )  # fmt: skip
    found = await answer(platform, from_="2026-03-01", sort="sku")
    a, b, c = (dict(zip([column.name for column in found.columns], row, strict=True)) for row in found.rows)
    assert (b["turnover"], b["gmroi"], c["turnover"], c["gmroi"]) == (0, 0, None, None)
    stock = (14 * 12_000 + 16 * 6_000) / 30 + 12_000
    assert found.totals["turnover"] == pytest.approx(6000 * 365 / 30 / stock)
    assert found.totals["gmroi"] == pytest.approx(9000 * 365 / 30 / stock)
    assert a["turnover"] > found.totals["turnover"]


async def test_places_are_told_one_by_one(platform):
    await platform.take(
        receipt(30, "2026-03-21T10:00:00Z", 400),
        moved(-12, "transfer", "2026-03-22T10:00:00Z"),
        moved(10, "transfer", "2026-03-22T12:00:00Z", "shop"),
        sale(9, "2026-03-24T10:00:00Z", "shop"),
        moved(2, "adjustment", "2026-03-25T10:00:00Z", None),
    )
    nowhere, main, shop = sorted(await records(platform, by="location"), key=lambda row: row["location"])
    assert [(row["location"], row["on_hand"], row["value"]) for row in (nowhere, main, shop)] == [
        ("", 2, 800), ("main", 18, 7200), ("shop", 1, 400),
    ]  # fmt: skip
    assert (main["unit_cost"], shop["unit_cost"], shop["value_average"], nowhere["value_average"]) == (400, 400, 400, 800)
    assert (shop["sold"], shop["sold_per_day"], main["sold"]) == (9, pytest.approx(9 / (9 - 2 / 24)), 0)
    (whole,) = await records(platform)
    assert (whole["on_hand"], whole["in_transit"], whole["value"], whole["unknown"]) == (21, 2, 23 * 400, 0)
    assert [row["location"] for row in await records(platform, location="shop")] == ["shop"]


@pytest.mark.parametrize("by", [{}, {"by": "location"}])
async def test_past_is_what_the_present_was(platform, by):
    history = [
        receipt(30, "2026-03-01T10:00:00Z", 400), sale(5, "2026-03-04T10:00:00Z"), sale(25, "2026-03-09T10:00:00Z"),
        receipt(10, "2026-03-13T10:00:00Z", 500), moved(-3, "transfer", "2026-03-13T11:00:00Z"),
        moved(3, "transfer", "2026-03-14T11:00:00Z", "shop"),
        counted(6, "2026-03-17T12:00:00Z"), receipt(9, "2026-03-20T10:00:00Z", None), sale(2, "2026-03-21T10:00:00Z", "shop"),
    ]  # fmt: skip
    await platform.take(*history, placed("1", "2026-03-05T10:00:00Z", line("A", 4)))
    then = await records(platform, from_="2026-03-03", as_of="2026-03-15", **by)
    # A store that knows no more than that day did.
    await platform.take(*[e for e in history if e["occurred_at"] < "2026-03-15T23"], store=OTHER)
    await platform.take(placed("1", "2026-03-05T10:00:00Z", line("A", 4)), store=OTHER)
    platform.now = datetime(2026, 3, 15, 22, 59, 59, 999999, tzinfo=UTC)
    reply = await platform.ask(OTHER, "inventory", from_="2026-03-03", **by)
    found = reports.decode_answer(reply.body)
    now = [dict(zip([c.name for c in found.columns], row, strict=True)) for row in found.rows]
    assert [{name: _close(value) for name, value in row.items()} for row in then] == now


async def test_week_that_begins_the_period_is_told_as_days_tell_it(platform):
    await platform.take(
        receipt(30, "2026-02-20T10:00:00Z", 400), sale(30, "2026-02-26T10:00:00Z"), receipt(20, "2026-03-10T10:00:00Z", 450),
        sale(5, "2026-03-12T10:00:00Z"),
    )  # fmt: skip
    (monday,), (sunday,) = await records(platform, from_="2026-03-02"), await records(platform, from_="2026-03-01")
    assert monday["days_out"] == pytest.approx(8 + 11 / 24)
    assert sunday["days_out"] == pytest.approx(monday["days_out"] + 1)


async def test_unknown_costs_and_negative_stock_are_said(platform):
    await platform.take(receipt(4, "2026-03-21T10:00:00Z", None), sale(3, "2026-03-22T10:00:00Z", sku="B"))
    found = await answer(platform, sort="sku")
    rows = [dict(zip([c.name for c in found.columns], row, strict=True)) for row in found.rows]
    assert [(row["status"], row["value"], row["unknown"]) for row in rows] == [("not selling", 0, 4), ("below zero", 0, 0)]
    assert "Nobody stated the cost of 4 units" in found.notes[0]
    assert "below zero" in found.notes[1]
    assert (found.totals["below_zero"], found.totals["unknown"], found.totals["on_hand"]) == (1, 4, 1)


async def test_list_is_cut_and_the_totals_are_not(platform):
    await platform.take(*[receipt(n, "2026-03-21T10:00:00Z", 100, sku=f"S{n}") for n in range(1, 6)])
    found = await answer(platform, limit="2")
    assert [row[0] for row in found.rows] == ["S5", "S4"]
    assert (found.totals["products"], found.totals["on_hand"], found.totals["value"]) == (5, 15, 1500)
    assert found.notes[0].startswith("2 of 5 rows are listed")


async def test_filters_choose(platform):
    await platform.take(
        product("A", "2026-03-01T00:00:00Z", category="tea"),
        receipt(1, "2026-03-21T10:00:00Z"),
        receipt(1, "2026-03-21T10:00:00Z", sku="B"),
    )
    assert [row["sku"] for row in await records(platform, category="tea")] == ["A"]
    assert [row["sku"] for row in await records(platform, category="")] == ["B"]
    assert [row["sku"] for row in await records(platform, sku="B")] == ["B"]
    assert await records(platform, sku="nobody") == []


async def test_store_without_stock_gets_an_empty_report(platform):
    found = await answer(platform)
    assert (found.rows, found.charts, found.totals["products"], found.totals["turnover"]) == ([], [], 0, None)
    assert found.notes[0].startswith("There is no stock")


@pytest.mark.parametrize(
    ("params", "parameter"),
    [({"sort": "luck"}, "sort"), ({"limit": "0"}, "limit"), ({"by": "day"}, "by"), ({"as_of": "x"}, "as_of"),
     ({"as_of": "2026-03-01", "to": "2026-03-02"}, "as_of"),
     ({"from_": "2026-03-02", "to": "2026-03-01"}, "from"), ({"color": "x"}, "color")],
)  # fmt: skip
async def test_parameters_that_make_no_sense_are_refused(platform, params, parameter):
    reply = await platform.ask(report="inventory", **params)
    assert isinstance(reply, Refusal)
    assert (reply.status, reply.errors[0]["parameter"]) == (422, parameter)


async def test_stock_of_a_day_to_come_is_refused(platform):
    platform.now = NOW
    reply = await platform.ask(report="inventory", as_of="2026-04-01")
    assert isinstance(reply, Refusal)
    assert (reply.status, reply.errors[0]["parameter"]) == (422, "as_of")
    assert isinstance(await platform.ask(report="inventory", as_of="2026-03-31"), Answer)


async def test_figures_beyond_reason_are_no_fault(platform):
    await platform.take(receipt(1, "2026-03-01T10:00:00Z", 100_000_000_000), counted(1_000_000_000, "2026-03-02T10:00:00Z"))
    (row,) = await records(platform)
    assert (row["on_hand"], row["value"]) == (1_000_000_000, None)


async def test_order_that_was_cancelled_is_no_demand(platform):
    orders = placed("1", "2026-03-10T10:00:00Z", line("A", 8)), placed("2", "2026-03-20T10:00:00Z", line("A", 1000))
    await platform.take(receipt(50, "2026-03-01T10:00:00Z", 400), *orders)
    await platform.take(cancelled("2", "2026-03-20T10:30:00Z"))
    (row,) = await records(platform, from_="2026-03-01", to="2026-03-30")
    assert (row["sold"], row["sell_through"]) == (8, pytest.approx(8 / 58))
    assert (await platform.rebuild()).differences == []


def _close(value: Any) -> Any:
    return pytest.approx(value, abs=1e-4, rel=1e-6) if isinstance(value, float) else value

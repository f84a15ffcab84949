"""The retention report as a client sees it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tillwise_analytics.reports.parameters import schema
from tillwise_analytics.reports.retention.report import REPORT
from tillwise_common.contracts import reports
from tillwise_common.contracts.reports import Answer, Refusal, ReportAnswer
from tillwise_common.contracts.stores import Store

from .shop_events import cancelled, line, placed, product, refunded

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
JANUARY = {"from_": "2026-01-01", "to": "2026-01-31"}
# Two customers of January, of whom one comes back in February and, for more, in March; and one of February.
SHOP = (
    placed("1", "2026-01-05T12:00:00Z", line("A", 2, unit_cost=400, category="tea"), customer_id="x", channel="web", country="DE"),
    placed("2", "2026-01-31T12:00:00Z", line("B", category="cups"), customer_id="y", channel="pos", country="DE"),
    placed("3", "2026-02-04T12:00:00Z", line("B", category="cups"), customer_id="x", channel="pos", country="AT"),
    placed("4", "2026-02-10T12:00:00Z", customer_id="z"),
    placed("5", "2026-03-02T12:00:00Z", line("A", 3, unit_cost=400), customer_id="x"),
    placed("6", "2026-03-03T12:00:00Z", line("A", 1, unit_cost=400), customer_id="x"),
    refunded("2", "r", "2026-03-04T12:00:00Z", amount=250),
)


async def ask(platform: Any, store: Store | None = None, **params: str) -> ReportAnswer:
    reply = await platform.ask(report="retention", **({"store": store} if store else {}), **params)
    assert isinstance(reply, Answer), reply
    return reports.decode_answer(reply.body)


@pytest.fixture
async def shop(platform: Any) -> Any:
    platform.now = NOW
    await platform.take(*SHOP)
    return platform


async def test_cohorts_are_those_of_the_first_order_and_running_months_are_not_complete(shop):
    answer = await ask(shop)
    assert [column.name for column in answer.columns] == ["cohort", "size", "offset", "value", "share", "complete"]
    assert answer.rows == [
        ["2026-01-01", 2, 0, 2, 1.0, True],
        ["2026-01-01", 2, 1, 1, 0.5, True],
        ["2026-01-01", 2, 2, 1, 0.5, False],
        ["2026-02-01", 1, 0, 1, 1.0, True],
        ["2026-02-01", 1, 1, 0, 0.0, False],
    ]
    assert answer.params["periods"] == 12
    assert (answer.params["from"], answer.params["to"]) == ("2025-04-01", "2026-03-20")
    assert answer.totals["average"] == [
        {"offset": 0, "share": 1.0, "cohorts": 2, "size": 3}, {"offset": 1, "share": 0.5, "cohorts": 1, "size": 2},
    ]  # fmt: skip


@pytest.mark.parametrize(("mode", "rises"), [("classic", False), ("on_or_after", True), ("rolling", False)])
async def test_notes_say_which_cells_can_still_change(shop, mode, rises):
    notes = " ".join((await ask(shop, mode=mode)).notes)
    assert "Cells that are not complete can still change" in notes
    assert ("Complete cells can change too" in notes) is rises


async def test_periods_after_the_last_order_can_be_left_out(shop):
    """Of a shop's past that was brought along, what lies behind its end is not known to be empty."""
    shop.now = datetime(2026, 9, 1, 12, tzinfo=UTC)
    january = (await ask(shop, **JANUARY)).rows
    assert len(january) == 9
    assert january[-1] == ["2026-01-01", 2, 8, 0, 0.0, False]
    answer = await ask(shop, as_of="2026-03-03", **JANUARY)
    assert answer.params["as_of"] == "2026-03-03"
    assert [row[2:] for row in answer.rows] == [[0, 2, 1.0, True], [1, 1, 0.5, True], [2, 1, 0.5, False]]
    assert answer.totals["time_between_orders"]["median_days"] == 30
    assert any(note.startswith("The last order is of 2026-03-03") for note in (await ask(shop)).notes)


async def test_first_order_before_all_that_is_asked_for_keeps_a_customer_out(shop):
    assert [row[:2] for row in (await ask(shop, from_="2026-02-01", to="2026-03-31")).rows] == [["2026-02-01", 1], ["2026-02-01", 1]]


async def test_day_within_a_month_asks_for_its_whole_cohort(shop):
    answer = await ask(shop, from_="2026-01-20", to="2026-01-25")
    assert (answer.params["from"], answer.params["to"]) == ("2026-01-01", "2026-01-31")
    assert answer.rows[0] == ["2026-01-01", 2, 0, 2, 1.0, True]


async def test_on_or_after_counts_who_comes_back_later_too(shop):
    await shop.take(placed("7", "2026-03-05T12:00:00Z", customer_id="y"))
    values = [row[3] for row in (await ask(shop, mode="on_or_after", **JANUARY)).rows]
    assert values == [2, 2, 2]


async def test_recurring_cohort_holds_everybody_who_ordered_in_it(shop):
    rows = (await ask(shop, cohort="recurring")).rows
    assert [row[:4] for row in rows if row[2] == 0] == [["2026-01-01", 2, 0, 2], ["2026-02-01", 2, 0, 2], ["2026-03-01", 1, 0, 1]]
    assert ["2026-02-01", 2, 1, 1, 0.5, False] in rows


async def test_rolling_counts_from_the_customers_own_first_day(shop):
    # From 5 January, 4 February is day 30 and 2 March day 56.
    assert [row[3:] for row in (await ask(shop, mode="rolling", **JANUARY)).rows] == [[2, 1.0, True], [1, 0.5, False], [0, 0.0, False]]


async def test_revenue_margin_and_orders_per_customer(shop):
    revenue = await ask(shop, measure="revenue", **JANUARY)
    assert [row[3:5] for row in revenue.rows] == [[3000, 1.0], [1000, 1 / 3], [3750, 1.25]]
    assert (revenue.columns[3].type, revenue.columns[3].unit) == ("money", "EUR")
    margin = await ask(shop, measure="margin", **JANUARY)
    assert [row[3:5] for row in margin.rows] == [[1200, 1.0], [0, 0.0], [2400 - 250, (2400 - 250) / 1200]]
    orders = await ask(shop, measure="orders", **JANUARY)
    assert [row[3:5] for row in orders.rows] == [[1.0, 1.0], [0.5, 0.5], [1.0, 1.0]]
    assert orders.columns[3].type == "number"
    gross = await ask(shop, measure="revenue", basis="gross", **JANUARY)
    assert [row[3] for row in gross.rows] == [3000, 1000, 4000]


async def test_least_orders_count_in_one_period_after_the_first(shop):
    assert [row[3] for row in (await ask(shop, min_orders="2", **JANUARY)).rows] == [2, 0, 1]
    assert [row[3] for row in (await ask(shop, min_orders="2", measure="revenue", **JANUARY)).rows] == [3000, 0, 4000]


async def test_breakdown_and_filter_go_by_the_first_order(shop):
    rows = (await ask(shop, by="channel", **JANUARY)).rows
    assert [row[:5] for row in rows] == [
        ["2026-01-01", "pos", 1, 0, 1], ["2026-01-01", "pos", 1, 1, 0], ["2026-01-01", "pos", 1, 2, 0],
        ["2026-01-01", "web", 1, 0, 1], ["2026-01-01", "web", 1, 1, 1], ["2026-01-01", "web", 1, 2, 1],
    ]  # fmt: skip
    assert [row[1] for row in (await ask(shop, by="channel", top="1", **JANUARY)).rows] == ["pos"] * 3 + ["others"] * 3
    assert [row[3] for row in (await ask(shop, category="tea", **JANUARY)).rows] == [1, 1, 1]
    assert [row[3] for row in (await ask(shop, channel="web", country="DE", **JANUARY)).rows] == [1, 1, 1]
    assert (await ask(shop, channel="web", country="AT", **JANUARY)).rows == []


async def test_category_told_later_moves_its_customers(shop):
    await shop.take(placed("9", "2026-01-07T12:00:00Z", line("N"), customer_id="n"))
    assert [row[1] for row in (await ask(shop, category="", **JANUARY)).rows] == [1, 1, 1]
    await shop.take(product("N", "2026-03-01T12:00:00Z", category="tea"))
    assert (await ask(shop, category="", **JANUARY)).rows == []
    assert [row[1] for row in (await ask(shop, category="tea", **JANUARY)).rows] == [2, 2, 2]


async def test_cancelled_first_order_moves_the_customer_in_net_alone(shop):
    await shop.take(cancelled("1", "2026-02-01T12:00:00Z"))
    assert [row[:2] for row in (await ask(shop)).rows if row[2] == 0] == [["2026-01-01", 1], ["2026-02-01", 2]]
    assert [row[:2] for row in (await ask(shop, basis="gross")).rows if row[2] == 0] == [["2026-01-01", 2], ["2026-02-01", 1]]
    assert (await shop.rebuild()).differences == []


async def test_return_before_the_first_order_is_in_no_cohort(shop):
    """Shops begin to send in the middle of their life: what comes back first was bought before."""
    await shop.take(placed("0", "2026-01-02T12:00:00Z", line("A", -1, 700), customer_id="y"))
    assert (await ask(shop, measure="revenue", **JANUARY)).rows[0][3] == 3000


async def test_weeks_begin_as_the_store_says(platform):
    platform.now = NOW
    sunday = Store(id=8, name="s", currency="EUR", timezone="Europe/Berlin", week_start="sunday")
    await platform.take(*SHOP, store=sunday)
    rows = (await ask(platform, sunday, period="week", **JANUARY)).rows
    assert sorted({row[0] for row in rows}) == ["2026-01-04", "2026-01-25"]


async def test_customers_behind_a_cell(shop):
    february = {"customers_of": "2026-01-01", "offset": "1"}
    answer = await ask(shop, **february)
    assert [column.name for column in answer.columns] == ["customer", "first_order", "last_order", "orders", "revenue"]
    assert answer.rows == [["x", "2026-01-05", "2026-03-03", 1, 1000]]
    assert (await ask(shop, returned="false", **february)).rows == [["y", "2026-01-31", "2026-01-31", 0, 0]]
    assert (await ask(shop, mode="on_or_after", **february)).rows == [["x", "2026-01-05", "2026-03-03", 3, 5000]]
    assert (await ask(shop, customers_of="2026-01-17", channel="pos")).rows == [["y", "2026-01-31", "2026-01-31", 1, 1000]]


async def test_customers_come_in_pages(shop):
    pages = [await ask(shop, customers_of="2026-01-01", limit="1", page=page) for page in ("1", "2", "3")]
    assert [[row[0] for row in page.rows] for page in pages] == [["x"], ["y"], []]
    assert pages[0].totals == {"customers": 2}
    assert pages[0].notes[0].startswith("Page 1 of 2: 2 customers")


async def test_time_between_orders_counts_who_still_waits(shop):
    told = (await ask(shop)).totals["time_between_orders"]
    # x: 30, 26 and 1 days, and 17 since; y: 48 days since; z: 38.
    assert (told["orders"], told["customers"], told["median_days"]) == (3, 3, 30)
    assert [(step["days"], step["at_risk"], step["events"]) for step in told["curve"]] == [(1, 6, 1), (26, 4, 1), (30, 3, 1)]
    assert [step["waiting"] for step in told["curve"]] == [pytest.approx(5 / 6), pytest.approx(5 / 8), pytest.approx(5 / 12)]
    assert (await ask(shop, channel="pos")).totals["time_between_orders"]["customers"] == 1
    assert (await ask(shop, channel="pos", country="DE")).totals["time_between_orders"] is None


async def test_charts_show_cohorts_curves_and_waiting(shop):
    await shop.take(placed("7", "2026-01-09T12:00:00Z", customer_id="y"))
    titles = [chart["title"] for chart in (await ask(shop)).charts]
    assert titles == ["Cohorts: customers who came back", "Retention: customers who came back", "Ordered again within so many days"]
    titles = [chart["title"] for chart in (await ask(shop, by="country", measure="revenue")).charts]
    assert titles == ["Average by country: revenue", "Retention by country: revenue", "Ordered again within so many days"]


async def test_cells_that_can_still_change_are_outlined_and_explained(shop):
    vl_convert = pytest.importorskip("vl_convert")
    answer = await ask(shop)
    drawn = vl_convert.vegalite_to_svg({**answer.charts[0], "width": 600})
    assert "stroke-dasharray" in drawn
    assert "not over yet" in drawn
    # As dark as its share, as any other.
    assert 'opacity="0.45"' not in drawn
    over = await ask(shop, **JANUARY, periods="2")
    assert all(row[-1] for row in over.rows)
    assert "not over yet" not in str(over.charts[0])


async def test_charts_can_be_drawn(shop):
    vl_convert = pytest.importorskip("vl_convert")
    for question in ({}, {"by": "category", "measure": "margin"}, {"period": "day", "from_": "2026-01-05", "to": "2026-01-05"}):
        charts = (await ask(shop, **question)).charts
        assert len(charts) == 3
        for chart in charts:
            assert "<path" in vl_convert.vegalite_to_svg({**chart, "width": 600})


async def test_empty_store_has_an_empty_answer_with_a_note(platform):
    for question in ({}, {"by": "channel"}, {"period": "day", "measure": "revenue"}, {"cohort": "recurring"}):
        answer = await ask(platform, **question)
        assert (answer.rows, answer.charts, answer.totals["average"], answer.totals["size"]) == ([], [], [], 0)
        assert answer.notes[0] == "This store has no data yet."
    assert (await ask(platform, customers_of="2026-01-01")).rows == []


async def test_store_whose_orders_name_nobody_is_told_so(platform):
    await platform.take(placed("1", "2026-03-03T12:00:00Z"))
    assert (await ask(platform)).notes[0] == "No order of this store names its customer."


async def test_window_without_a_cohort_says_where_there_are_some(shop):
    note = (await ask(shop, from_="2020-01-01", to="2020-12-31")).notes[0]
    assert note.endswith("between 2020-01-01 and 2020-12-31; first orders lie between 2026-01-05 and 2026-02-10.")


@pytest.mark.parametrize(
    ("params", "parameter", "says"),
    [
        ({"sku": "A"}, "sku", "retention is about customers, not products"),
        ({"period": "year"}, "period", "is not one of those there are"),
        ({"mode": "day_n"}, "mode", "is not one of those there are"),
        ({"offset": "1"}, "offset", "say of which cohort with customers_of"),
        ({"customers_of": "2026-01-01", "by": "channel"}, "by", "with the filter of this name"),
        ({"customers_of": "0001-01-01"}, "customers_of", "between 1900-01-01 and 2200-12-31"),
        ({"from_": "2026-02-01", "to": "2026-01-01"}, "from", "must not lie after to"),
        ({"period": "day", "from_": "2000-01-01", "to": "2026-01-01", "periods": "30"}, "periods", "more than the 20,000 rows"),
        ({"min_orders": "0"}, "min_orders", ">= 1"),
    ],
)
async def test_question_that_cannot_be_answered_is_refused_by_name(platform, params, parameter, says):
    reply = await platform.ask(report="retention", **params)
    assert isinstance(reply, Refusal)
    assert (reply.status, reply.errors[0]["parameter"]) == (422, parameter)
    assert says in reply.errors[0]["detail"]


async def test_catalogue_describes_every_column(shop):
    described = {column.name: column for column in REPORT.columns}
    met = set()
    for question in ({}, {"by": "channel"}, {"measure": "revenue"}, {"measure": "orders"}, {"customers_of": "2026-01-01"}):
        for column in (await ask(shop, **question)).columns:
            assert column.type in described[column.name].types
            met.add((column.name, column.type))
    assert {name for name, _ in met} == set(described)
    assert {kind for name, kind in met if name == "value"} == set(described["value"].types)
    assert all(parameter.get("description") for parameter in schema(REPORT.params)["properties"].values())

"""The report on lifetime value as a client sees it."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from tillwise_analytics.calculator import Calculator
from tillwise_analytics.reports.ltv.refit import refit
from tillwise_analytics.rollups.answering import SESSION
from tillwise_common.contracts import reports
from tillwise_common.contracts.maintenance import LifetimeValueRefitted
from tillwise_common.contracts.reports import Answer, Refusal, ReportAnswer

from .conftest import CALCULATOR, Platform
from .shop_events import cancelled, line, placed, refunded

FIRST = date(2026, 1, 5)
NOW = datetime(2026, 10, 20, 12, tzinfo=UTC)


async def ask(platform: Platform, **params: str) -> ReportAnswer:
    reply = await platform.ask(report="ltv", **params)
    assert isinstance(reply, Answer), reply
    return reports.decode_answer(reply.body)


def records(answer: ReportAnswer) -> list[dict[str, Any]]:
    return [dict(zip([c.name for c in answer.columns], row, strict=True)) for row in answer.rows]


def at(day: date) -> str:
    return f"{day}T12:00:00Z"


def shop(customers: int = 120, seed: int = 1, unit_cost: int | None = None) -> list[dict[str, Any]]:
    """Orders of customers who come in the first months and buy again, some of them often."""
    dice, events = random.Random(seed), []
    for customer in range(customers):
        day, number = FIRST + timedelta(days=dice.randrange(120)), 0
        pause, price = dice.choice((10, 30, 90)), dice.randrange(500, 5000)
        while day < NOW.date():
            cost = {} if unit_cost is None else {"unit_cost": unit_cost}
            lines = [line("A", 1, price + dice.randrange(500), **cost)]
            events.append(placed(f"{customer}-{number}", at(day), *lines, customer_id=f"c{customer}"))
            if dice.random() < 0.3:
                break
            day, number = day + timedelta(days=1 + round(dice.expovariate(1 / pause))), number + 1
    return events


@pytest.fixture
async def filled(platform):
    platform.now = NOW
    await platform.take(*shop())
    return platform


async def test_empty_store_has_an_empty_answer_with_a_note(platform):
    for level in ("store", "cohort", "segment", "customer"):
        answer = await ask(platform, level=level)
        assert (answer.rows, answer.charts, answer.notes) == ([], [], ["This store has no data yet."])
        assert answer.model["r"] is None
        assert answer.totals["customers"] == 0


async def test_store_of_one_customer_shows_what_they_brought(platform):
    platform.now = NOW
    await platform.take(placed("1", at(FIRST), line("A", 2, 750), customer_id="x"))
    for level, names in (("store", {"customers": 1}), ("cohort", {"cohort": "2026-01-01"}), ("customer", {"customer": "x"})):
        answer = await ask(platform, level=level)
        (row,) = records(answer)
        assert names.items() <= row.items()
        assert (row["purchases"], row["sales"], row["margin"], row["p_alive"], row["expected_purchases"]) == (1, 1500, None, None, None)
        assert (row["value_so_far"], row["lifetime_value"]) == (1500, 1500)
        assert answer.notes[0] == (
            "Too few data for a forecast: 1 customers, 0 of whom bought again; it takes at least 50 and 10. "
            "What customers brought so far is shown instead."
        )
        assert (answer.model["alpha"], answer.model["customers"], answer.model["holdout"]) == (None, 1, None)
    answer = await ask(platform, level="segment")
    assert (answer.rows, answer.charts) == ([], [])
    assert answer.totals == (await ask(platform, level="store")).totals


@pytest.mark.parametrize("level", ["store", "cohort", "segment", "customer"])
async def test_totals_are_the_same_whatever_the_level_also_without_a_forecast(platform, level):
    platform.now = NOW
    await platform.take(*shop(30))
    whole = await ask(platform)
    assert whole.totals["customers"] == 30
    assert (await ask(platform, level=level)).totals == pytest.approx(whole.totals)
    await platform.refit()
    stored = await ask(platform, level=level)
    assert not any("fitted for this question" in note for note in stored.notes)
    assert stored.totals == pytest.approx(whole.totals)


@pytest.mark.parametrize(("basis", "sales"), [("net", 3950), ("gross", 4800)])
async def test_every_report_tells_the_same_money_when_some_was_given_back_later(platform, basis, sales):
    """Between a customer's orders, after the customer's last one, and after the store's last one."""
    platform.now = NOW
    await platform.take(
        placed("1", "2026-01-05T12:00:00Z", line("A", 2, 1000, unit_cost=400), customer_id="ann"),
        placed("2", "2026-01-10T12:00:00Z", line("A", 1, 1000, unit_cost=400), customer_id="bob"),
        refunded("1", "a", "2026-02-01T12:00:00Z", amount=250),
        refunded("2", "b", "2026-02-02T12:00:00Z", amount=100),
        placed("3", "2026-03-05T12:00:00Z", line("A", 1, 1000, unit_cost=400), line("B", 1, 800, unit_cost=300), customer_id="ann"),
        refunded("3", "c", "2026-05-03T12:00:00Z", amount=500),
    )

    async def told(report: str, **params: str) -> ReportAnswer:
        return reports.decode_answer((await platform.ask(report=report, basis=basis, **params)).body)

    trend = await told("trend", from_="2026-01-01", to="2026-10-20", granularity="month")
    assert trend.totals["value"] == sales
    retention = await told("retention", from_="2026-01-01", to="2026-01-31", measure="revenue")
    customers, ltv = await told("customers"), await told("ltv")
    assert (sum(row[3] for row in retention.rows), customers.totals["sales"], ltv.totals["sales"]) == (sales, sales, sales)
    assert (customers.totals["margin"], ltv.totals["margin"], ltv.totals["value_so_far"]) == (2050, 2050, 2050)
    (cohort,) = records(await told("ltv", level="cohort"))
    last = records(await told("ltv", level="cohort", by_month="true"))[-1]
    assert (cohort["sales"], cohort["margin"]) == (last["sales"], last["margin"]) == (sales, 2050)


async def test_what_paying_back_means_is_told_where_it_is_asked_for(filled):
    for params, told in (({}, "Payback months: "), ({"by_month": "true"}, "Paid back: ")):
        asked = {"level": "cohort", "acquisition_cost": "1500", **params}
        assert any(note.startswith(told) for note in (await ask(filled, **asked)).notes)
    assert not any("Paid back" in note or "Payback" in note for note in (await ask(filled, level="cohort")).notes)


async def test_orders_without_a_customer_count_nowhere(platform):
    platform.now = NOW
    await platform.take(placed("1", at(FIRST), line("A")))
    answer = await ask(platform)
    assert answer.totals["customers"] == 0
    assert answer.notes[0] == "Nobody had bought anything by 2026-01-05."


async def test_today_is_not_fitted_because_it_is_not_over(filled):
    await filled.take(placed("now", NOW.isoformat(), line("A"), customer_id="c1"))
    assert (await ask(filled)).params["fit_until"] < "2026-10-20"


async def test_every_figure_is_there_and_finite(filled):
    answer = await ask(filled, level="customer")
    assert len(answer.rows) == 120
    assert all(value is not None for row in records(answer) for name, value in row.items() if name != "margin")
    assert answer.model["fitted_at"] is not None
    assert answer.model["holdout"]["actual"] > 0
    assert len((await ask(filled, level="segment")).charts) == 3


async def test_customers_come_in_the_wanted_order_and_number(filled):
    for sort, column in (("value", "discounted_value"), ("p_alive", "p_alive"), ("sales", "sales"), ("purchases", "purchases")):
        whole = records(await ask(filled, level="customer", sort=sort))
        keys = [row[column] for row in whole]
        assert keys == sorted(keys, reverse=True), sort
        answer = await ask(filled, level="customer", sort=sort, limit="7")
        assert records(answer) == whole[:7]
        assert answer.notes[0] == "7 of 120 customers are listed; totals are over all. limit shows more."
        assert answer.totals["customers"] == 120
    firsts = [row["first_purchase"] for row in records(await ask(filled, level="customer", sort="first_purchase"))]
    assert firsts == sorted(firsts)


async def test_stored_answers_are_those_of_a_fit_made_now(filled):
    questions = [{"level": level} for level in ("store", "cohort", "segment", "customer")]
    questions += [
        {"horizon": "26"},
        {"time_unit": "month"},
        {"from_": "2026-02-10", "to": "2026-03-05"},
        {"level": "customer", "sort": "sales"},
    ]
    questions += [{"basis": "gross"}, {"basis": "gross", "level": "segment", "margin": "0.4", "discount_rate": "0"}]
    before = [await ask(filled, **question) for question in questions]
    assert await filled.refit() == LifetimeValueRefitted(120, changed=True)
    for question, made in zip(questions, before, strict=True):
        stored = await ask(filled, **question)
        assert stored.rows == [pytest.approx(row) for row in made.rows], question
        assert stored.totals == pytest.approx(made.totals), question
        assert stored.charts == made.charts
        assert stored.model.pop("fitted_at")
        made.model.pop("fitted_at")
        assert stored.model == made.model
        assert "The models were fitted for this question." not in stored.notes


async def test_refit_replaces_the_last_one_and_leaves_what_did_not_change(filled):
    await filled.refit()
    assert await filled.refit() == LifetimeValueRefitted()
    await filled.take(placed("new", at(FIRST), line("A", 1, 99_900), customer_id="new"))
    # A small store's answer is never older than its data.
    assert (await ask(filled)).totals["customers"] == 121
    assert await filled.refit() == LifetimeValueRefitted(121, changed=True)
    assert await filled.rows("select basis, count(*), count(distinct customer_id) from ltv_customers group by 1 order by 1") == [
        ("gross", 121, 121),
        ("net", 121, 121),
    ]
    assert (await ask(filled)).totals["customers"] == 121


async def test_events_are_committed_while_a_refit_computes(filled):
    """Nothing of the store is locked meanwhile, and what came meanwhile is not taken for fitted."""

    class Busy(Calculator):
        async def run(self, timeout, function, *args, **kwargs):
            came.append(await asyncio.wait_for(filled.take(placed(f"n{len(came)}", at(FIRST), line("A"), customer_id="new")), 10))
            return await CALCULATOR.run(timeout, function, *args, **kwargs)

    came: list[Any] = []
    connection = await asyncpg.connect(filled.url, server_settings=SESSION)
    try:
        assert (await refit(connection, 7, Busy(), NOW, 60)).changed
    finally:
        await connection.close()
    assert [committed.stored for committed in came] == [1, 1]
    assert (await ask(filled)).totals["customers"] == 121
    assert (await filled.refit()).changed


async def test_refit_gives_answers_a_new_etag(filled):
    reply = await filled.ask(report="ltv")
    await filled.refit()
    again = await filled.ask(report="ltv", if_none_match=reply.etag)
    assert again.fresh
    assert again.etag != reply.etag


async def test_large_store_answers_from_its_refit_or_with_what_is_known(filled, monkeypatch):
    monkeypatch.setattr("tillwise_analytics.reports.ltv.fetch.MOST_ON_DEMAND", 100)
    answer = await ask(filled, level="cohort")
    assert answer.notes[0] == (
        "With 120 customers the model will be fitted in the coming night. What they brought so far is shown instead."
    )
    assert [row["customers"] for row in records(answer)] == [row[0] for row in await filled.rows(
        "select customers from cohort_cells where basis = 'net' and grain = 'month' and dim = 'all' and cohort = bucket order by cohort"
    )]  # fmt: skip
    assert all(row["p_alive"] is None for row in records(answer))
    assert (await ask(filled, level="customer")).rows == []
    await filled.refit()
    # What comes later is in the next refit.
    await filled.take(placed("new", at(FIRST), line("A", 1, 99_900), customer_id="new"))
    answer = await ask(filled)
    assert (answer.totals["customers"], answer.model["data_until"]) == (120, "2026-10-18")
    answer = await ask(filled, fit_until="2026-08-01")
    assert "is fitted every night, not for a day of your choice" in answer.notes[0]


async def test_margin_is_the_one_of_known_costs_or_the_one_given(platform):
    platform.now = NOW
    await platform.take(*shop(unit_cost=300))
    known = (await ask(platform)).totals
    costs = await platform.rows("select sum(sales_net)::bigint, sum(cost_net)::bigint from rollup_days where dim = 'all'")
    sales, cost = costs[0]
    assert (known["sales"], known["margin"], known["margin_rate"]) == (sales, sales - cost, (sales - cost) / sales)
    assert known["expected_value"] == pytest.approx(known["expected_sales"] * (sales - cost) / sales, abs=1)
    assert known["value_so_far"] == sales - cost
    given = await ask(platform, margin="0.25")
    assert given.totals["value_so_far"] == round(sales * 0.25)
    assert given.totals["expected_value"] == pytest.approx(known["expected_sales"] * 0.25, abs=1)
    assert "Values are 25.0% of sales, the margin that was given." in given.notes


async def test_cohorts_are_cumulative_and_say_when_they_paid_back(platform):
    platform.now = datetime(2026, 4, 10, 12, tzinfo=UTC)
    await platform.take(
        placed("1", "2026-01-10T12:00:00Z", line("A", 1, 1000), customer_id="x"),
        placed("2", "2026-01-20T12:00:00Z", line("A", 1, 2000), customer_id="y"),
        placed("3", "2026-03-05T12:00:00Z", line("A", 1, 4000), customer_id="x"),
        refunded("2", "r", "2026-04-02T12:00:00Z", amount=500),
        placed("4", "2026-02-14T12:00:00Z", line("A", 1, 700), customer_id="z"),
    )
    months = records(await ask(platform, level="cohort", by_month="true", acquisition_cost="1600"))
    assert [(row["cohort"], row["customers"], row["offset"], row["sales"], row["complete"], row["paid_back"]) for row in months] == [
        ("2026-01-01", 2, 0, 3000, True, False),
        ("2026-01-01", 2, 1, 3000, True, False),
        ("2026-01-01", 2, 2, 7000, True, True),
        # April is not over.
        ("2026-01-01", 2, 3, 6500, False, True),
        ("2026-02-01", 1, 0, 700, True, False),
        ("2026-02-01", 1, 1, 700, True, False),
        ("2026-02-01", 1, 2, 700, False, False),
    ]
    assert months[2]["sales_per_customer"] == 3500
    january, february = records(await ask(platform, level="cohort", acquisition_cost="1600"))
    assert (january["payback_months"], february["payback_months"]) == (2, None)
    # A refund that takes back what was earned: not paid back after all.
    january, _ = records(await ask(platform, level="cohort", acquisition_cost="3400"))
    assert january["payback_months"] is None
    curve = (await ask(platform, level="cohort")).charts[0]["layer"][0]["data"]["values"]
    assert curve[2] == {"cohort": "2026-01", "month": 2, "complete": True, "value": 35.0}


async def test_history_until_a_day_agrees_with_the_kept_sums(filled):
    so_far = await ask(filled, level="cohort", by_month="true")
    # The day of the last order: the same cells, from the customers' days.
    until = await ask(filled, level="cohort", by_month="true", fit_until="2026-10-20")
    assert until.rows == so_far.rows


async def test_refund_lowers_the_purchase_before_it(platform):
    """A refund between the first and the second purchase is of the first one, and not of repeat purchases."""
    platform.now = NOW
    await platform.take(*shop())
    await platform.take(
        placed("x1", "2026-02-02T12:00:00Z", line("A", 1, 5000), customer_id="x"),
        refunded("x1", "rx", "2026-02-05T12:00:00Z", amount=4000),
        placed("x2", "2026-03-02T12:00:00Z", line("A", 1, 3000), customer_id="x"),
        refunded("x2", "ry", "2026-03-09T12:00:00Z", amount=1000),
        placed("y1", "2026-02-02T12:00:00Z", line("A", 1, 5000), customer_id="y"),
        placed("y2", "2026-03-02T12:00:00Z", line("A", 1, 2000), customer_id="y"),
    )
    rows = {row["customer"]: row for row in records(await ask(platform, level="customer"))}
    assert (rows["x"]["purchases"], rows["x"]["sales"], rows["y"]["sales"]) == (2, 3000, 7000)
    # Both brought 2000 with their one repeat purchase.
    assert rows["x"]["expected_spend"] == rows["y"]["expected_spend"]
    assert rows["x"]["last_purchase"] == "2026-03-02"


async def test_cancelled_order_is_a_purchase_in_gross_only(platform):
    platform.now = NOW
    await platform.take(
        placed("1", at(FIRST), line("A"), customer_id="x"),
        placed("2", "2026-03-02T12:00:00Z", line("A"), customer_id="x"),
        cancelled("2", "2026-03-03T12:00:00Z"),
    )
    assert (await ask(platform)).totals["purchases"] == 1
    assert (await ask(platform, basis="gross")).totals["purchases"] == 2


async def test_period_chooses_customers_by_their_first_purchase(filled):
    rows = records(await ask(filled, level="customer", from_="2026-02-01", to="2026-02-28"))
    everybody = records(await ask(filled, level="customer"))
    assert rows == [row for row in everybody if row["first_purchase"].startswith("2026-02")]


async def test_bad_parameters_are_named(filled):
    for name, value in (
        ("fit_until", "2027-01-01"),
        ("time_unit", "year"),
        ("horizon", "0"),
        ("horizon", "523"),
        ("discount_rate", "10"),
        ("margin", "1.5"),
        ("level", "product"),
        ("sort", "luck"),
        ("limit", "0"),
        ("by_month", "true"),
        ("acquisition_cost", "500"),
        ("acquisition_cost", "-1"),
    ):
        reply = await filled.ask(report="ltv", **{name: value})
        assert isinstance(reply, Refusal), (name, value)
        assert (reply.status, reply.errors[0]["parameter"]) == (422, name)


async def test_filters_are_refused_with_why_and_what_there_is_instead(filled):
    for name, value in (("channel", "web"), ("country", ""), ("category", "tea"), ("sku", "A")):
        reply = await filled.ask(report="ltv", **{name: value})
        assert isinstance(reply, Refusal), (name, value)
        (error,) = reply.errors
        assert (reply.status, error["parameter"]) == (422, name)
        assert error["detail"].startswith(f"ltv cannot be filtered by {name}: a customer's value is that of all their purchases")
        assert {"from", "to", "level"} <= set(error["allowed"])
        assert name not in error["allowed"]


async def test_stores_do_not_see_each_others_models(filled):
    from .conftest import BERLIN

    await filled.refit()
    other = type(BERLIN)(id=8, name="other", currency="EUR", timezone="Europe/Berlin")
    await filled.take(placed("1", at(FIRST), line("A"), customer_id="x"), store=other)
    reply = await filled.ask(other, "ltv", level="customer")
    assert [row[0] for row in reports.decode_answer(reply.body).rows] == ["x"]

"""The products report as a client sees it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tillwise_common.contracts import reports
from tillwise_common.contracts.reports import Answer, Refusal

from .shop_events import cancelled, line, placed, product, refunded

PERIOD = {"from_": "2026-03-02", "to": "2026-03-29"}


async def records(platform: Any, **params: str) -> list[dict[str, Any]]:
    reply = await platform.ask(report="products", **{**PERIOD, **params})
    assert isinstance(reply, Answer), reply
    answer = reports.decode_answer(reply.body)
    return [dict(zip([c.name for c in answer.columns], row, strict=True)) for row in answer.rows]


async def test_product_carries_its_name_category_and_dates(platform):
    await platform.take(
        product("A", "2026-03-01T00:00:00Z", name="Green tea", category="tea", unit_cost=600),
        placed("0", "2026-01-07T12:00:00Z", line("A")),
        placed("1", "2026-03-03T12:00:00Z", line("A", 2), line("B", 1, 500, name="Cup", category="cups")),
        placed("2", "2026-03-20T12:00:00Z", line("A", 2)),
    )
    tea, cup = await records(platform)
    assert (tea["sku"], tea["name"], tea["category"], tea["first_sale"], tea["last_sale"]) == (
        "A",
        "Green tea",
        "tea",
        "2026-01-07",
        "2026-03-20",
    )
    assert (tea["sales"], tea["units"], tea["orders"], tea["cost"], tea["margin"], tea["margin_rate"]) == (4000, 4, 2, 2400, 1600, 0.4)
    # Weeks of 2, 0, 2 and 0 units: a mean of 1 and a deviation of 1.
    assert (tea["variation"], tea["class"]) == (1.0, "AY")
    assert (cup["name"], cup["category"], cup["margin"], cup["class"]) == ("Cup", "cups", None, "BZ")


async def test_list_is_cut_and_the_totals_are_not(platform):
    await platform.take(placed("1", "2026-03-03T12:00:00Z", *(line(f"S{n}", 1, 100 + n) for n in range(5))))
    reply = await platform.ask(report="products", limit="2", **PERIOD)
    answer = reports.decode_answer(reply.body)
    assert [row[0] for row in answer.rows] == ["S4", "S3"]
    assert (answer.totals["products"], answer.totals["sales"]) == (5, 510)
    assert answer.notes[0] == "2 of 5 products are listed; totals are over all. limit shows more."


async def test_other_orders_are_there(platform):
    await platform.take(placed("1", "2026-03-03T12:00:00Z", line("A", 1, 300), line("B", 5, 100), line("C", 2, 50)))
    assert [r["sku"] for r in await records(platform)] == ["B", "A", "C"]
    assert [r["sku"] for r in await records(platform, sort="sku")] == ["A", "B", "C"]
    assert [r["sku"] for r in await records(platform, sort="units")] == ["B", "C", "A"]


async def test_empty_store_has_an_empty_answer_with_a_note(platform):
    answer = reports.decode_answer((await platform.ask(report="products")).body)
    assert (answer.rows, answer.charts, answer.totals["margin"]) == ([], [], None)
    assert answer.notes[0] == "No product was sold in this period."


async def test_running_week_is_no_week_of_low_demand(platform):
    """By default the period is this week and the twelve before; the variation is of weeks that are over."""
    platform.now = datetime(2026, 3, 25, 12, tzinfo=UTC)
    steady = [placed(f"{n}", f"{date(2026, 1, 5) + timedelta(weeks=n)}T12:00:00Z", line("A", 10)) for n in range(11)]
    await platform.take(*steady, placed("now", "2026-03-24T12:00:00Z", line("A", 1)))
    answer = reports.decode_answer((await platform.ask(report="products")).body)
    row = dict(zip([c.name for c in answer.columns], answer.rows[0], strict=True))
    assert (answer.params["from"], answer.params["to"]) == ("2025-12-29", "2026-03-25")
    assert (row["units"], row["variation"], row["xyz"]) == (111, 0.0, "X")
    assert "(12 at most)" in " ".join(answer.notes)


async def test_cost_is_known_or_not_also_where_everything_came_back(platform):
    for number, sku, cost in (("1", "A", {"unit_cost": 400}), ("2", "B", {})):
        await platform.take(placed(number, "2026-03-10T12:00:00Z", line(sku, 1, 1000, **cost)))
        await platform.take(refunded(number, f"r{number}", "2026-03-11T12:00:00Z", lines=[{"sku": sku, "quantity": 1, "amount": 1000}]))
    for asked in ({}, {"country": ""}):
        a, b = sorted(await records(platform, **asked), key=lambda row: row["sku"])
        assert (a["cost"], a["margin"], b["cost"], b["margin"]) == (0, 0, None, None)


async def test_order_that_was_cancelled_was_no_demand(platform):
    """Weeks of demand begin with the first order that stands; in gross with the first of all."""
    await platform.take(
        placed("1", "2026-03-10T12:00:00Z", line("A")),
        cancelled("1", "2026-03-11T12:00:00Z"),
        placed("2", "2026-03-17T12:00:00Z", line("A")),
    )
    (row,) = await records(platform)
    # Weeks of 1 and 0 units.
    assert (row["first_sale"], row["orders"], row["variation"]) == ("2026-03-17", 1, pytest.approx(1))
    (row,) = await records(platform, basis="gross")
    # Weeks of 1, 1 and 0 units.
    assert (row["first_sale"], row["orders"], row["variation"]) == ("2026-03-10", 2, pytest.approx(2**0.5 / 2))


async def test_lines_without_a_category_can_be_asked_for(platform):
    await platform.take(placed("1", "2026-03-03T12:00:00Z", line("A"), line("B", category="cups")))
    assert [row["sku"] for row in await records(platform, category="")] == ["A"]


async def test_bad_parameters_are_named(platform):
    for name, value in (
        ("abc", "95,80"),
        ("abc", "x"),
        ("abc", "0,50"),
        ("xyz", "1"),
        ("xyz", "nan,1"),
        ("sort", "luck"),
        ("limit", "0"),
        ("from", "2030-01-01"),
    ):
        reply = await platform.ask(report="products", **{"to": "2026-03-29", name: value})
        assert isinstance(reply, Refusal), (name, value)
        assert reply.status == 422
        assert reply.errors[0]["parameter"] == name

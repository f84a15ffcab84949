"""On the CDNOW sample the report says what was published about it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tillwise.embedded.postgres import EmbeddedPostgres
from tillwise_common.contracts import reports
from tillwise_common.contracts.reports import Answer, ReportAnswer

from . import cdnow
from .conftest import Platform, running

PUBLISHED = {"fit_until": "1997-09-30", "time_unit": "week", "horizon": "39"}


async def ask(platform: Platform, **params: str) -> ReportAnswer:
    reply = await platform.ask(report="ltv", **params)
    assert isinstance(reply, Answer), reply
    return reports.decode_answer(reply.body)


def records(answer: ReportAnswer) -> list[dict[str, Any]]:
    return [dict(zip([c.name for c in answer.columns], row, strict=True)) for row in answer.rows]


@pytest.fixture(scope="module")
def filled(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """A database that holds the sample; nothing here changes it."""
    postgres_server.psql("create database cdnow template tillwise_template owner tillwise")
    url = f"postgresql://tillwise@/cdnow?host={postgres_server.sockets}"
    asyncio.run(_fill(url))
    yield url
    postgres_server.psql("drop database cdnow with (force)")


async def _fill(url: str) -> None:
    events = cdnow.events()
    async with running(url) as platform:
        for begin in range(0, len(events), 2000):
            await platform.take(*events[begin : begin + 2000])


@pytest.fixture
async def shop(filled: str) -> AsyncIterator[Platform]:
    async with running(filled) as platform:
        yield platform


async def test_models_and_forecasts_are_the_published_ones(shop):
    answer = await ask(shop, **PUBLISHED, level="customer", limit="3000", discount_rate="0")
    model = answer.model
    # Fader, Hardie & Lee 2005, table 2.
    assert model["r"] == pytest.approx(0.243, abs=5e-4)
    assert model["alpha"] == pytest.approx(4.414, abs=5e-4)
    assert model["a"] == pytest.approx(0.793, abs=5e-4)
    assert model["b"] == pytest.approx(2.426, abs=5e-4)
    assert model["log_likelihood"] == pytest.approx(-9582.4, abs=0.05)
    # Fader & Hardie 2013, section 3.
    assert model["p"] == pytest.approx(6.25, abs=5e-3)
    assert model["q"] == pytest.approx(3.74, abs=5e-3)
    assert model["gamma"] == pytest.approx(15.44, abs=5e-3)
    assert (model["customers"], model["returning_customers"], model["time_unit"]) == (2357, 946, "week")
    assert (model["data_from"], model["data_until"]) == ("1997-01-01", "1997-09-30")
    rows = {row["customer"]: row for row in records(answer)}
    assert len(rows) == 2357
    # x = 2, t_x = 30.43, T = 38.86: 1.226 purchases in 39 weeks; m = 22.35.
    assert rows["00004"]["expected_purchases"] == pytest.approx(1.226, abs=5e-4)
    assert rows["00004"]["p_alive"] == pytest.approx(0.7266, abs=5e-4)
    # p (gamma + m x) / (p x + q - 1).
    assert rows["00004"]["expected_spend"] == pytest.approx(100 * 6.25 * (15.44 + 44.69) / (6.25 * 2 + 2.74), rel=1e-3)
    # Never came back: alive for the model, whatever the time.
    assert all(row["p_alive"] == 1 for row in rows.values() if row["purchases"] == 1)
    assert answer.totals["expected_purchases"] == pytest.approx(model["holdout"]["expected"])


async def test_hold_out_is_what_came_after_the_fit(shop):
    answer = await ask(shop, **PUBLISHED)
    days = cdnow.by_customer()
    holdout = answer.model["holdout"]
    assert holdout["actual"] == sum(day > cdnow.FITTED_UNTIL for own in days.values() for day in own)
    assert (holdout["fitted_until"], holdout["until"]) == ("1997-09-30", "1998-06-30")
    # The correlation of conditional expectations with actual purchases.
    assert holdout["correlation"] == pytest.approx(0.626, abs=5e-3)
    tracking, by_repeats = answer.charts
    weeks = tracking["layer"][0]["data"]["values"]
    assert weeks[-2]["week"] == "1998-06-30"
    assert weeks[-2]["purchases"] == sum(len(own) - 1 for own in days.values())
    groups = [value for value in by_repeats["data"]["values"] if value["which"] == "actual"]
    assert [group["customers"] for group in groups] == [1411, 439, 214, 100, 62, 38, 29, 64]


async def test_without_a_day_everything_is_fitted_and_an_inner_part_is_the_check(shop):
    answer = await ask(shop)
    assert answer.params["fit_until"] == "1998-06-30"
    assert (answer.params["horizon"], answer.params["discount_rate"], answer.params["time_unit"]) == (52, 0.1, "week")
    holdout = answer.model["holdout"]
    assert holdout["fitted_until"] == "1997-12-30"
    assert holdout["until"] == "1998-06-30"
    assert answer.totals["customers"] == 2357


async def test_other_units_are_the_same_model(shop):
    weeks, days = await ask(shop, **PUBLISHED), await ask(shop, fit_until="1997-09-30", time_unit="day", horizon="273")
    for name in ("r", "a", "b", "p", "q", "gamma", "spend_log_likelihood"):
        assert days.model[name] == weeks.model[name]
    assert days.model["alpha"] == pytest.approx(7 * weeks.model["alpha"])
    assert days.totals["expected_purchases"] == pytest.approx(weeks.totals["expected_purchases"])
    # Discounting day by day pays a little earlier than week by week.
    assert 1 < days.totals["discounted_value"] / weeks.totals["discounted_value"] < 1.001


async def test_levels_add_up(shop):
    store = (await ask(shop, **PUBLISHED)).totals
    for level, groups in (("cohort", 3), ("segment", 5), ("customer", 2357)):
        answer = await ask(shop, **PUBLISHED, level=level, limit="10000")
        rows = records(answer)
        assert len(rows) == groups
        assert answer.totals == pytest.approx(store)
        for name in ("purchases", "sales", "expected_purchases", "discounted_value", "lifetime_value"):
            # Each row is rounded for itself.
            assert sum(row[name] for row in rows) == pytest.approx(store[name], abs=len(rows))
    segments = records(await ask(shop, **PUBLISHED, level="segment"))
    assert [row["segment"] for row in segments] == ["best", "good", "middle", "low", "lowest"]
    to_come = [row["discounted_value"] / row["customers"] for row in segments]
    assert to_come == sorted(to_come, reverse=True)

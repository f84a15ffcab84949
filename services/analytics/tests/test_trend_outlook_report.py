"""Forecast, anomalies and trend test of the report, on a database: whole buckets only, group by group, and never a figure from nothing."""

from __future__ import annotations

import random
import re
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tillwise.testing import examples
from tillwise_common.contracts.reports import Refusal
from tillwise_common.render.csv import render_csv

from .conftest import emptied
from .shop_events import cancelled, line, placed

vl_convert = pytest.importorskip("vl_convert")
BERLIN = ZoneInfo("Europe/Berlin")
WEEK = [20, 24, 18, 28, 36, 0, 6]
# A Monday, and a Sunday morning 27 weeks later: 28 October is a day after clocks went back.
FIRST, NOW = date(2025, 5, 5), datetime(2025, 11, 9, 9, 30, tzinfo=BERLIN)
LAST = NOW.date()
PERIOD = {"from_": "2025-09-01", "to": "2025-11-09"}
EVERYTHING = {"forecast": "10", "anomalies": "true", "trend_test": "true"}


def units(day: date) -> int:
    return max(0, WEEK[day.weekday()] + random.Random(day.toordinal()).randint(-2, 2)) if WEEK[day.weekday()] else 0


def year(*, until: date = LAST, spike: dict[date, int] | None = None, **about: Any) -> list[dict[str, Any]]:
    """One order a day, of as many units as the weekday sells; nothing on Saturdays."""
    days = [FIRST + timedelta(days=number) for number in range((until - FIRST).days)]
    sold = {day: (spike or {}).get(day, units(day)) for day in days}
    return [placed(f"o{day}{about}", f"{day}T12:00:00Z", line("A", count, 1000), **about) for day, count in sold.items() if count]


def records(answer: Any) -> list[dict[str, Any]]:
    return [dict(zip([column.name for column in answer.columns], row, strict=True)) for row in answer.rows]


async def test_a_week_is_carried_on_from_the_first_day_that_is_not_over(platform):
    await platform.take(*year(), placed("today", "2025-11-09T07:00:00Z", line("A", 1, 1000)))
    platform.now = NOW
    answer = await platform.trend(forecast="10", **PERIOD)
    rows = records(answer)
    ahead = [row for row in rows if row["forecast"] is not None]
    assert [row["bucket"] for row in ahead] == [str(NOW.date() + timedelta(days=number)) for number in range(10)]
    # Today is told so far, and what it will be; what comes is empty so far.
    assert [row["value"] for row in ahead] == [1000, *[None] * 9]
    assert all(row["partial"] for row in ahead)
    assert not any(row["partial"] for row in rows[:-10])
    for row in ahead:
        expected = WEEK[date.fromisoformat(row["bucket"]).weekday()] * 1000
        assert row["forecast"] == pytest.approx(expected, rel=0.12)
        assert row["lower"] <= row["forecast"] <= row["upper"]
        assert isinstance(row["forecast"], int)
    saturday = next(row for row in ahead if row["bucket"] == "2025-11-15")
    assert (saturday["forecast"], saturday["lower"], saturday["upper"]) == (0, 0, 0)
    told = answer.totals["forecast"]
    assert (told["season"], told["season_buckets"], told["interval"]) == (7, 6, 0.8)
    assert (told["fitted_from"], told["fitted_to"]) == ("2025-05-05", "2025-11-08")
    assert told["sum"] == pytest.approx(sum(row["forecast"] for row in ahead), abs=10)
    assert [(column.name, column.type, column.unit) for column in answer.columns][-3:] == [
        (name, "money", "EUR") for name in ("forecast", "lower", "upper")
    ]
    notes = "\n".join(answer.notes)
    assert "fitted on 161 whole days from 2025-05-05 to 2025-11-08" in notes
    assert "Nothing was ever sold on Saturdays" in notes
    assert re.search(r"of \d+ models it has the least AICc", notes)


async def test_the_bucket_that_runs_does_not_pull_the_forecast_down(platform):
    await platform.take(*year())
    platform.now = NOW
    one = await platform.trend(forecast="3", granularity="week", **PERIOD)
    # The same without the week that runs: Monday to Saturday of it are no week.
    other = await platform.trend(forecast="3", granularity="week", from_="2025-09-01", to="2025-11-02")
    assert [row["bucket"] for row in records(one)][-4:] == ["2025-10-27", "2025-11-03", "2025-11-10", "2025-11-17"]
    assert [row["forecast"] for row in records(one)][-3:] == [row["forecast"] for row in records(other)][-3:]
    assert records(one)[-3]["value"] == sum(units(date(2025, 11, day)) for day in range(3, 9)) * 1000
    assert records(other)[-3]["value"] is None
    assert records(one)[-3]["forecast"] == pytest.approx(sum(WEEK) * 1000, rel=0.1)


async def test_a_period_that_is_over_is_forecast_from_its_own_end(platform):
    """What happened since has no say: so people see what they would have been told."""
    await platform.take(*year(spike={date(2025, 10, day): 500 for day in range(6, 11)}))
    platform.now = NOW
    answer = await platform.trend(forecast="5", from_="2025-09-01", to="2025-10-05")
    ahead = [row for row in records(answer) if row["forecast"] is not None]
    assert [row["bucket"] for row in ahead] == [f"2025-10-{day:02}" for day in range(6, 11)]
    assert all(row["value"] is None and row["forecast"] < 50_000 for row in ahead)
    assert answer.totals["forecast"]["fitted_to"] == "2025-10-05"


async def test_a_period_to_come_has_a_row_for_every_bucket_that_is_forecast(platform):
    """The week that runs and, of two to come, the first lie before the period."""
    await platform.take(*year())
    platform.now = NOW
    answer = await platform.trend(forecast="3", granularity="week", from_="2025-11-17", to="2025-12-07", cumulative="true")
    rows = records(answer)
    assert [row["bucket"] for row in rows] == ["2025-11-03", "2025-11-10", "2025-11-17", "2025-11-24", "2025-12-01"]
    assert [row["forecast"] is not None for row in rows] == [True, True, True, False, False]
    assert sum(row["forecast"] for row in rows[:3]) == pytest.approx(answer.totals["forecast"]["sum"], abs=2)
    # Nothing of them has happened: the forecast is all there is to draw, on an axis with the metric's name.
    assert {(row["value"], row["partial"], row["cumulative"]) for row in rows} == {(None, True, None)}
    assert [layer["encoding"]["y"].get("title") for layer in answer.charts[0]["layer"]] == ["Sales (EUR)", None, None]


async def test_hours_are_forecast_by_the_shops_clock(platform):
    events = []
    for number in range(28):
        day = date(2025, 10, 13) + timedelta(days=number)
        # Nine o'clock in Berlin, before and after clocks change.
        for hour, count in ((9, 4), (10, 9), (17, 2)):
            at = datetime(day.year, day.month, day.day, hour, 15, tzinfo=BERLIN).isoformat()
            events.append(placed(f"{day}-{hour}", at, line("A", count + number % 2, 1000)))
    await platform.take(*events)
    platform.now = datetime(2025, 11, 10, 8, 20, tzinfo=BERLIN)
    answer = await platform.trend(granularity="hour", forecast="12", from_="2025-11-09", to="2025-11-10", metric="units")
    ahead = {row["bucket"][11:16]: row["forecast"] for row in records(answer) if row["forecast"] is not None}
    assert list(ahead) == [f"{hour:02}:00" for hour in range(8, 20)]
    assert ahead["09:00"] == pytest.approx(4.5, abs=0.7)
    assert ahead["10:00"] == pytest.approx(9.5, abs=0.7)
    assert ahead["12:00"] == 0
    assert answer.totals["forecast"]["season"] == 24


async def test_a_spreadsheet_tells_what_is_expected_from_what_was(platform):
    await platform.take(*year(spike={date(2025, 10, 7): 90}))
    platform.now = NOW
    answer = await platform.trend(**PERIOD, **EVERYTHING)
    head, *cells = [row.split(",") for row in render_csv(answer).decode().splitlines()]
    assert head == ["bucket", "value", "partial", "forecast", "lower", "upper", "expected", "anomaly", "anomaly_score"]
    by_day = {row[0]: row for row in cells}
    bucket, value, partial, forecast, lower, upper, *judged = by_day["2025-11-14"]
    assert (bucket, value, partial, judged) == ("2025-11-14", "", "true", ["", "", ""])
    assert 0 < float(lower) < float(forecast) < float(upper) < 600
    assert by_day["2025-10-07"][1:6] == ["900.00", "false", "", "", ""]
    assert by_day["2025-10-07"][7] == "true"
    assert by_day["2025-10-08"][7] == "false"


async def test_each_group_is_forecast_for_itself(platform):
    await platform.take(*year(channel="web"), *year(channel="pos", spike={date(2025, 10, 7): 200}))
    platform.now = NOW
    answer = await platform.trend(by="channel", **PERIOD, **EVERYTHING)
    rows = records(answer)
    assert [(row["bucket"], row["group"]) for row in rows[-2:]] == [("2025-11-18", "pos"), ("2025-11-18", "web")]
    ahead = {row["group"]: row["forecast"] for row in rows[-2:]}
    assert ahead == {"pos": pytest.approx(24_000, rel=0.15), "web": pytest.approx(24_000, rel=0.12)}
    assert [told["group"] for told in answer.totals["forecast"]] == ["pos", "web"]
    assert [told["group"] for told in answer.totals["trend"]] == ["pos", "web"]
    assert [(told["group"], told["bucket"]) for told in answer.totals["anomalies"]] == [("pos", "2025-10-07")]


@pytest.mark.parametrize("params", [{"top": "11"}, {"granularity": "hour", "from_": "2025-11-08"}])
@pytest.mark.parametrize("asked", [{"forecast": "3"}, {"anomalies": "true"}, {"trend_test": "true"}])
async def test_more_groups_than_can_be_studied_are_refused_with_what_to_ask_for(platform, params, asked):
    platform.now = NOW
    refusal = await platform.ask(by="product", **(PERIOD | params | asked))
    assert isinstance(refusal, Refusal)
    assert refusal.status == 422
    assert refusal.errors[0]["parameter"] == ("top" if "top" in params else next(iter(asked)))
    assert refusal.errors[0]["allowed"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("forecast", "0"),
        ("forecast", "367"),
        ("forecast", "x"),
        ("interval", "49"),
        ("interval", "100"),
        ("anomalies", "maybe"),
        ("trend_test", "2"),
    ],
)
async def test_a_parameter_that_cannot_be_is_refused_by_name(platform, name, value):
    refusal = await platform.ask(**(PERIOD | {name: value}))
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.errors[0]["parameter"]) == (422, name)


async def test_an_empty_store_has_no_future_and_says_so(platform):
    answer = await platform.trend(**PERIOD, **EVERYTHING)
    assert answer.notes[0] == "This store has no data yet."
    assert answer.totals["forecast"] == {"model": None, "buckets": 0, "needed": 10}
    assert answer.totals["anomalies"] == []
    assert answer.totals["trend"]["direction"] is None
    assert len(answer.rows) == 70
    assert all(row["forecast"] is None and row["anomaly"] is None for row in records(answer))


async def test_too_few_days_have_no_future_and_the_answer_says_how_many_it_takes(platform):
    await platform.take(*year(until=FIRST + timedelta(days=9)))
    platform.now = datetime(2025, 5, 14, 12, tzinfo=BERLIN)
    answer = await platform.trend(from_="2025-05-01", to="2025-05-14", **EVERYTHING)
    assert len(answer.rows) == 14
    notes = "\n".join(answer.notes)
    assert "No forecast: it takes 10 whole days since the first sale, and there are 9." in notes
    assert "A season of 7 days is looked for when it was seen 2 times." in notes
    assert "Nobody can say yet what is unusual: it takes 10" in notes
    assert "Whether there is a trend takes 10" in notes


async def test_history_before_the_period_is_used_and_the_month_of_the_opening_is_not(platform):
    await platform.take(*year())
    platform.now = NOW
    assert (await platform.trend(forecast="1", from_="2025-11-08", to="2025-11-09")).totals["forecast"]["buckets"] == 161
    # May 2025 began before the shop did.
    assert (await platform.trend(forecast="1", granularity="month", **PERIOD)).totals["forecast"]["buckets"] == 5


async def test_an_average_order_has_no_value_where_the_shop_is_closed(platform):
    await platform.take(*year())
    platform.now = NOW
    answer = await platform.trend(forecast="10", metric="average_order", **PERIOD)
    ahead = {row["bucket"]: row["forecast"] for row in records(answer) if row["bucket"] >= "2025-11-09"}
    assert ahead["2025-11-15"] is None
    assert ahead["2025-11-14"] == pytest.approx(36_000, rel=0.12)
    assert "sum" not in answer.totals["forecast"]


async def test_a_spike_is_marked_with_what_was_to_be_expected_and_why(platform):
    await platform.take(*year(spike={date(2025, 10, 7): 90}))
    platform.now = NOW
    answer = await platform.trend(anomalies="true", **PERIOD)
    marked = [row for row in records(answer) if row["anomaly"]]
    assert [row["bucket"] for row in marked] == ["2025-10-07"]
    assert marked[0]["expected"] == pytest.approx(24_000, rel=0.15)
    (told,) = answer.totals["anomalies"]
    assert (told["bucket"], told["value"], told["expected"]) == ("2025-10-07", 90_000, marked[0]["expected"])
    assert told["score"] == marked[0]["anomaly_score"] > 3.5
    assert re.fullmatch(
        r"2025-10-07: sales 900\.00 EUR where about 2\d\d\.\d\d EUR was to be expected, \d+\.\d usual spreads above\.", told["reason"]
    )
    # Today is not over, and Saturdays are closed: nobody judges them.
    unknown = [row["bucket"] for row in records(answer) if row["anomaly"] is None]
    assert unknown == [*(str(date(2025, 9, 6) + timedelta(days=7 * week)) for week in range(10)), "2025-11-09"]
    assert answer.columns[-2].type == "boolean"


async def test_gross_and_net_are_forecast_each_for_itself(platform):
    events = year()
    gone = [cancelled(event["data"]["order_id"], event["occurred_at"]) for event in events[::2]]
    await platform.take(*events, *gone)
    platform.now = NOW
    net, gross = [await platform.trend(granularity="week", forecast="1", basis=basis, **PERIOD) for basis in ("net", "gross")]
    assert records(gross)[-1]["forecast"] == pytest.approx(sum(WEEK) * 1000, rel=0.1)
    assert records(net)[-1]["forecast"] < 0.75 * records(gross)[-1]["forecast"]


async def test_a_rise_is_told_with_its_slope(platform):
    events = [
        placed(f"o{number}", f"{FIRST + timedelta(days=number)}T12:00:00Z", line("A", 20 + number + 10 * (number % 7 == 4), 100))
        for number in range(70)
    ]
    await platform.take(*events)
    platform.now = datetime(2025, 7, 14, 12, tzinfo=BERLIN)
    told = (await platform.trend(from_="2025-05-05", to="2025-07-13", trend_test="true")).totals["trend"]
    assert (told["direction"], told["buckets"], told["season"]) == ("rising", 70, 7)
    assert told["slope"] == pytest.approx(100)
    assert told["sentence"] == "Rising by about +1.00 EUR a day (p < 0.001)."


async def test_other_columns_are_empty_in_rows_that_only_the_forecast_has(platform):
    await platform.take(*year())
    platform.now = NOW
    others = {"compare": "previous_period", "moving_average": "7", "cumulative": "true", "growth": "true", "by": "product"}
    rows = records(await platform.trend(**PERIOD, **EVERYTHING, **others))
    last = rows[-1]
    assert {name for name, value in last.items() if value is not None} == {
        "bucket", "group", "partial", "forecast", "lower", "upper", "moving_average_window"
    }  # fmt: skip
    assert last["moving_average_window"] == 0
    assert rows[0]["moving_average_window"] == 1


async def test_the_chart_shows_line_band_and_ring(platform):
    await platform.take(*year(spike={date(2025, 10, 7): 90}))
    platform.now = NOW
    answer = await platform.trend(**PERIOD, **EVERYTHING)
    spec = answer.charts[0]
    points = spec["data"]["values"]
    # The band grows out of the last whole day, in major units.
    bridge = next(point for point in points if point["bucket"] == "2025-11-08")
    assert bridge["outlook"] == bridge["low"] == bridge["high"] == bridge["value"] == 0
    friday = next(point for point in points if point["bucket"] == "2025-11-14")
    assert friday["low"] < friday["outlook"] < friday["high"] < 600
    marks = [(layer["mark"]["type"], layer["mark"].get("strokeDash")) for layer in spec["layer"]]
    assert ("area", None) in marks
    assert ("line", [7, 4]) in marks
    svg = vl_convert.vegalite_to_svg({**spec, "width": 900})
    assert len(re.findall(r'stroke-dasharray="7,4"', svg)) == 1
    assert len(re.findall(r'stroke="#dc2626"', svg)) == 1
    # Nothing of it where nothing of it was asked for.
    plain = await platform.trend(**PERIOD)
    assert not {"outlook", "low", "anomaly"} & set(plain.charts[0]["data"]["values"][0])
    assert len(plain.charts[0]["layer"]) < len(spec["layer"])


@settings(max_examples=examples(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(-3, 40)), min_size=0, max_size=60),
    st.sampled_from(["day", "week", "hour"]),
    st.sampled_from(["sales", "orders", "average_order", "new_customers"]),
    st.integers(1, 40),
)
async def test_whatever_happened_every_figure_is_one(database_url, sold, granularity, metric, steps):
    """No NaN, no infinity, no row too many: whatever was sold and given back."""
    events = [
        placed(
            f"o{number}",
            f"{date(2026, 1, 5) + timedelta(days=day)}T{number % 24:02}:30:00Z",
            line("A", count or 1, 999),
            customer_id=f"c{day}",
        )
        for number, (day, count) in enumerate(sold)
    ]
    async with emptied(database_url) as platform:
        if events:
            await platform.take(*events)
        platform.now = datetime(2026, 2, 15, 13, 20, tzinfo=BERLIN)
        question = {"from_": "2026-02-01", "to": "2026-02-20", "granularity": granularity, "metric": metric}
        plain = await platform.trend(**question)
        answer = await platform.trend(**question, forecast=str(steps), anomalies="true", trend_test="true")
    buckets = [row["bucket"] for row in records(answer)]
    assert buckets == sorted(set(buckets), key=lambda bucket: datetime.fromisoformat(bucket).timestamp())
    assert [row[:3] for row in answer.rows[: len(plain.rows)]] == plain.rows
    told = [row for row in records(answer) if row["forecast"] is not None]
    assert len(told) in (0, steps) or metric == "average_order"
    assert all(row["partial"] for row in told)
    assert all(row["lower"] <= row["forecast"] <= row["upper"] and row["forecast"] >= 0 for row in told)

"""The chart: buckets lie where they belong and are named once; what is partial looks so."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillwise_analytics.reports.trend import maths
from tillwise_analytics.reports.trend.axis import MOST_TICKS, place, ticks
from tillwise_common.contracts.stores import Store

from .shop_events import placed

vl_convert = pytest.importorskip("vl_convert")
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana")


def buckets_of(granularity, first, days, week_start="monday", zone="Europe/Berlin"):
    last = first + timedelta(days=days - 1)
    if granularity == "hour":
        return [bucket.astimezone(ZoneInfo(zone)).isoformat() for bucket in maths.hour_buckets(first, last, ZoneInfo(zone))]
    return [bucket.isoformat() for bucket in maths.day_buckets(first, last, granularity, week_start)]


@given(
    st.sampled_from(["hour", "day", "week", "month"]),
    st.dates(date(1990, 1, 1), date(2030, 1, 1)),
    st.integers(1, 200) | st.integers(200, 4999),
    st.sampled_from(["monday", "sunday"]),
    st.sampled_from(ZONES),
)
def test_few_buckets_are_named_and_no_two_the_same(granularity, first, days, week_start, zone):
    buckets = buckets_of(granularity, first, min(days, 200) if granularity == "hour" else days, week_start, zone)
    named = ticks(granularity, buckets)
    assert set(named) <= set(buckets)
    assert len({str(label) for label in named.values()}) == len(named) <= MOST_TICKS
    assert named or granularity == "day"


@pytest.mark.parametrize(
    ("granularity", "first", "days", "expected"),
    [
        ("month", date(2025, 11, 24), 180, ["Nov 2025", "Dec 2025", "Jan 2026", "Feb 2026", "Mar 2026", "Apr 2026", "May 2026"]),
        ("month", date(2015, 1, 1), 4018, [str(year) for year in range(2015, 2026)]),
        ("week", date(2026, 3, 2), 21, ["2 Mar", "9 Mar", "16 Mar"]),
        ("week", date(2025, 12, 22), 21, ["22 Dec 2025", "29 Dec 2025", "5 Jan 2026"]),
        ("day", date(2026, 3, 1), 20, ["1 Mar", "3 Mar", "5 Mar", "7 Mar", "9 Mar", "11 Mar", "13 Mar", "15 Mar", "17 Mar", "19 Mar"]),
        ("day", date(2026, 1, 15), 200, ["Feb 2026", "Mar 2026", "Apr 2026", "May 2026", "Jun 2026", "Jul 2026", "Aug 2026"]),
        ("hour", date(2026, 3, 2), 1, ["00:00", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00"]),
        ("hour", date(2026, 3, 2), 4, ["2 Mar", "3 Mar", "4 Mar", "5 Mar"]),
    ],
)
def test_names_are_those_that_people_expect(granularity, first, days, expected):
    assert list(ticks(granularity, buckets_of(granularity, first, days)).values()) == expected


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("America/New_York", date(2026, 3, 8), 23),
        ("America/New_York", date(2026, 11, 1), 25),
    ],
)
def test_every_hour_of_a_day_on_which_clocks_change_has_its_own_place(zone, day, hours):
    places = [place(bucket) for bucket in buckets_of("hour", day, 1, zone=zone)]
    assert len(places) == hours
    assert {later - earlier for earlier, later in pairwise(places)} == {timedelta(hours=1)}


def test_weeks_are_named_by_the_stores_first_day_of_the_week():
    named = ticks("week", buckets_of("week", date(2026, 3, 4), 21, "sunday"))
    assert list(named.values()) == ["1 Mar", "8 Mar", "15 Mar", "22 Mar"]


async def test_the_months_of_a_drawn_chart_are_named_once_each(platform):
    await platform.take(placed("1", "2026-03-02T12:00:00Z"))
    answer = await platform.trend(from_="2025-04-01", to="2026-03-31", granularity="month")
    drawn = [text for text in texts(answer.charts[0]) if re.fullmatch(r"[A-Z][a-z]{2} 20\d\d", text)]
    assert drawn == [f"{date(2025 + month // 12, month % 12 + 1, 1):%b %Y}" for month in range(3, 15)]


async def test_hours_of_a_drawn_chart_are_those_of_the_shop(platform):
    store = Store(id=9, name="york", currency="USD", timezone="America/New_York")
    await platform.take(placed("1", "2026-03-08T12:00:00Z"), store=store)
    answer = await platform.trend(store, from_="2026-03-08", to="2026-03-08", granularity="hour")
    assert [text for text in texts(answer.charts[0]) if ":" in text] == [f"{hour:02}:00" for hour in range(0, 24, 3)]
    assert [point["bucket"] for point in answer.charts[0]["data"]["values"]][1:3] == ["2026-03-08 01:00", "2026-03-08 03:00"]


async def test_chart_tells_apart_the_hours_that_come_twice(platform):
    await platform.take(placed("1", "2026-10-25T12:00:00Z"))
    answer = await platform.trend(from_="2026-10-25", to="2026-10-25", granularity="hour")
    named = [point["bucket"] for point in answer.charts[0]["data"]["values"]]
    assert named[1:5] == ["2026-10-25 01:00", "2026-10-25 02:00 +02:00", "2026-10-25 02:00 +01:00", "2026-10-25 03:00"]


async def test_small_counts_do_not_repeat_numbers_on_the_axis(platform):
    await platform.take(placed("1", "2026-03-02T12:00:00Z"))
    answer = await platform.trend(from_="2026-03-01", to="2026-03-05", metric="orders")
    assert [text for text in texts(answer.charts[0]) if text.isdigit()] == ["0", "1"]


async def test_the_line_to_what_is_partial_is_dashed(platform):
    platform.now = datetime(2026, 3, 18, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    await platform.take(placed("1", "2026-03-10T12:00:00Z"))
    answer = await platform.trend(from_="2026-02-25", to="2026-03-22", granularity="week")
    points = answer.charts[0]["data"]["values"]
    assert [point["partial"] for point in points] == [True, False, False, True]
    assert [point["opening"] for point in points] == [True, True, False, False]
    assert [point["closing"] for point in points] == [False, False, True, True]
    lines = {
        str(layer["transform"]): layer["mark"].get("strokeDash") for layer in answer.charts[0]["layer"] if layer["mark"]["type"] == "line"
    }
    assert [bool(dash) for dash in lines.values()] == [False, True, True]
    svg = vl_convert.vegalite_to_svg({**answer.charts[0], "width": 600})
    assert len(re.findall(r'stroke-dasharray="3,4"', svg)) == 2


async def test_nothing_is_drawn_of_what_has_not_begun_but_its_place_is_kept(platform):
    platform.now = datetime(2026, 3, 10, 5, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    await platform.take(placed("1", "2026-03-10T03:10:00Z"))
    answer = await platform.trend(from_="2026-03-10", to="2026-03-10", granularity="hour")
    points = answer.charts[0]["data"]["values"]
    assert [point["value"] for point in points] == [0, 0, 0, 0, 10, 0, *[None] * 18]
    assert "21:00" in texts(answer.charts[0])


async def test_where_all_is_partial_the_line_is_drawn_once_and_dashed(platform):
    answer = await platform.trend(from_="2026-03-03", to="2026-03-10", granularity="week")
    points = answer.charts[0]["data"]["values"]
    assert [(point["partial"], point["opening"], point["closing"]) for point in points] == [(True, True, False)] * 2


async def test_where_nothing_is_partial_nothing_is_dashed(platform):
    answer = await platform.trend(from_="2026-03-02", to="2026-03-15", granularity="week")
    assert not any(point["opening"] or point["closing"] for point in answer.charts[0]["data"]["values"])


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"granularity": "week"},
        {"granularity": "month", "moving_average": "5"},
        {"compare": "previous_year"},
        {"by": "channel", "channel": "gone"},
        {"by": "channel", "compare": "previous_period", "moving_average": "2"},
    ],
)
async def test_no_layer_of_a_chart_is_empty(platform, params):
    await platform.take(placed("1", "2026-03-02T12:00:00Z"))
    answer = await platform.trend(from_="2026-03-02", to="2026-03-10", **params)
    values = answer.charts[0]["data"]["values"]
    for layer in answer.charts[0]["layer"]:
        named = layer.get("transform", [{"filter": ""}])[0]["filter"].removeprefix("datum.")
        drawn = [point for point in values if "==" in named or not named or point[named]]
        shown = [point for point in drawn if point[layer["encoding"]["y"]["field"]] is not None]
        assert shown or not values, layer
        assert "moving_average" not in named or any(point["moving_average_window"] == int(params["moving_average"]) for point in values)


def texts(chart) -> list[str]:
    svg = vl_convert.vegalite_to_svg({**chart, "width": 1100})
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)

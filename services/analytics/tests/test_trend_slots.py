"""The even grid under the buckets, and when a shop is closed."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillwise_analytics.reports.trend import maths
from tillwise_analytics.reports.trend.opening import opening, seasons
from tillwise_analytics.reports.trend.slots import HISTORY, Line, date_of, history_begin, line, slot
from tillwise_analytics.reports.trend.study import LONGEST_HOLIDAY, without_gaps

BERLIN = ZoneInfo("Europe/Berlin")


@given(st.sampled_from(["day", "week", "month"]), st.dates(date(1990, 1, 1), date(2040, 1, 1)), st.sampled_from(["monday", "sunday"]))
def test_buckets_follow_each_other_one_by_one(granularity, first, week_start):
    buckets = maths.day_buckets(first, first + timedelta(days=200), granularity, week_start)
    places = [slot(bucket, granularity, BERLIN) for bucket in buckets]
    assert {later - earlier for earlier, later in pairwise(places)} == {1}
    assert [date_of(place, granularity, week_start) for place in places] == buckets


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_nine_o_clock_is_a_day_after_nine_o_clock_also_when_clocks_change(day, hours):
    buckets = maths.hour_buckets(day - timedelta(days=1), day + timedelta(days=1), BERLIN)
    assert len(buckets) == 48 + hours
    places = [slot(bucket, "hour", BERLIN) for bucket in buckets if bucket.astimezone(BERLIN).hour == 9]
    assert [later - earlier for earlier, later in pairwise(places)] == [24, 24]


def test_an_hour_that_the_clock_skips_lies_between_its_neighbours_and_one_shown_twice_is_their_mean():
    assert line([(1, 10), (2, 20), (4, 40)], 1, 5).values == [10, 20, 30, 40]
    assert line([(1, 10), (2, 20), (2, 40), (3, 5)], 1, 4).values == [10, 30, 5]


def test_a_line_begins_with_its_first_sale_and_nothing_of_what_runs_is_in_it():
    assert line([(1, 0), (2, 0), (3, 7), (4, 0), (5, 9)], 1, 5) == Line(3, [7, 0])
    assert line([(1, 0), (2, None)], 1, 3) == Line(3, [])


@pytest.mark.parametrize("granularity", ["hour", "day", "week", "month"])
def test_the_history_is_as_long_as_is_said(granularity):
    last = maths.begin(date(2026, 3, 31), granularity, "monday")
    first = history_begin(last, granularity)
    count = len(maths.day_buckets(first, last, granularity, "monday")) if granularity != "hour" else (last - first).days * 24
    assert count == HISTORY[granularity]


def test_a_weekday_on_which_nothing_is_ever_sold_is_closed():
    days = Line(0, [0.0 if day % 7 in (5, 6) else 10.0 for day in range(56)])
    found = opening(days, "day")
    assert found.closed_days == {5, 6}
    assert seasons("day", found) == {7: 5}
    assert [found.is_open(day) for day in range(7)] == [True] * 5 + [False] * 2


def test_one_sale_on_such_a_day_opens_it():
    values = [0.0 if day % 7 in (5, 6) else 10.0 for day in range(56)]
    values[5] = 1.0
    assert opening(Line(0, values), "day").closed_days == {6}


def test_a_shop_that_rarely_sells_is_not_taken_to_be_closed():
    # One sale in five days: that Sundays had none eight times is no surprise.
    assert opening(Line(0, [1.0 if day % 5 == 0 and day % 7 != 6 else 0.0 for day in range(56)]), "day").closed_days == frozenset()
    assert opening(Line(0, [0.0] * 56), "day").closed_days == frozenset()


def test_nights_and_weekends_of_hours_are_closed():
    hours = Line(0, [10.0 if 9 <= place % 24 < 18 and place // 24 % 7 < 6 else 0.0 for place in range(24 * 42)])
    found = opening(hours, "hour")
    assert found.closed_days == {6}
    assert len(found.closed_hours) == 15
    assert seasons("hour", found) == {24: 9, 168: 54}


def test_a_holiday_is_taken_for_what_was_to_be_expected():
    values = {day: [100.0, 120, 90, 140, 180, 60, 30][day % 7] + day % 3 for day in range(140)}
    shut = {**values, 70: 0.0, 71: 0.0, 72: 0.0}
    filled = without_gaps(shut, {7: 7}, counts=False)
    assert [filled[day] for day in (70, 71, 72)] == pytest.approx([values[day] for day in (70, 71, 72)], rel=0.1)
    assert {day for day in shut if filled[day] != shut[day]} == {70, 71, 72}


def test_a_shop_that_closed_for_good_stays_closed():
    values = {day: 0.0 if day >= 120 else 100.0 + day % 3 for day in range(120 + LONGEST_HOLIDAY + 1)}
    assert without_gaps(values, {7: 7}, counts=False) == values

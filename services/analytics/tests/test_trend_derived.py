"""Moving averages and running sums: against the definition, group by group, with partial and empty buckets."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillwise_analytics.reports.trend.derived import Average, Point, cumulative, growth, moving_average
from tillwise_common.contracts.reports import Refusal

from .shop_events import line, placed

MARCH = {"from_": "2026-03-02", "to": "2026-03-08"}
points = st.lists(st.builds(Point, st.sampled_from("ab"), st.none() | st.integers(-(10**17), 10**17), st.booleans()), max_size=40)


def test_a_window_of_three_is_short_at_first_and_trails_then():
    found = moving_average([Point("", value, False) for value in (10, 20, 40, 70)], 3)
    assert found == [Average(10.0, 1), Average(15.0, 2), Average(70 / 3, 3), Average(130 / 3, 3)]


def test_a_partial_bucket_has_no_average_and_enters_none():
    found = moving_average([Point("", 10, True), Point("", 20, False), Point("", 30, False), Point("", 1, True)], 2)
    assert found == [Average(None, 0), Average(20.0, 1), Average(25.0, 2), Average(None, 0)]


@given(points, st.integers(2, 9))
def test_both_agree_with_their_definition(points, length):
    averages, sums = moving_average(points, length), cumulative(points)
    for number, point in enumerate(points):
        before = [p for p in points[: number + 1] if p.group == point.group]
        assert sums[number] == (None if point.value is None else sum(p.value or 0 for p in before))
        window = [p for p in before if not p.partial][-length:]
        values = [p.value for p in window if p.value is not None]
        if point.partial:
            assert averages[number] == Average(None, 0)
        else:
            assert averages[number] == Average(float(Fraction(sum(values), len(values))) if values else None, len(window))


def test_growth_is_against_the_bucket_before():
    found = growth([Point("", value, False) for value in (100, 150, 0, 50, -50, 50, None, 7)])
    # From nothing, and from a bucket without a value, there is no growth; from less than nothing it is upwards.
    assert found == [None, 0.5, -1.0, None, -2.0, 2.0, None, None]


def test_growth_is_not_told_between_parts_and_wholes():
    points = [Point("", 10, True), Point("", 20, False), Point("", 30, False), Point("", 5, True), Point("", 1, True)]
    assert growth(points) == [None, None, 0.5, None, None]


def test_each_group_grows_for_itself():
    assert growth([Point("a", 1, False), Point("b", 8, False), Point("a", 2, False), Point("b", 2, False)]) == [None, None, 1.0, -0.75]


async def test_the_report_tells_growth_when_asked(platform):
    for day, price in ((2, 100), (3, 200), (5, 400)):
        await platform.take(placed(f"o{day}", f"2026-03-0{day}T12:00:00Z", line("A", 1, price)))
    answer = await platform.trend(growth="true", by="product", cumulative="true", **MARCH)
    names = [(column.name, column.type) for column in answer.columns]
    assert names[-3:] == [("cumulative", "money"), ("growth", "percent"), ("group_name", "text")]
    assert [row[-2] for row in answer.rows] == [None, 1.0, -1.0, None, -1.0, None, None]
    assert any("bucket before" in note for note in answer.notes)
    assert "growth" not in [column.name for column in (await platform.trend(**MARCH)).columns]


async def test_the_report_has_the_columns_that_were_asked_for(platform):
    for day, price in ((2, 100), (3, 200), (5, 400)):
        await platform.take(placed(f"o{day}", f"2026-03-0{day}T12:00:00Z", line("A", 1, price)))
    answer = await platform.trend(moving_average="2", cumulative="true", **MARCH)
    names = [column.name for column in answer.columns]
    assert names == ["bucket", "value", "partial", "moving_average", "moving_average_window", "cumulative"]
    by_name = [dict(zip(names, row, strict=True)) for row in answer.rows]
    assert [row["moving_average"] for row in by_name] == [100, 150, 100, 200, 200, 0, 0]
    assert [row["moving_average_window"] for row in by_name] == [1, 2, 2, 2, 2, 2, 2]
    assert [row["cumulative"] for row in by_name] == [100, 300, 300, 700, 700, 700, 700]
    assert any("mean of the last 2 whole buckets" in note for note in answer.notes)


async def test_groups_are_averaged_apart_with_a_comparison_beside(platform):
    await platform.take(placed("1", "2026-03-02T12:00:00Z", channel="web"), placed("2", "2026-03-03T12:00:00Z", channel="pos"))
    answer = await platform.trend(moving_average="2", cumulative="true", by="channel", compare="previous_period", **MARCH)
    names = [column.name for column in answer.columns]
    assert names[-3:] == ["moving_average", "moving_average_window", "cumulative"]
    assert names[4:7] == ["comparison", "comparison_bucket", "change"]
    last = {row[1]: row[-1] for row in answer.rows}
    assert last == {"web": 1000, "pos": 1000}


@pytest.mark.parametrize("metric", ["customers", "average_order"])
async def test_what_does_not_add_up_has_no_running_sum(platform, metric):
    refusal = await platform.ask(metric=metric, cumulative="true", **MARCH)
    assert isinstance(refusal, Refusal)
    assert refusal.errors[0]["parameter"] == "cumulative"
    assert "sales" in refusal.errors[0]["allowed"]


@pytest.mark.parametrize("length", ["1", "0", "-3", "367", "x", "2.5"])
async def test_a_window_that_is_none_is_refused_by_name(platform, length):
    refusal = await platform.ask(moving_average=length, **MARCH)
    assert isinstance(refusal, Refusal)
    assert refusal.errors[0]["parameter"] == "moving_average"

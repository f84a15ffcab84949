"""What is out of the ordinary: spikes and holes are, seasons, trends and chance are not."""

from __future__ import annotations

import random
from itertools import pairwise
from math import isclose, isfinite

import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from tillwise.testing import examples
from tillwise_analytics.reports.trend.decomposition import differ, root, seasonal, trend, unroot
from tillwise_analytics.reports.trend.unusual import THRESHOLD, Judged, judge

WEEK = {7: 7}


def odd(values, *, counts=False, seasons=WEEK):
    return [place for place, one in enumerate(judge(values, range(len(values)), seasons, counts=counts).judged) if one.unusual]


def weeks(days: int, seed: int = 1, noise: float = 0.08) -> list[float]:
    rng = random.Random(seed)
    return [[100, 120, 90, 140, 180, 60, 30][day % 7] * rng.uniform(1 - noise, 1 + noise) for day in range(days)]


def test_the_published_example_of_a_modified_z_score():
    # Iglewicz and Hoaglin (1993): 0.6745 (x - median) / MAD beyond 3.5 is an outlier; 1 / 0.6745 is the 1.4826 used here.
    assert Judged(0, THRESHOLD + 0.01).unusual
    assert not Judged(0, THRESHOLD).unusual
    assert isclose(0.6745 * 1.4826, 1, abs_tol=1e-4)


def test_a_spike_among_weeks_is_found_and_its_week_is_not_blamed():
    values = weeks(140)
    values[61] *= 3
    found = judge(values, range(140), WEEK, counts=False)
    assert found.season == 7
    assert [place for place, one in enumerate(found.judged) if one.unusual] == [61]
    # What was to be expected is what its weekday sells, not what it sold.
    assert found.judged[61].expected == pytest.approx([100, 120, 90, 140, 180, 60, 30][61 % 7], rel=0.15)


def test_a_quiet_day_is_found_though_sundays_are_quieter():
    values = weeks(140)
    values[60] = 40.0
    assert 60 % 7 == 4
    assert odd(values) == [60]


def test_many_spikes_do_not_hide_each_other():
    values = weeks(140)
    spikes = [10, 31, 59, 80, 101, 122]
    for place in spikes:
        values[place] *= 4
    assert odd(values) == spikes


def test_the_first_and_the_last_value_are_judged_too():
    values = weeks(140)
    values[0] *= 4
    values[-1] *= 4
    assert odd(values) == [0, 139]


def test_a_steady_rise_is_nothing_unusual():
    assert odd([100.0 + 3 * day for day in range(120)]) == []
    assert odd([value * (1 + day / 100) for day, value in enumerate(weeks(140))]) == []


def test_a_shop_that_doubles_and_stays_so_is_unusual_for_a_while_at_most():
    values = [value * (2 if day >= 70 else 1) for day, value in enumerate(weeks(140))]
    assert len(odd(values)) <= 3


def test_one_spike_in_a_flat_line_is_found_though_nothing_else_varies():
    assert odd([1000.0] * 20 + [1500.0] + [1000.0] * 20) == [20]
    assert odd([0.0] * 20 + [1500.0] + [0.0] * 20) == [20]


def test_a_flat_line_is_not_unusual_and_small_changes_of_it_are_not():
    assert odd([1000.0] * 40) == []
    assert odd([1000.0] * 20 + [1040.0] + [1000.0] * 20) == []


def test_a_shop_that_sells_now_and_then_is_not_unusual_when_it_sells():
    rng = random.Random(2)
    orders = [1.0 if rng.random() < 0.15 else 0.0 for _ in range(200)]
    assert odd(orders, counts=True) == []
    assert odd([value * rng.randint(2_000, 6_000) for value in orders]) == []
    # Nine at once are.
    assert odd([*orders, 9.0, *orders], counts=True) == [200]


@pytest.mark.parametrize("mean", [0.3, 2, 20, 400])
def test_chance_alone_marks_hardly_anything(mean):
    rng = random.Random(3)
    counts = [float(scipy.stats.poisson.ppf(rng.random(), mean)) for _ in range(350)]
    assert len(odd(counts, counts=True)) <= 3


@given(st.lists(st.integers(-(10**6), 10**9), min_size=1, max_size=90), st.booleans())
@settings(max_examples=examples(60), deadline=None)
def test_every_value_is_judged_by_a_number(values, counts):
    found = judge([float(value) for value in values], range(len(values)), WEEK, counts=counts)
    assert len(found.judged) == len(values)
    for one in found.judged:
        assert isfinite(one.score)
        assert min(values) < 0 or one.expected >= 0


@given(st.floats(-(10**12), 10**12))
def test_roots_are_undone(value):
    assert unroot(root(value)) == pytest.approx(value, rel=1e-9, abs=1e-6)


@given(st.lists(st.integers(-5, 5), min_size=12, max_size=80), st.integers(2, 7))
def test_positions_differ_as_scipy_says(values, positions):
    held = [[value for place, value in enumerate(values) if place % positions == position] for position in range(positions)]
    found = differ([float(value) for value in values], [place % positions for place in range(len(values))])
    if len(set(values)) == 1:
        assert found == 1
    else:
        assert found == pytest.approx(scipy.stats.kruskal(*held).pvalue, abs=1e-9)


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=60), st.sampled_from([3, 7, 13]))
def test_the_running_median_is_the_median_of_its_window(values, window):
    found = trend([float(value) for value in values], window)
    assert len(found) == len(values)
    half = window // 2
    for place in range(half, len(values) - half):
        if len(values) > window:
            assert found[place] == sorted(values[place - half : place + half + 1])[half]


def test_at_the_ends_the_trend_goes_straight_on():
    steps = {round(b - a, 6) for a, b in pairwise(trend([float(3 * place) for place in range(60)], 13))}
    assert steps == {3.0}


@given(st.lists(st.integers(-9, 9), min_size=4, max_size=40))
def test_a_value_has_no_say_in_its_own_season(values):
    positions = [place % 2 for place in range(len(values))]
    found = seasonal([float(value) for value in values], positions)
    for place in range(len(values)):
        others = sorted(value for other, value in enumerate(values) if other != place and positions[other] == positions[place])
        assert found[place] == (others[(len(others) - 1) // 2] + others[len(others) // 2]) / 2

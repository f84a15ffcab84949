"""Is there a trend, and how steep is it? Against published figures, scipy and the definition."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from tillwise_analytics.reports.trend.mann_kendall import MOST, test

# The function under test must not be collected as one.
test.__test__ = False
mann_kendall = test
del test

# USEPA (2009), "Statistical Analysis of Groundwater Monitoring Data", example 14-8 and 14-10: concentrations of 36 months.
EPA = [
    1.99, 2.10, 2.12, 2.12, 2.11, 2.15, 2.19, 2.18, 2.16, 2.08, 2.05, 2.08,
    2.01, 2.10, 2.17, 2.13, 2.13, 2.18, 2.25, 2.24, 2.22, 2.13, 2.08, 2.16,
    2.15, 2.17, 2.27, 2.23, 2.24, 2.26, 2.31, 2.32, 2.28, 2.22, 2.19, 2.22,
]  # fmt: skip
# The flow of the Nile at Aswan, 1871 to 1970 (Durbin and Koopman, 2001).
NILE = [
    1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180, 799, 958, 1140, 1100, 1210, 1150, 1250,
    1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701, 916, 692, 1020, 1050, 969, 831, 726, 456, 824, 702, 1120, 1100, 832, 764,
    821, 768, 845, 864, 862, 698, 845, 744, 796, 1040, 759, 781, 865, 845, 944, 984, 897, 822, 1010, 771, 676, 649, 846, 812, 742, 801,
    1040, 860, 874, 848, 890, 744, 749, 838, 1050, 918, 986, 797, 923, 975, 815, 1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740,
]  # fmt: skip
series = st.lists(st.integers(-50, 50), min_size=10, max_size=60)


def test_the_seasonal_test_finds_what_the_agency_and_envstats_publish():
    found = mann_kendall(EPA, range(36), 12)
    assert (found.season, found.s, found.correction) == (12, 35, None)
    assert found.tau == pytest.approx(0.9722222, abs=1e-7)
    assert found.z == pytest.approx(5.1849514, abs=1e-7)
    assert found.p == pytest.approx(2.160712e-07, rel=1e-6)
    # A year's slope, and its interval by Gilbert's way.
    assert found.slope * 12 == pytest.approx(0.06)
    assert (found.lower * 12, found.upper * 12) == pytest.approx((0.05786914, 0.07213086), abs=1e-8)


def test_the_textbook_pair_of_lines_differs_in_one_pair_only():
    # Helsel and Hirsch (2002), chapter 10: one outlier among 1, 2, 3, ... changes neither S by much nor the slope at all.
    found = mann_kendall([1, 2, 3, 4, 5, 16, 7], range(7), None)
    assert (found.s, found.slope) == (19, 1.0)
    assert found.tau == pytest.approx(19 / 21)


def test_the_nile_falls_as_pymannkendall_says():
    # pymannkendall 1.4.3: hamed_rao_modification_test(NILE, lag=25).
    found = mann_kendall(NILE, range(1871, 1971), None)
    assert (found.s, found.correction) == (-1387, "hamed-rao")
    assert found.variance == pytest.approx(282111.428078166)
    assert (found.z, found.p) == pytest.approx((-2.609473498565488, 0.009068166970294))
    assert found.slope == pytest.approx(-2.6)


def test_positions_that_hang_together_tell_less():
    # pymannkendall 1.4.3: correlated_seasonal_test and seasonal_test on the same values.
    rng = np.random.default_rng(2)
    values = (np.tile(np.sin(np.arange(7)), 20) + np.cumsum(rng.normal(0, 0.1, 140)).round(2)).round(1)
    found = mann_kendall(values, range(140), 7)
    assert (found.s, found.correction) == (394, "hirsch-slack")
    assert found.variance == pytest.approx(34646.6666667)
    assert found.variance > 6332.67


@given(series)
def test_s_tau_variance_and_slope_are_those_of_the_definition_and_of_scipy(values):
    found = mann_kendall(values, range(len(values)), None)
    pairs = [(i, j) for i in range(len(values)) for j in range(i + 1, len(values))]
    assert found.s == sum((values[j] > values[i]) - (values[j] < values[i]) for i, j in pairs)
    slope = scipy.stats.theilslopes(values, range(len(values)))
    assert found.slope == pytest.approx(slope.slope)
    assert found.lower <= found.slope <= found.upper
    if len(set(values)) > 1 and found.correction is None and found.s:
        # scipy corrects nothing for continuity: z without it must be its z.
        p = scipy.stats.kendalltau(range(len(values)), values, method="asymptotic").pvalue
        assert 2 * scipy.stats.norm.sf(abs(found.s) / found.variance**0.5) == pytest.approx(p)


@given(series, st.sampled_from([None, 2, 5]))
def test_what_is_turned_upside_down_falls_as_it_rose(values, season):
    up, down = (mann_kendall([sign * value for value in values], range(len(values)), season) for sign in (1, -1))
    assert (up.s, up.variance, up.slope) == (-down.s, pytest.approx(down.variance), pytest.approx(-down.slope))
    assert (up.lower, up.upper) == (pytest.approx(-down.upper), pytest.approx(-down.lower))


def test_a_season_is_no_trend_and_hides_none():
    rng = np.random.default_rng(7)
    week = [0, 40, 10, 30, 20, 100, 60]
    flat = [week[day % 7] + rng.normal(0, 3) for day in range(70)]
    assert mann_kendall(flat, range(70), 7).p > 0.05
    rising = [value + 0.2 * day for day, value in enumerate(flat)]
    found = mann_kendall(rising, range(70), 7)
    assert found.p < 0.01
    assert found.lower < 0.2 < found.upper
    # Without the season, the same trend is lost in the week.
    assert mann_kendall(rising, range(70), None).p > found.p


def test_days_that_are_left_out_do_not_shift_the_others():
    values, days = zip(*[(10.0 * (day % 7) + day, day) for day in range(70) if day % 7 != 5], strict=True)
    assert mann_kendall(values, days, 7).slope == pytest.approx(1.0)


def test_values_that_depend_on_those_before_them_are_not_taken_for_a_trend():
    """Of wandering series without a trend, few are called rising or falling; without the correction it were a third."""
    rng, called = np.random.default_rng(3), 0
    for _ in range(200):
        values = [0.0]
        for error in rng.normal(0, 1, 99):
            values.append(0.6 * values[-1] + error)
        called += mann_kendall(values, range(100), None).p < 0.05
    assert called < 30


def test_only_the_latest_values_are_compared_where_there_are_very_many():
    found = mann_kendall([*[0.0] * 5_000, *range(MOST)], range(5_000 + MOST), None)
    assert (found.values, found.slope) == (MOST, 1.0)
    assert found.tau == 1.0

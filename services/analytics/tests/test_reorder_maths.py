"""When to order and how much, by published numbers."""

from __future__ import annotations

from math import cos, nan, pi, sqrt
from random import Random
from statistics import NormalDist

import pytest

from tillwise_analytics.reports.reorder import maths, season
from tillwise_analytics.reports.reorder.maths import Demand, Plan, Terms
from tillwise_analytics.reports.reorder.told import said


@pytest.mark.parametrize(("level", "z"), [(0.5, 0.0), (0.9, 1.2816), (0.95, 1.6449), (0.99, 2.3263)])
def test_safety_factor_is_the_quantile_of_the_normal_distribution(level, z):
    assert maths.safety_factor(level) == pytest.approx(z, abs=5e-5)


def test_reorder_point_of_chopra_and_meindl():
    # Supply Chain Management, 3rd edition 2007, example 11.1: 2,500 phones a week, deviation 500, two weeks. That of the lead time is
    # 707, and who orders at 6,000 has a service level of 0.92.
    _, deviation = maths.reorder_point(Demand(2500, 500), 2, 0, 1.0)
    assert round(deviation) == 707
    level = NormalDist().cdf(1000 / deviation)
    assert level == pytest.approx(0.92, abs=0.005)
    assert maths.reorder_point(Demand(2500, 500), 2, 0, maths.safety_factor(level)) == (pytest.approx(6000), pytest.approx(1000))


def test_safety_stock_with_a_lead_time_that_varies_of_chopra_and_meindl():
    # 3rd edition 2007, chapter 11, impact of supply uncertainty: 2,500 a day, deviation 500, seven days with a deviation of seven, 90 %.
    # The deviation of demand in that time is 17,550, the safety stock 22,491.
    _, deviation = maths.reorder_point(Demand(2500, 500), 7, 7, 1.0)
    _, safety = maths.reorder_point(Demand(2500, 500), 7, 7, maths.safety_factor(0.9))
    assert (round(deviation), round(safety)) == (17_550, 22_491)


def test_reorder_point_where_only_the_lead_time_varies_of_heizer_and_render():
    # Operations Management, chapter 12, solved problem: 60 surgery packs a week, six weeks with a deviation of two, z = 1.28 for 90 %.
    assert maths.reorder_point(Demand(60, 0), 6, 2, 1.28) == (pytest.approx(513.6), pytest.approx(153.6))
    assert maths.safety_factor(0.9) == pytest.approx(1.28, abs=0.005)


@pytest.mark.parametrize(
    ("a_year", "order_cost", "holding", "quantity"),
    # Chopra and Meindl, chapter on cycle inventory: 12,000 computers a year at 500 each, 4,000 per order, 20 % a year to hold.
    # Hillier and Lieberman, Introduction to Operations Research, 7th edition 2001: 8,000 speakers a month, 12,000 per run, 0.30 to hold.
    [(12_000, 4000, 0.2 * 500, 980), (8000, 12_000, 0.3, 25_298)],
)
def test_economic_quantity_is_that_of_textbooks(a_year, order_cost, holding, quantity):
    assert round(maths.economic_quantity(a_year, order_cost, holding)) == quantity


def test_deviation_of_a_day_comes_from_weeks():
    # Weeks of 4, 6, 8 and 10: a mean of 7, a variance of 20/3.
    demand = maths.daily(28, 216, 4, 1.0, 1.0)
    assert demand == Demand(1.0, pytest.approx(sqrt(20 / 3 / 7)))
    assert maths.daily(28, 216, 4, 1.0, 1.5) == Demand(1.5, pytest.approx(1.5 * sqrt(20 / 3 / 7)))


def test_below_four_weeks_demand_is_poisson():
    assert maths.daily(12, 60, 3, 4.0, 1.0) == Demand(4.0, 2.0)


TERMS = {"z": 0.0, "review": 0.0, "order_cost": 1000, "unit_cost": 100.0, "holding": 0.25, "a_year": 730.0}


def test_nothing_is_ordered_above_the_reorder_point():
    assert maths.plan(21, Demand(2, 0), Terms(10, 0), **TERMS) == Plan(20, 0, 0)
    # 730 a year at 10.00 an order and 0.25 a unit and year: 242, rounded up.
    assert maths.plan(20, Demand(2, 0), Terms(10, 0), **TERMS) == Plan(20, 0, 242)


def test_what_is_missing_is_ordered_even_where_that_is_more():
    assert maths.plan(-500, Demand(2, 0), Terms(10, 0), **TERMS).order == 520


def test_nobody_orders_for_longer_than_a_year():
    cheap = {**TERMS, "unit_cost": 1.0, "a_year": 365.0}
    assert maths.plan(0, Demand(1, 0), Terms(10, 0), **cheap).order == 365


def test_a_years_units_decide_how_many_and_the_seasons_rate_when():
    # The same year at twice the rate until the delivery: the point doubles, the quantity does not.
    assert maths.plan(40, Demand(4, 0), Terms(10, 0), **TERMS) == Plan(40, 0, 242)


def test_without_a_cost_four_weeks_are_ordered():
    assert maths.plan(0, Demand(2, 0), Terms(10, 0), **{**TERMS, "unit_cost": nan}).order == 56


def test_without_demand_nothing_is_ordered():
    assert maths.plan(-3, Demand(0, 0), Terms(10, 0), **TERMS).order == 0


def test_review_lengthens_the_time_to_cover():
    assert maths.plan(21, Demand(2, 0), Terms(10, 0), **{**TERMS, "review": 7.0}).point == 34


@pytest.mark.parametrize(
    ("terms", "order"),
    [(Terms(1, 0), 25), (Terms(1, 0, pack=6), 30), (Terms(1, 0, least=40), 40), (Terms(1, 0, pack=12, least=40), 48),
     (Terms(1, 0, most=20), 20), (Terms(1, 0, pack=6, most=20), 18), (Terms(1, 0, pack=50, most=20), 50)],
)  # fmt: skip
def test_orders_are_whole_packs_between_the_least_and_the_most(terms, order):
    assert maths.in_packs(24.3, terms) == order


@pytest.mark.parametrize(
    ("weeks", "expected"),
    [([5, 5, 6, 5], "smooth"), ([1, 9, 1, 20], "erratic"), ([0, 5, 0, 5, 0, 5, 0, 0], "intermittent"), ([0, 1, 0, 9, 0, 0, 0, 1], "lumpy"),
     ([0, 0, 0, 7], "intermittent"), ([0, 0, 0, 0], None)],
)  # fmt: skip
def test_pattern_is_that_of_syntetos_and_boylan(weeks, expected):
    assert said(int(maths.pattern(sum(weeks), sum(n * n for n in weeks), len(weeks), sum(n > 0 for n in weeks)))) == expected


def year(level: float, swing: float, rise: float, weeks: int) -> list[float]:
    return [level * (1 + swing * cos(2 * pi * n / 52)) * (1 + rise * n) for n in range(weeks)]


def test_season_is_found_again():
    found = season.rhythm(year(100, 0.5, 0, 104))
    assert found is not None
    assert found.slope == pytest.approx(0, abs=1e-3)
    assert [found.indices[n] for n in (0, 13, 26, 39)] == pytest.approx([1.5, 1.0, 0.5, 1.0], abs=0.03)
    # From the thirteen weeks before the peak to the four after it.
    past, coming = [1 + 0.5 * cos(2 * pi * -n / 52) for n in range(1, 14)], [1 + 0.5 * cos(2 * pi * n / 52) for n in range(4)]
    assert found.factor(13, 4) == pytest.approx(sum(coming) / 4 / (sum(past) / 13), rel=0.03)


def test_trend_is_found_beside_the_season_and_wears_off():
    found = season.rhythm(year(100, 0.3, 0.004, 156))
    assert found is not None
    assert found.slope == pytest.approx(0.004 / (1 + 0.004 * 130), rel=0.15)
    assert 1.0 < found.factor(52, 52) < 1 + found.slope * 52


def test_chance_is_no_trend():
    dice = Random(5)
    slopes = [season.slope([100 + dice.gauss(0, 10) for _ in range(52)]) for _ in range(40)]
    assert sum(slope != 0 for slope in slopes) <= 3


def test_slope_is_the_median_of_all_slopes_of_the_median():
    # One outlier moves neither.
    assert season.slope([10, 11, 12, 13, 14, 15, 16, 17, 100, 19]) == 1 / 14.5


@pytest.mark.parametrize("weeks", [year(100, 0.5, 0, 103), year(5, 0.5, 0, 104), [0.0] * 104])
def test_too_little_history_has_no_season(weeks):
    assert season.rhythm(weeks) is None


def test_weeks_without_sales_divide_by_nothing():
    found = season.rhythm([0.0] * 60 + [100.0] * 44)
    assert found is None or 0.25 <= found.factor(13, 2) <= 4

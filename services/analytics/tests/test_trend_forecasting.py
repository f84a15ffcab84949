"""What comes next: the models, how they are chosen and how sure they are, against published figures and known futures."""

from __future__ import annotations

from math import isfinite

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tsa.exponential_smoothing.ets import ETSModel

from tillwise.testing import examples
from tillwise_analytics.reports.trend.forecasting import LEAST, Shape, _fit, _paths, forecast, shapes, variances

# Quarterly visitor nights of tourists in Australia, 2005 to 2015 (millions; package fpp2).
AUSTRALIA = [
    42.20566, 24.64917, 32.66734, 37.25735, 45.24246, 29.35048, 36.34421, 41.78208, 49.27660, 31.27540, 37.85063, 38.83704,
    51.23690, 31.83855, 41.32342, 42.79900, 55.70836, 33.40714, 42.31664, 45.15712, 59.57608, 34.83733, 44.84168, 46.97125,
    60.01903, 38.37118, 46.97586, 50.73380, 61.64687, 39.29957, 52.67121, 54.33232, 66.83436, 40.87119, 51.82854, 57.49191,
    65.25147, 43.06121, 54.76076, 59.83447, 73.25703, 47.69662, 61.09777, 66.05576,
]  # fmt: skip


def week(days: int, noise: float, seed: int = 5, low: float = 60) -> list[float]:
    rng = np.random.default_rng(seed)
    shape = [1.0, 1.2, 0.9, 1.4, 1.8, 0.6, 0.3]
    return [low * shape[day % 7] * rng.normal(1, noise) for day in range(days)]


def test_the_book_and_we_choose_the_same_model_for_the_tourists_of_australia():
    # Hyndman and Athanasopoulos (2018), 7.6: ETS(M,A,M) with AICc 230.2, on a likelihood without its constants.
    found = forecast(AUSTRALIA, [4], 8, 0.8)
    assert (found.shape.name, found.shape.period, found.tried) == ("ETS(M,A,M)", 4, 12)
    count = len(AUSTRALIA)
    assert found.aicc - count * (np.log(2 * np.pi / count) + 1) <= 230.3
    assert found.spread == pytest.approx(0.0383, abs=0.003)
    # Summer is high season there, winter is not.
    assert [one.expected for one in found.ahead[:4]] == pytest.approx([76, 47.5, 60, 65], rel=0.03)


def test_parameters_are_counted_as_in_the_book():
    # FPP2 7.6 again: AIC 224.9 and AICc 230.2 of 44 quarters.
    count, parameters = len(AUSTRALIA), Shape("M", "A", "M", 4).parameters
    assert 2 * parameters * (parameters + 1) / (count - parameters - 1) == pytest.approx(230.2 - 224.9, abs=0.05)
    assert Shape("A", "N", "N").parameters == 3
    assert Shape("A", "Ad", "A", 7).parameters == 3 + 3 + 7


def test_variances_of_additive_models_are_those_of_statsmodels():
    values = np.array(week(140, 0.1))
    for trend, damped in ((None, False), ("add", False), ("add", True)):
        fitted = ETSModel(values, trend=trend, damped_trend=damped, seasonal="add", seasonal_periods=7).fit(disp=False)
        weights = {"alpha": fitted.alpha, "gamma": fitted.gamma} | ({"beta": fitted.beta} if trend else {})
        weights |= {"phi": fitted.phi} if damped else {}
        shape = Shape("A", "Ad" if damped else "A" if trend else "N", "A", 7)
        prediction = fitted.get_prediction(start=140, end=160) if hasattr(fitted.forecast(1), "index") else None
        expected = prediction.forecast_variance / fitted.mse if prediction else fitted._relative_forecast_variance(np.arange(1, 22))
        assert variances(shape, weights, 21) == pytest.approx(list(expected))


def test_paths_of_multiplicative_models_spread_like_those_of_statsmodels():
    fitted = _fit(AUSTRALIA, Shape("M", "A", "M", 4), "estimated")
    theirs = fitted.result.simulate(
        8, anchor="end", repetitions=4_000, random_errors=np.random.default_rng(1).normal(0, fitted.spread, (8, 4_000))
    )
    for share in (0.1, 0.5, 0.9):
        assert np.quantile(_paths(fitted, 8), share, axis=1) == pytest.approx(np.quantile(theirs, share, axis=1), rel=0.02)


def test_a_week_is_found_in_days_and_carried_on():
    values = week(140 + 21, 0.05)
    found = forecast(values[:140], [7], 21, 0.8)
    assert found.shape.period == 7
    errors = [abs(one.expected - value) / value for one, value in zip(found.ahead, values[140:], strict=True)]
    assert max(errors) < 0.25


def test_where_there_is_no_season_none_is_chosen():
    values = list(np.random.default_rng(4).normal(100, 10, 140))
    found = forecast(values, [7], 7, 0.8)
    assert (found.shape.seasonal, found.shape.period) == ("N", 1)
    assert found.ahead[-1].expected == pytest.approx(100, rel=0.1)


def test_of_a_day_and_a_week_the_one_that_tells_more_is_chosen():
    rng = np.random.default_rng(8)
    day = [100 + 60 * np.sin(2 * np.pi * hour / 24) + rng.normal(0, 5) for hour in range(24 * 15)]
    assert forecast(day, [24, 168], 24, 0.8).shape.period == 24
    weekend = [value * (0.3 if hour // 24 % 7 > 4 else 1) for hour, value in enumerate(day)]
    assert forecast(weekend, [24, 168], 24, 0.8).shape.period == 168


def test_eight_of_ten_futures_lie_between_the_lines():
    inside = total = 0
    for seed in range(16):
        values = week(105 + 7, 0.15, seed)
        found = forecast(values[:105], [7], 7, 0.8)
        inside += sum(one.lower <= value <= one.upper for one, value in zip(found.ahead, values[105:], strict=True))
        total += 7
    assert 0.68 < inside / total < 0.92


def test_a_wider_interval_lies_around_a_narrower_one():
    values = week(105, 0.15)
    narrow, wide = (forecast(values, [7], 7, share).ahead for share in (0.5, 0.95))
    assert all(b.lower <= a.lower <= a.expected <= a.upper <= b.upper for a, b in zip(narrow, wide, strict=True))


def test_the_same_question_has_the_same_answer():
    values = week(105, 0.15)
    assert forecast(values, [7], 30, 0.8) == forecast(values, [7], 30, 0.8)


def test_values_that_never_change_stay_as_they_are():
    found = forecast([5.0] * 20, [7], 3, 0.8)
    assert [tuple(one) for one in found.ahead] == [(5, 5, 5)] * 3


def test_too_few_values_have_no_future():
    assert forecast([1.0, 2.0] * 4 + [3.0], [7], 3, 0.8) is None
    assert len([1.0, 2.0] * 4 + [3.0]) < LEAST


def test_a_season_is_tried_when_it_was_seen_twice():
    assert {shape.period for shape in shapes([1.0] * 103, [52])} == {1}
    assert {shape.period for shape in shapes([1.0] * 104, [52])} == {1, 52}
    # What multiplies cannot make 0.
    assert {shape.error for shape in shapes([0.0, *[1.0] * 103], [52])} == {"A"}


numbers = st.integers(0, 3) | st.integers(-(10**4), 10**12) | st.just(0)


@settings(max_examples=examples(20), deadline=None)
@given(st.lists(numbers, min_size=10, max_size=40), st.integers(1, 60))
def test_whatever_a_shop_sold_its_forecast_is_a_number(values, steps):
    found = forecast([float(value) for value in values], [7], steps, 0.9)
    assert found is not None
    assert len(found.ahead) == steps
    for one in found.ahead:
        assert all(isfinite(value) for value in one)
        assert one.lower <= one.expected <= one.upper
        assert min(values) >= 0 or len(set(values)) == 1 or one.expected >= 0
        assert min(values) < 0 or one.lower >= 0

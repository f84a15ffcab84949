"""BG/NBD and Gamma-Gamma: published figures, exact derivatives, and peaks that are peaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tillwise.testing import examples
from tillwise_analytics.reports.ltv import bgnbd, check, expected, gamma_gamma, predict
from tillwise_analytics.reports.ltv.bgnbd import Purchases
from tillwise_analytics.reports.ltv.fitting import Fitted, fit
from tillwise_analytics.reports.ltv.gamma_gamma import Spend
from tillwise_analytics.reports.ltv.optimise import Surface
from tillwise_analytics.reports.ltv.summary import Customers, parse, unescape
from tillwise_analytics.reports.ltv.terms import Outlook

from . import cdnow

# As published (Fader, Hardie & Lee 2005), times in weeks.
PAPER = Purchases(0.243, 4.414, 0.793, 2.426, -9582.4)


def summaries() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """x, t_x and T in days, and the cents of repeat purchases, of the CDNOW sample until the paper's day."""
    found = []
    for own in cdnow.by_customer().values():
        days = sorted(day for day in own if day <= cdnow.FITTED_UNTIL)
        spent = sum(own[day] for day in days[1:])
        found.append((len(days) - 1, (days[-1] - days[0]).days, (cdnow.FITTED_UNTIL - days[0]).days, spent))
    x, t_x, age, spent = np.array(found).T
    return x, t_x, age, spent


def test_purchases_of_cdnow_have_the_published_parameters():
    x, t_x, age, _ = summaries()
    model = bgnbd.fit(x, t_x, age).in_units(7, int(x.sum()))
    assert (model.r, model.alpha, model.a, model.b) == pytest.approx((0.243, 4.414, 0.793, 2.426), abs=5e-4)
    assert model.log_likelihood == pytest.approx(-9582.4, abs=0.05)
    assert not model.vague


def test_spend_of_cdnow_has_the_published_parameters():
    x, _, _, spent = summaries()
    again = x > 0
    model = gamma_gamma.fit(x[again], spent[again]).in_units(100)
    assert (model.p, model.q, model.gamma) == pytest.approx((6.25, 3.74, 15.44), abs=5e-3)
    assert model.customers == 946
    assert model.mean == pytest.approx(6.25 * 15.44 / 2.74, rel=2e-3)


def test_expectations_are_those_of_the_spreadsheet():
    """E[X(t)] as in the Excel sheet that comes with the paper, which the tests of Lifetimes cite."""
    sheet = Purchases(0.242594, 4.413602, 0.792920, 2.425900, -9582.4)
    weeks = np.array([0.1429, 1.0, 3.0, 31.8571, 32.0, 78.0])
    assert expected.newcomers(sheet, weeks) == pytest.approx([0.0078, 0.0532, 0.1506, 1.0405, 1.0437, 1.8576], rel=5e-4, abs=5e-5)


def test_forecast_of_one_customer_is_the_published_one():
    x, t_x, age = np.array([2]), np.array([30.43]), np.array([38.86])
    coming, discounted = expected.outlook(PAPER, x, age, np.arange(1.0, 40), np.ones(39))
    assert bgnbd.alive(PAPER, x, t_x, age) * coming == pytest.approx(1.226, abs=5e-4)
    assert discounted == pytest.approx(coming)


@pytest.mark.parametrize(
    ("r", "x", "a", "b", "tau", "value"),
    [
        (0.243, 2, 0.793, 2.426, 0.9, 1.68543497394272),
        (0.25, 0, 1, 2.4, 12, 1.33195288531095),
        (0.05, 60, 0.02, 0.1, 300, 16388.1520120793),
        (3, 400, 3, 0.1, 300, 201.047790833919),
        (50, 1, 0.001, 500, 1, 50.9974418340987),
        (2000, 3, 0.8, 2.4, 0.01, 10.0093797723767),
        (0.25, 400, 50, 3000, 12, 70.3877551020408),
        (0.02, 0, 0.02, 500, 300, 5.97206678040721),
    ],
)
def test_expectations_are_the_hypergeometric_ones(r, x, a, b, tau, value):
    """Computed with 60 digits from the formula of the paper, also where it is hard to compute (a = 1, large parameters)."""
    model = Purchases(r, 1.0, a, b, 0.0)
    assert expected.if_alive(model, x, np.array([tau])) == pytest.approx(value, rel=1e-11)
    many = np.append(np.linspace(0, 2 * tau, 700), tau)
    assert expected.if_alive(model, x, many)[-1] == pytest.approx(value, rel=1e-5)


def test_chance_to_be_alive_follows_the_note():
    """1 / (1 + a / (b + x - 1) * ((alpha + T) / (alpha + t_x)) ** (r + x)); 1 without repeat purchases."""
    x, t_x, age = np.array([0, 1, 2, 26]), np.array([0, 1.71, 30.43, 30.86]), np.array([38.86, 38.86, 38.86, 31])
    formula = [1.0] + [
        1 / (1 + 0.793 / (2.426 + k - 1) * ((4.414 + t) / (4.414 + s)) ** (0.243 + k))
        for k, s, t in zip(x[1:], t_x[1:], age[1:], strict=True)
    ]
    assert bgnbd.alive(PAPER, x, t_x, age) == pytest.approx(formula)


lifetimes = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=30)


@given(seen=lifetimes, point=st.lists(st.floats(-3, 3), min_size=4, max_size=4))
@settings(max_examples=examples(60), deadline=None)
def test_derivatives_of_the_purchase_model_are_exact(seen, point):
    x, t_x, more = np.array(seen).T
    known = bgnbd.histories(x, np.where(x > 0, t_x, 0), np.where(x > 0, t_x, 0) + more, 100.0)
    _compare_with_differences(lambda at: bgnbd.log_likelihood(at, known), np.array(point))


@given(
    seen=st.lists(st.tuples(st.integers(1, 30), st.integers(1, 10**6)), min_size=1, max_size=30),
    point=st.lists(st.floats(-3, 3), min_size=3, max_size=3),
)
@settings(max_examples=examples(60), deadline=None)
def test_derivatives_of_the_spend_model_are_exact(seen, point):
    x, total = np.array(seen).T
    known = gamma_gamma.amounts(x, total, 1000.0)
    _compare_with_differences(lambda at: gamma_gamma.log_likelihood(at, known), np.array(point))


def _compare_with_differences(function: Callable[[Any], Surface], point: Any) -> None:
    here, step = function(point), 1e-4
    for at, direction in enumerate(np.eye(len(point)) * step):
        after, before = function(point + direction), function(point - direction)
        size = abs(here.value) + 1
        assert (after.value - before.value) / (2 * step) == pytest.approx(here.gradient[at], rel=1e-4, abs=1e-6 * size)
        assert (after.gradient - before.gradient) / (2 * step) == pytest.approx(here.hessian[at], rel=1e-4, abs=1e-6 * size)


@given(seen=lifetimes.filter(lambda seen: len(seen) > 4), point=st.lists(st.floats(-3, 3), min_size=4, max_size=4))
@settings(max_examples=examples(40), deadline=None)
def test_likelihood_is_the_formula_of_the_paper(seen, point):
    """Histories that are equal are counted, not computed again; the sum is the same."""
    from math import exp, lgamma, log

    r, alpha, a, b = (exp(one) for one in point)
    total = 0.0
    for x, t, more in seen:
        t_x, age = (t, t + more) if x else (0, more)
        common = lgamma(r + x) - lgamma(r) + r * log(alpha)
        alive = lgamma(a + b) + lgamma(b + x) - lgamma(b) - lgamma(a + b + x) - (r + x) * log(alpha + age)
        gone = (
            lgamma(a + 1) + lgamma(b + x - 1) - lgamma(a + b + x) - lgamma(a) - lgamma(b) + lgamma(a + b) - (r + x) * log(alpha + t_x)
            if x
            else -np.inf
        )
        total += common + float(np.logaddexp(alive, gone))
    x, t, more = np.array(seen).T
    known = bgnbd.histories(x, np.where(x > 0, t, 0), np.where(x > 0, t + more, more))
    assert bgnbd.log_likelihood(np.array(point), known).value == pytest.approx(total, rel=1e-9, abs=1e-7)


@given(seed=st.integers(0, 10**6), r=st.floats(0.1, 3), alpha=st.floats(2, 60), a=st.floats(0.1, 3), b=st.floats(0.5, 6))
@settings(max_examples=examples(25), deadline=None)
def test_fit_ends_on_a_peak_or_says_that_there_is_none(seed, r, alpha, a, b):
    customers = simulate(np.random.default_rng(seed), 400, r, alpha, a, b)
    if (customers.repeats > 0).sum() < 20:
        return
    age = customers.ages(0)
    model = bgnbd.fit(customers.repeats, customers.recencies, age)
    known = bgnbd.histories(customers.repeats, customers.recencies, age)
    here = bgnbd.log_likelihood(np.log([model.r, model.alpha, model.a, model.b]), known)
    truth = bgnbd.log_likelihood(np.log([r, alpha, a, b]), known)
    assert model.log_likelihood == pytest.approx(here.value, abs=1e-6)
    assert here.value >= truth.value - 1e-6
    assert model.vague or np.abs(here.gradient).max() < 1e-2


def test_fit_does_not_depend_on_the_unit_of_time_or_money():
    x, t_x, age, spent = summaries()
    days, years = bgnbd.fit(x, t_x, age), bgnbd.fit(x, t_x / 365.25, age / 365.25)
    assert (years.r, years.alpha * 365.25, years.a, years.b) == pytest.approx((days.r, days.alpha, days.a, days.b), rel=1e-5)
    assert years.log_likelihood == pytest.approx(days.in_units(365.25, int(x.sum())).log_likelihood)
    again = x > 0
    cents, dollars = gamma_gamma.fit(x[again], spent[again]), gamma_gamma.fit(x[again], spent[again] / 100)
    assert (dollars.p, dollars.q, dollars.gamma * 100) == pytest.approx((cents.p, cents.q, cents.gamma), rel=1e-5)


def test_parameters_of_a_simulated_shop_are_found_again():
    customers = simulate(np.random.default_rng(3), 60_000, 0.6, 30.0, 0.9, 3.0)
    fitted = fit(customers, 0)
    assert fitted.purchases is not None
    assert fitted.spend is not None
    found = fitted.purchases
    assert (found.r, found.alpha, found.a, found.b) == pytest.approx((0.6, 30.0, 0.9, 3.0), rel=0.08)
    assert (fitted.spend.p, fitted.spend.q, fitted.spend.gamma) == pytest.approx((6.0, 4.0, 1500.0), rel=0.08)
    assert fitted.warnings == ()


def simulate(dice: Any, customers: int, r: float, alpha: float, a: float, b: float) -> Customers:
    """Customers of the models' own making, watched until day 0; times in days, spend with p = 6, q = 4, gamma = 1500."""
    age = dice.integers(20, 700, customers)
    rate, leaves = dice.gamma(r, 1 / alpha, customers), dice.beta(a, b, customers)
    x, last, now, active = np.zeros(customers, np.int64), np.zeros(customers), np.zeros(customers), np.arange(customers)
    while len(active):
        now[active] += dice.exponential(1 / rate[active])
        active = active[now[active] <= age[active]]
        x[active] += 1
        last[active] = now[active]
        active = active[dice.random(len(active)) >= leaves[active]]
    spend = np.zeros(customers, np.int64)
    again = x > 0
    spend[again] = np.rint(dice.gamma(6.0 * x[again], 1 / dice.gamma(4.0, 1 / 1500.0, again.sum())))
    nothing = np.zeros(customers, np.int64)
    return Customers([b"%d" % n for n in range(customers)], -age, -age + last.astype(np.int64), x, spend, spend, nothing, nothing)


def test_mean_of_spend_is_undefined_for_q_up_to_1_and_said_so():
    assert Spend(6.0, 1.0, 1500.0, 0.0, 10).mean is None
    assert Spend(6.0, 3.0, 1500.0, 0.0, 10).mean == pytest.approx(4500)
    dice = np.random.default_rng(5)
    customers = simulate(dice, 4000, 0.6, 30.0, 0.9, 3.0)
    again = customers.repeats > 0
    spend = customers.spend.copy()
    # Fat tails: q = 0.6.
    spend[again] = np.rint(dice.gamma(6.0 * customers.repeats[again], 1 / dice.gamma(0.6, 1 / 1500.0, again.sum()))) + 1
    fitted = fit(customers._replace(spend=spend), 0)
    assert fitted.spend is not None
    assert fitted.spend.q < 1
    assert fitted.usable_spend is None
    assert "only above 1 is the mean spend of a new customer finite" in " ".join(fitted.warnings)
    predicted = predict.predict(fitted, customers._replace(spend=spend), 0, Outlook(52, 7.0, 0.1))
    assert predicted is not None
    # Historic means instead: one's own, or that of all.
    assert predicted.spend[again] == pytest.approx(spend[again] / customers.repeats[again])
    assert predicted.spend[~again] == pytest.approx(np.full((~again).sum(), spend.sum() / customers.repeats.sum()))
    assert np.isfinite(predicted.discounted).all()


def test_too_few_customers_are_not_fitted_and_counted():
    customers = simulate(np.random.default_rng(1), 40, 0.6, 30.0, 0.9, 3.0)
    fitted = fit(customers, 0)
    assert fitted.purchases is None
    assert fitted.spend is None
    assert fitted.warnings[0].startswith(f"Too few data for a forecast: 40 customers, {(customers.repeats > 0).sum()} of whom bought again")


def test_equal_amounts_have_no_spend_model():
    customers = simulate(np.random.default_rng(1), 400, 0.6, 30.0, 0.9, 3.0)
    fitted = fit(customers._replace(spend=customers.repeats * 1000), 0)
    assert fitted.purchases is not None
    assert fitted.spend is None
    assert "too few or too alike" in fitted.warnings[0]


def test_discounting_counts_a_purchase_at_the_end_of_its_unit():
    x, age = np.array([3]), np.array([50.0])
    ends = np.array([7.0, 14.0, 21.0])
    until = [expected.if_alive(PAPER, 3, np.array([end / (PAPER.alpha + 50)]))[0] for end in ends]
    by_hand = until[0] / 1.1 ** (7 / 365.25) + (until[1] - until[0]) / 1.1 ** (14 / 365.25) + (until[2] - until[1]) / 1.1 ** (21 / 365.25)
    coming, discounted = expected.outlook(PAPER, x, age, ends, 1.1 ** (-ends / 365.25))
    assert (coming[0], discounted[0]) == (pytest.approx(until[2]), pytest.approx(by_hand))


def test_segments_are_fifths_and_equals_share_one():
    assert predict.segments(np.array([5.0, 4.0, 3.0, 2.0, 1.0])).tolist() == [0, 1, 2, 3, 4]
    assert predict.segments(np.array([1.0, 1.0, 1.0, 1.0, 9.0])).tolist() == [1, 1, 1, 1, 0]
    assert predict.segments(np.array([])).tolist() == []


def test_tracking_adds_up_what_each_customer_is_expected_to_buy():
    first = np.array([100, 100, 103, 120])
    weeks = check.track(PAPER, first, [(105, 2), (121, 1)], 127)
    assert [(day, actual) for day, actual, _ in weeks] == [(106, 2), (113, 2), (120, 2), (127, 3)]
    by_hand = expected.newcomers(PAPER, np.array([27.0, 27.0, 24.0, 7.0])).sum()
    assert weeks[-1][2] == pytest.approx(by_hand)


def test_customers_are_read_as_copy_writes_them():
    customers = parse(b"1\t5\t2\t900\t1200\t300\t0\ta\\tb\\\\\n2\t2\t0\t0\t-7\t0\t1\tc\n")
    assert [unescape(one) for one in customers.ids] == ["a\tb\\", "c"]
    assert (customers.first.tolist(), customers.sales.tolist(), customers.later.tolist()) == ([1, 2], [1200, -7], [0, 1])
    assert len(parse(b"").repeats) == 0


def test_a_store_that_was_never_bought_from_again_has_a_mean_spend():
    nothing = np.zeros(3, np.int64)
    once = Customers([b"a", b"b", b"c"], nothing, nothing, nothing, nothing, np.array([100, 200, 600]), nothing, nothing)
    assert fit(once, 10) == Fitted(None, None, 3, 0, 0, 300.0, fit(once, 10).warnings)

"""ABC by value, XYZ by variability: the rules, with figures worked out by hand."""

from __future__ import annotations

from datetime import date
from statistics import fmean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillwise_analytics.reports.products import maths
from tillwise_analytics.reports.products.maths import Sums


def sums(sku: str, sales: int, **more: int) -> Sums:
    found = {"orders": 1, "units": 1, "net": sales, "refunds": 0, "cost": 0, "uncosted": 0, "demand": 0, "squares": 0} | more
    return Sums(sku=sku, sales=sales, **found)


def classes(*sales: int) -> str:
    ranked = maths.rank([sums(f"{n:02}", value) for n, value in enumerate(sales)], {}, (0.80, 0.95), (0.5, 1.0))
    return "".join(one.abc for one in ranked)


def test_product_that_crosses_a_line_is_still_in():
    # 70, 90, 97, 100 % with each: the second crosses 80 %, the third 95 %.
    assert classes(70, 20, 7, 3) == "AABC"


def test_product_that_begins_exactly_on_a_line_is_in_the_next_class():
    assert classes(80, 15, 5) == "ABC"


def test_single_product_is_a():
    assert classes(100) == "A"


def test_what_sold_nothing_or_was_given_back_is_c():
    assert classes(100, 0, -50) == "ACC"
    assert classes(0, 0) == "CC"


def test_ties_are_in_the_order_of_their_skus():
    ranked = maths.rank([sums("b", 50), sums("a", 50)], {}, (0.4, 0.95), (0.5, 1.0))
    assert [(one.sums.sku, one.abc, one.cumulative) for one in ranked] == [("a", "A", 0.5), ("b", "B", 1.0)]


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=60))
def test_variation_is_what_the_textbook_says(demand):
    found = maths.variation(sum(demand), sum(x * x for x in demand), len(demand))
    if sum(demand) == 0:
        assert found is None
    else:
        assert found == pytest.approx(pstdev(demand) / fmean(demand), abs=1e-9)


def test_variation_is_unknown_below_two_weeks_and_without_demand():
    assert maths.variation(5, 25, 1) is None
    assert maths.variation(0, 0, 8) is None


@pytest.mark.parametrize(("spread", "expected"), [(0.0, "X"), (0.5, "X"), (0.51, "Y"), (1.0, "Y"), (1.01, "Z"), (None, None)])
def test_steadiness_includes_its_ends(spread, expected):
    assert maths.steadiness(spread, (0.5, 1.0)) == expected


def test_weeks_before_the_first_sale_do_not_count():
    first, last = date(2026, 3, 2), date(2026, 3, 23)
    assert maths.whole_weeks(first, last, date(2026, 1, 5)) == 4
    assert maths.whole_weeks(first, last, date(2026, 3, 16)) == 2
    assert maths.whole_weeks(first, last, date(2026, 3, 30)) == 0


def test_margin_leaves_sales_of_unknown_cost_out():
    known = sums("a", 1000, cost=300, uncosted=400)
    assert (maths.margin(known), maths.margin_rate(known)) == (300, 0.5)
    assert maths.margin(sums("a", 1000, uncosted=1000)) is None


def test_refund_rate_is_of_sales_before_refunds():
    assert maths.refund_rate(sums("a", 750, refunds=250)) == 0.25
    assert maths.refund_rate(sums("a", -250, refunds=250)) is None

"""Scores, segments and concentration by hand-computed examples."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tillwise_analytics.reports.customers import maths
from tillwise_analytics.reports.customers.maths import Bin, Sums
from tillwise_analytics.reports.customers.segments import DESCRIBED, NOT_YET, SCORES, SEGMENTS, code, codes, named, segment


def days(*counts: int) -> list[tuple[date, int]]:
    """So many customers ordered last today, yesterday, …"""
    return [(date(2026, 3, 31) - timedelta(days=n), count) for n, count in enumerate(counts)]


def scores(falling: list[tuple[date, int]]) -> list[int]:
    limits = maths.fifths(falling)
    return [maths.score(day, limits) for day, _ in falling]


def test_fifths_of_different_days_are_fifths():
    assert scores(days(*[1] * 10)) == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]


def test_who_ties_with_the_last_of_a_fifth_belongs_to_it():
    # Three of ten ordered today: the second place is theirs, so all are 5; the next fifth ends with the fourth place.
    assert scores(days(3, 1, 1, 5)) == [5, 4, 3, 3]
    assert scores(days(1, 8, 1)) == [5, 5, 1]


def test_all_on_one_day_are_the_best():
    assert scores(days(7)) == [5]


def test_one_customer_has_scores():
    assert scores(days(1)) == [5]
    assert maths.frequencies([(1, 1)]) == (2, 2, 2, 2)


def test_who_ordered_once_is_one_and_the_others_are_quarters():
    limits = maths.frequencies([(1, 60), (2, 20), (3, 10), (4, 5), (9, 5)])
    # 40 came back; half of them have two orders: places 10 and 20 are theirs, place 30 has three.
    assert limits == (2, 3, 3, 4)
    assert [maths.score(orders, limits) for orders in (1, 2, 3, 4, 9)] == [1, 2, 4, 5, 5]


def test_quarters_of_different_numbers_of_orders_are_quarters():
    limits = maths.frequencies([(orders, 1) for orders in range(1, 10)])
    assert [maths.score(orders, limits) for orders in range(1, 10)] == [1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_every_pair_of_scores_is_in_one_segment():
    cells = [(r, f) for r in SCORES for f in SCORES]
    assert sorted(c for name in SEGMENTS for c in codes(name)) == sorted(code(r, f) for r, f in cells)
    assert {named(code(r, f)) for r, f in cells} == set(SEGMENTS)
    assert codes(NOT_YET) == [0]
    assert named(0) == NOT_YET
    assert set(DESCRIBED) == {*SEGMENTS, NOT_YET}


@pytest.mark.parametrize(
    ("recency", "frequency", "name"),
    [(5, 1, "new"), (4, 1, "promising"), (5, 5, "champions"), (3, 3, "need_attention"), (1, 5, "cant_lose"), (1, 1, "lost"),
     (2, 1, "hibernating"), (2, 3, "at_risk"), (4, 4, "loyal"), (4, 2, "potential_loyalists"), (3, 1, "about_to_sleep")],
)  # fmt: skip
def test_scores_make_the_segment_of_the_map(recency, frequency, name):
    assert segment(recency, frequency) == name


def test_segments_add_up_their_scores():
    found = maths.by_segment({(1, 1): Sums(2, 2, 50, 5, 300), (1, 2): Sums(1, 2, 70, 7, 200), (5, 5): Sums(1, 9, 900, 90, 1)})
    assert found["lost"] == Sums(3, 4, 120, 12, 500)
    assert found["champions"].customers == 1
    assert sum(one.customers for one in found.values()) == 4


def test_bin_is_what_its_first_seven_binary_digits_say():
    assert maths.bin_of(127, 1, 127) == Bin(127, 127, 1, 127)
    assert maths.bin_of(128, 1, 129) == Bin(128, 129, 1, 129)
    assert maths.bin_of(-128, 1, -129) == Bin(-129, -128, 1, -129)
    assert maths.bin_of(0, 5, 0) == Bin(0, 0, 5, 0)
    assert maths.bin_of(64 << 10, 1, 0).high == (65 << 10) - 1


async def test_database_and_maths_know_the_same_bins(platform):
    amounts = [sign * (2**k + more) for k in range(41) for more in (-1, 0, 1, 2**k // 3) for sign in (1, -1)]
    values = ", ".join(f"({amount}::bigint)" for amount in amounts)
    for amount, end in await platform.rows(f"select a, value_bin(a) from (values {values}) as v (a)"):
        found = maths.bin_of(end, 1, amount)
        assert found.low <= amount <= found.high
        assert found.high - found.low <= abs(amount) / 64
        assert found.low > 0 or found.high <= 0


def test_place_is_found_in_its_bin_with_the_sales_before():
    bins = [Bin(100, 100, 2, 200), Bin(50, 50, 3, 150), Bin(-5, -5, 1, -5)]
    assert maths.locate(bins, 2) == (bins[0], 2, 0)
    assert maths.locate(bins, 3) == (bins[1], 1, 200)
    assert maths.locate(bins, 6) == (bins[2], 1, 350)


def test_best_tenth_is_rounded_up():
    assert [maths.top_place(n) for n in (1, 9, 10, 11, 20, 21)] == [1, 1, 1, 2, 2, 3]


def test_gini_is_nothing_when_all_spend_the_same_and_near_one_when_one_spends_all():
    assert maths.concentration([Bin(10, 10, 7, 70)], 1, 10).gini == 0
    assert maths.concentration([Bin(100, 100, 1, 100), Bin(0, 0, 9, 0)], 1, 100).gini == pytest.approx(0.9)


def test_gini_of_one_to_four_is_a_quarter():
    bins = [Bin(n, n, 1, n) for n in (4, 3, 2, 1)]
    found = maths.concentration(bins, 1, 4)
    assert (found.gini, found.share) == (pytest.approx(0.25), 0.4)
    assert found.curve == [(0, 0), (0.25, 0.1), (0.5, 0.3), (0.75, 0.6), (1, 1)]


def test_less_than_nothing_counts_as_nothing():
    found = maths.concentration([Bin(10, 10, 1, 10), Bin(-30, -30, 1, -30)], 1, 10)
    assert (found.share, found.curve) == (1, [(0, 0), (0.5, 0), (1, 1)])
    nothing = maths.concentration([Bin(-30, -30, 1, -30)], 1, 0)
    assert (nothing.share, nothing.gini, nothing.curve) == (None, None, [])


def test_curve_of_many_points_keeps_its_ends_and_a_hundred_points_at_most():
    curve = [(n / 5000, (n / 5000) ** 3) for n in range(5001)]
    thinned = maths.thinned(curve)
    assert (thinned[0], thinned[-1]) == (curve[0], curve[-1])
    assert 60 <= len(thinned) <= maths.MOST_POINTS
    assert maths.thinned([(0.0, 0.0), (1.0, 1.0)]) == [(0.0, 0.0), (1.0, 1.0)]

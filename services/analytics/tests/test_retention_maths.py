"""Retention's arithmetic, with published figures where there are some."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from tillwise_analytics.reports.retention import maths, spans
from tillwise_analytics.reports.retention.maths import Cell, Mean, Sums
from tillwise_analytics.reports.retention.waiting import Step, kaplan_meier, median, thinned

# Weeks of remission of 21 patients with leukaemia on 6-mercaptopurine (Freireich et al. 1963).
RELAPSED = [6, 6, 6, 7, 10, 13, 16, 22, 23]
IN_REMISSION = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
# And of the 21 who had a placebo, all of whom relapsed.
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]

# Two customers of whom one comes back at offset 1 and, last, at 3; the other gets money back at 1.
HISTORY = [Sums(2, 1, 3, 5000, 900), Sums(1, 0, 1, 700, 100), Sums(), Sums(1, 1, 2, 1000, 50), Sums()]


def test_curve_of_the_leukaemia_trial_is_the_published_one():
    steps = kaplan_meier(Counter(RELAPSED), Counter(IN_REMISSION))
    assert {step.days: round(step.waiting, 3) for step in steps} == {
        6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448,
    }  # fmt: skip
    assert [(step.at_risk, step.events) for step in steps] == [(21, 3), (17, 1), (15, 1), (12, 1), (11, 1), (7, 1), (6, 1)]
    assert median(steps) == 23


def test_curve_without_anybody_lost_sight_of_is_the_share_that_is_left():
    steps = kaplan_meier(Counter(PLACEBO), {})
    assert {step.days: step.waiting for step in steps} == {
        days: pytest.approx(sum(one > days for one in PLACEBO) / 21) for days in set(PLACEBO)
    }
    assert median(steps) == 8


def test_nobody_who_ordered_again_makes_no_curve_and_no_median():
    assert kaplan_meier({}, {0: 5, 12: 1}) == []
    assert kaplan_meier({}, {}) == []
    assert median([]) is None
    assert median(kaplan_meier({3: 1}, {9: 2})) is None


def test_thinned_curve_keeps_its_ends_and_its_order():
    steps = [Step(days, 1, 1, 0.5) for days in range(1, 2001)]
    kept = thinned(steps, 100)
    assert 90 < len(kept) <= 100
    assert (kept[0], kept[-1]) == (steps[0], steps[-1])
    assert kept == sorted(set(kept))
    assert thinned(steps[:100], 100) == steps[:100]


@pytest.mark.parametrize(
    ("measure", "classic", "or_later"),
    [
        ("customers", [2, 1, 0, 1], [2, 1, 1, 1]),
        ("revenue", [5000, 700, 0, 1000], [6700, 1700, 1000, 1000]),
        ("margin", [900, 100, 0, 50], [1050, 150, 50, 50]),
        ("orders", [3, 1, 0, 2], [6, 3, 2, 2]),
    ],
)
def test_amount_is_of_the_period_or_of_it_and_all_later_ones(measure, classic, or_later):
    assert [maths.amount(measure, HISTORY, offset, or_later=False) for offset in range(4)] == classic
    assert [maths.amount(measure, HISTORY, offset, or_later=True) for offset in range(4)] == or_later


def test_share_is_of_the_size_or_of_the_first_period():
    assert maths.share("customers", 1, 2, 4) == 0.25
    assert maths.share("revenue", 700, 5000, 4) == 0.14
    assert maths.share("revenue", 700, 0, 4) is None
    assert maths.share("margin", 700, -10, 4) is None
    assert maths.value("orders", 3, 4) == 0.75
    assert maths.value("revenue", 3, 4) == 3


def test_average_weighs_cohorts_by_their_size_and_leaves_out_what_is_not_complete():
    cells = [
        Cell(date(2026, 1, 1), "", 100, 1, 50, 0.5, True),
        Cell(date(2026, 2, 1), "", 300, 1, 30, 0.1, True),
        Cell(date(2026, 3, 1), "", 600, 1, 0, 0.0, False),
        Cell(date(2026, 1, 1), "", 100, 2, 0, None, True),
    ]
    assert maths.average(cells) == [Mean("", 1, 80 / 400, 2, 400)]


def test_periods_follow_the_calendar():
    assert spans.begin(date(2026, 3, 25), "week", "monday") == date(2026, 3, 23)
    assert spans.begin(date(2026, 3, 25), "week", "sunday") == date(2026, 3, 22)
    assert spans.begin(date(2026, 3, 25), "month", "monday") == date(2026, 3, 1)
    assert spans.shift(date(2026, 11, 1), "month", 3) == date(2027, 2, 1)
    assert spans.shift(date(2026, 1, 1), "month", -11) == date(2025, 2, 1)
    assert spans.cohorts(date(2026, 1, 31), date(2026, 3, 1), "month", "monday") == [date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)]


def test_period_is_complete_the_day_after_its_last_one():
    january = date(2026, 1, 1)
    assert not spans.begun(january, 1, date(2026, 1, 31), "month", rolling=False)
    assert spans.begun(january, 1, date(2026, 2, 1), "month", rolling=False)
    assert not spans.complete(january, 1, date(2026, 2, 28), "month", rolling=False)
    assert spans.complete(january, 1, date(2026, 3, 1), "month", rolling=False)


def test_rolling_period_begins_with_the_first_customer_and_is_complete_with_the_last():
    january = date(2026, 1, 1)
    assert not spans.begun(january, 1, date(2026, 1, 30), "month", rolling=True)
    assert spans.begun(january, 1, date(2026, 1, 31), "month", rolling=True)
    # Who came on 31 January has had 60 days when 31 March is over.
    assert not spans.complete(january, 1, date(2026, 3, 31), "month", rolling=True)
    assert spans.complete(january, 1, date(2026, 4, 1), "month", rolling=True)

"""Amounts and days within reason."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from tillwise_analytics.reports.figures import LARGEST, day_ahead, money

MORNING = datetime(2026, 11, 25, 8, 50, tzinfo=UTC)


@pytest.mark.parametrize(
    ("days", "expected"),
    [(28.80, "2026-12-24"), (0.0, "2026-11-25"), (0.5, "2026-11-25"), (0.7, "2026-11-26"), (-3.0, "2026-11-25")],
)
@pytest.mark.parametrize("now", [MORNING, MORNING.replace(tzinfo=ZoneInfo("Europe/Berlin"))])
def test_day_ahead_begins_at_the_hour_of_now(now, days, expected):
    assert str(day_ahead(now, days)) == expected


@pytest.mark.parametrize("days", [None, float("inf"), 100_000.0])
def test_day_that_is_not_known_or_beyond_two_centuries_is_not_told(days):
    assert day_ahead(MORNING, days) is None


def test_amounts_are_whole_and_within_reason():
    assert [money(value) for value in (2.5, 3.5, -1.2, LARGEST, LARGEST + 1, float("nan"), None)] == [2, 4, -1, LARGEST, None, None, None]

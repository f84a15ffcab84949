"""Moments as people read them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from tillwise_common.clock import by_the_clock


@pytest.mark.parametrize(
    ("zone", "moment", "read"),
    [
        ("Europe/Berlin", "2026-10-25T01:00:00+02:00", "2026-10-25 01:00"),
        ("Europe/Berlin", "2026-10-25T02:00:00+02:00", "2026-10-25 02:00 +02:00"),
        ("Europe/Berlin", "2026-10-25T02:00:00+01:00", "2026-10-25 02:00 +01:00"),
        ("Europe/Berlin", "2026-10-25T03:00:00+01:00", "2026-10-25 03:00"),
        ("Europe/Berlin", "2026-03-29T03:00:00+02:00", "2026-03-29 03:00"),
        ("Asia/Kolkata", "2026-10-25T02:00:00+05:30", "2026-10-25 02:00"),
        ("Australia/Lord_Howe", "2026-04-05T01:30:00+10:30", "2026-04-05 01:30 +10:30"),
    ],
)
def test_hour_that_comes_twice_says_which_it_is(zone, moment, read):
    assert by_the_clock(moment, ZoneInfo(zone)) == read

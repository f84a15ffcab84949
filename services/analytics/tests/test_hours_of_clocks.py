"""The hours that the sums are kept by are those that the questions ask for, wherever clocks are set in odd ways."""

from __future__ import annotations

import pytest

# Half hours of summer time, quarter hours and seconds of offset, days that were left out, and ordinary zones.
ZONES = (
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Chatham",
    "Africa/Monrovia",
    "Pacific/Apia",
    "America/St_Johns",
    "Europe/Berlin",
    "UTC",
)


@pytest.mark.parametrize("zone", ZONES)
async def test_hour_of_a_sum_is_the_hour_of_a_question(platform, zone):
    # Every seventh minute of a year, and moments from 1970 on.
    different = f"""
        select at from (
            select generate_series(timestamptz '2024-01-01', '2025-01-01', '7 minutes 3 seconds') as at
            union all
            select generate_series(timestamptz '1970-01-01', '2199-12-31', '97 hours 13 minutes 11.5 seconds')
        ) moments
        where date_trunc('hour', at, '{zone}') <> hour_start(at, '{zone}')
    """
    assert await platform.rows(different) == []

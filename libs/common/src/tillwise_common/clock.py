"""Moments as people read them: by a clock, which shows an hour twice when it is set back."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo


def by_the_clock(moment: str, zone: ZoneInfo) -> str:
    """Day, hour and minute of `moment`, an ISO text written in `zone`; with its offset where the clock shows them twice."""
    told = moment[:16].replace("T", " ")
    here = datetime.fromisoformat(told).replace(tzinfo=zone)
    return told if here.utcoffset() == here.replace(fold=1).utcoffset() else f"{told} {moment[19:]}".rstrip()

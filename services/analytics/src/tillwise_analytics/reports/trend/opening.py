"""When a shop is closed. No I/O.

A shop that never sells on Saturdays is not unlucky on Saturdays: such slots are no data, and are forecast as 0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from tillwise_analytics.reports.trend.slots import SEASONS, Line

# How unlikely it must be that nothing was sold by chance.
CHANCE = 0.001


class Opening(NamedTuple):
    """On which days of the week (0 is that of ordinal 0) and in which hours of the day nothing is ever sold."""

    closed_days: frozenset[int] = frozenset()
    closed_hours: frozenset[int] = frozenset()
    hours: bool = False

    def is_open(self, slot: int) -> bool:
        """Whether something may be sold in a slot."""
        if self.hours:
            return slot % 24 not in self.closed_hours and slot // 24 % 7 not in self.closed_days
        return slot % 7 not in self.closed_days

    def open_slots(self, season: int) -> int:
        """How many slots of a season are open."""
        if not self.hours:
            return season - (len(self.closed_days) if season == 7 else 0)
        return (24 - len(self.closed_hours)) * (1 if season == 24 else 7 - len(self.closed_days))


def opening(line: Line, granularity: str) -> Opening:
    """When the shop of a line is closed; weeks and months always are open."""
    if granularity == "day":
        return Opening(_never((slot % 7, value) for slot, value in enumerate(line.values, line.first)))
    if granularity != "hour":
        return Opening()
    days: dict[int, float] = defaultdict(float)
    for slot, value in enumerate(line.values, line.first):
        days[slot // 24] += abs(value)
    closed_hours = _never((slot % 24, value) for slot, value in enumerate(line.values, line.first))
    return Opening(_never((day % 7, value) for day, value in days.items()), closed_hours, hours=True)


def _never(values: Iterable[tuple[int, float]]) -> frozenset[int]:
    """The positions at which all values are 0, more often than chance explains by how often others are."""
    held: dict[int, list[float]] = defaultdict(list)
    for position, value in values:
        held[position].append(value)
    others = [value for found in held.values() if any(found) for value in found]
    # Laplace's rule: what was never seen is not impossible.
    share = (others.count(0) + 1) / (len(others) + 2)
    return frozenset(position for position, found in held.items() if not any(found) and share ** len(found) < CHANCE)


def seasons(granularity: str, opening: Opening) -> dict[int, int]:
    """The seasons that a line may have, with how many of their slots are open."""
    found = {season: opening.open_slots(season) for season in SEASONS[granularity]}
    return {season: count for season, count in found.items() if count > 1}

"""How long customers wait for their next order, those who have not ordered again yet included (Kaplan and Meier 1958). No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

# A curve of 2,000 steps looks like one of 200.
MOST_POINTS = 200


class Step(NamedTuple):
    """After `days`, how many had neither ordered again nor been lost sight of before, how many did on that day, and the
    estimated share of all who have not ordered again after it.
    """

    days: int
    at_risk: int
    events: int
    waiting: float


def kaplan_meier(events: Mapping[int, int], censored: Mapping[int, int]) -> list[Step]:
    """The product-limit estimate of the time to an event, one step per time with events.

    `events` and `censored` say how many had the event, or were last seen without it, after how many days. Who was last seen
    at the time of an event is still at risk then (Kaplan and Meier 1958, section 2).
    """
    at_risk, waiting, steps = sum(events.values()) + sum(censored.values()), 1.0, []
    for days in sorted({*events, *censored}):
        happened = events.get(days, 0)
        if happened:
            waiting *= (at_risk - happened) / at_risk
            steps.append(Step(days, at_risk, happened, waiting))
        at_risk -= happened + censored.get(days, 0)
    return steps


def median(steps: list[Step]) -> int | None:
    """After how many days at least half have ordered again; None when that is not seen."""
    return next((step.days for step in steps if step.waiting <= 0.5), None)


def thinned(steps: list[Step], most: int = MOST_POINTS) -> list[Step]:
    """At most so many steps, spread evenly over time, the first and the last among them."""
    if len(steps) <= most:
        return steps
    last, kept = steps[-1].days, steps[:1]
    for step in steps[1:-1]:
        # One for each slot of time; the last step has a place of its own.
        if step.days * (most - 1) // (last + 1) > kept[-1].days * (most - 1) // (last + 1):
            kept.append(step)
    return [*kept, steps[-1]]

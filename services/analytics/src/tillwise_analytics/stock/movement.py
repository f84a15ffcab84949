"""What happens to stock, and in which order it is taken."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

COUNT = "count"


class Movement(NamedTuple):
    """A movement or count of one product. `at` is in microseconds since 1970; `day` is the store's. `cost` is what a unit costs
    that is new with it: as stated, else the product's; None: nobody knows. Without a location, `location` is "".
    """

    at: int
    event_id: str
    kind: str
    location: str
    quantity: int
    cost: int | None
    day: date


def in_order(movements: Iterable[Movement]) -> list[Movement]:
    """By time. Of one instant first what comes in, then transfers out, transfers in, what goes out, and counts: files that
    know days only put a whole day at midnight. What is left is decided by the event id.
    """
    return sorted(movements, key=lambda m: (m.at, _rank(m), m.event_id))


def _rank(movement: Movement) -> int:
    match movement.kind:
        case "count":
            return 4
        case "transfer":
            return 1 if movement.quantity < 0 else 2
    return 0 if movement.quantity > 0 else 3

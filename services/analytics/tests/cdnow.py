"""The CDNOW sample: the purchases on which published figures of lifetime value were computed."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

from .shop_events import line, placed

FILE = Path(__file__).parent / "golden" / "cdnow_sample.csv"
FITTED_UNTIL = date(1997, 9, 30)
ENDS = date(1998, 6, 30)


def purchases() -> list[tuple[str, date, int]]:
    """Customer, day and cents of each transaction."""
    with FILE.open() as file:
        return [(row["customer"], date.fromisoformat(row["day"]), int(row["cents"])) for row in csv.DictReader(file)]


def by_customer() -> dict[str, dict[date, int]]:
    """What each customer spent on each day; transactions of a day are one."""
    found: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for customer, day, cents in purchases():
        found[customer][day] += cents
    return found


def events() -> list[dict[str, Any]]:
    """An order for each transaction, at noon."""
    return [
        placed(f"{number}", f"{day}T12:00:00Z", line("CD", 1, cents), customer_id=customer)
        for number, (customer, day, cents) in enumerate(purchases())
    ]

"""What can be asked of the age of stock."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tillwise_analytics.reports.parameters import Filter, InvalidParameters

Sort = Literal["value", "quantity", "age", "oldest", "dead", "sku"]
MOST_BUCKETS = 10
_NUMBERS = re.compile("[0-9]+(,[0-9]+)*")


class StockAgeingParams(msgspec.Struct, frozen=True, kw_only=True):
    """Ages are days in the store's timezone, from the day on which units came to the day asked for."""

    as_of: Annotated[date | None, Meta(description="Stock as it was at the end of this day; today where nothing is said.")] = None
    buckets: Annotated[str, Meta(max_length=80, description="Up to which age a bucket goes, in days: 30,60,90,180,365.")] = (
        "30,60,90,180,365"
    )
    dead_after: Annotated[int, Meta(ge=1, le=10_000, description="Stock is dead when nothing of it was sold for so many days.")] = 180
    by: Annotated[Literal["location"] | None, Meta(description="Tell each place for itself.")] = None
    sort: Annotated[Sort, Meta(description="Largest or oldest first; dead: dead stock first, by value; sku in order.")] = "value"
    limit: Annotated[int, Meta(ge=1, le=10_000, description="How many rows are listed; totals are over all.")] = 500
    category: Annotated[Filter | None, Meta(description="Only this category of products; empty: products without one.")] = None
    sku: Annotated[Filter | None, Meta(description="Only this product.")] = None
    location: Annotated[Filter | None, Meta(description="Only what lies in this place; empty: in none that has a name.")] = None

    def ends(self) -> list[int]:
        """The last day of age of each bucket but the last, rising. Raises InvalidParameters."""
        # int() takes more than digits: signs, blanks, underscores and the figures of other scripts.
        found = [int(part) for part in self.buckets.split(",")] if _NUMBERS.fullmatch(self.buckets) else []
        if not 0 < len(found) <= MOST_BUCKETS or found != sorted(set(found)) or not 0 <= found[0] <= found[-1] <= 100_000:
            detail = f"must be 1 to {MOST_BUCKETS} whole numbers of days that rise, such as 30,60,90,180,365"
            raise InvalidParameters([{"parameter": "buckets", "detail": detail}])
        return found

    def places(self) -> bool:
        """Whether places are told, instead of products."""
        return self.by is not None or self.location is not None

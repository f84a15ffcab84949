"""What can be asked of the inventory."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tillwise_analytics.reports.parameters import Filter, InvalidParameters

Sort = Literal["value", "on_hand", "sold", "days_of_cover", "days_out", "lost_sales", "turnover", "gmroi", "sku"]


class InventoryParams(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Dates are days in the store's timezone, both inclusive; without them, this week and the twelve before. Stock is that of the
    end of the period.
    """

    from_: Annotated[date | None, Meta(description="First day of the demand.")] = None
    to: Annotated[date | None, Meta(description="Last day; stock is told as it was at its end.")] = None
    as_of: Annotated[date | None, Meta(description="Another name for to.")] = None
    by: Annotated[Literal["location"] | None, Meta(description="Tell each place for itself.")] = None
    sort: Annotated[Sort, Meta(description="Largest first; days_of_cover shortest first, sku in order.")] = "value"
    limit: Annotated[int, Meta(ge=1, le=10_000, description="How many rows are listed; totals are over all.")] = 500
    category: Annotated[Filter | None, Meta(description="Only this category of products; empty: products without one.")] = None
    sku: Annotated[Filter | None, Meta(description="Only this product.")] = None
    location: Annotated[Filter | None, Meta(description="Only what lies in this place; empty: in none that has a name.")] = None

    def last(self) -> date | None:
        """The last day asked for. Raises InvalidParameters for two."""
        if self.as_of is not None and self.to is not None and self.as_of != self.to:
            raise InvalidParameters([{"parameter": "as_of", "detail": "is the last day of the period, as to is: give one of the two"}])
        return self.as_of or self.to

    def places(self) -> bool:
        """Whether places are told, instead of products."""
        return self.by is not None or self.location is not None

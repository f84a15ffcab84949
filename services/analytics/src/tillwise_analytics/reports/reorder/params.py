"""What can be asked of the reorder report."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tillwise_analytics.reports.parameters import Filter

Sort = Literal["urgency", "cost", "order", "days_of_cover", "sku"]


class ReorderParams(msgspec.Struct, frozen=True, kw_only=True):
    """Times are in days; order_cost is in minor units of the store's currency. What a product's own attributes say comes before the
    defaults, and what is given here before both.
    """

    service_level: Annotated[
        float, Meta(ge=0.5, le=0.9999, description="Probability that stock lasts until the delivery: 0.95 is 95 %.")
    ] = 0.95
    lead_time_days: Annotated[
        Annotated[float, Meta(ge=0, le=1000)] | None, Meta(description="From order to delivery; else the product's, else 14.")
    ] = None
    lead_time_sd: Annotated[
        Annotated[float, Meta(ge=0, le=1000)] | None, Meta(description="Its standard deviation; else the product's, else 0.")
    ] = None
    order_cost: Annotated[int, Meta(ge=0, le=10**9, description="What placing one order costs.")] = 1000
    holding_rate: Annotated[float, Meta(gt=0, le=10, description="What it costs to hold goods for a year, of their cost.")] = 0.25
    review: Annotated[float, Meta(ge=0, le=365, description="Days from one look at this report to the next.")] = 0.0
    weeks: Annotated[int, Meta(ge=4, le=104, description="Weeks from which demand is told, this one included.")] = 13
    by: Annotated[Literal["supplier"] | None, Meta(description="Sum up what each supplier would deliver.")] = None
    due: Annotated[bool, Meta(description="Only what is to be ordered now.")] = False
    sort: Annotated[Sort, Meta(description="Most urgent, dearest, most, shortest, or by SKU first.")] = "urgency"
    limit: Annotated[int, Meta(ge=1, le=10_000, description="How many rows are listed; totals are over all.")] = 500
    supplier: Annotated[Filter | None, Meta(description="Only this supplier's products; empty: those without one.")] = None
    category: Annotated[Filter | None, Meta(description="Only this category of products; empty: products without one.")] = None
    sku: Annotated[Filter | None, Meta(description="Only this product.")] = None

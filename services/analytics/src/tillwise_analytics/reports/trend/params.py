"""What can be asked of the trend."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tillwise_analytics.reports.parameters import Filter

Metric = Literal["sales", "orders", "units", "average_order", "customers", "new_customers"]
Granularity = Literal["hour", "day", "week", "month"]
Dimension = Literal["channel", "country", "category", "product"]
Compare = Literal["previous_period", "previous_year", "same_weekdays"]


class TrendParams(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Dates are days in the store's timezone, both inclusive; without them, the last 30 days."""

    from_: Annotated[date | None, Meta(description="First day.")] = None
    to: Annotated[date | None, Meta(description="Last day.")] = None
    metric: Annotated[Metric, Meta(description="What is measured.")] = "sales"
    granularity: Annotated[Granularity, Meta(description="How long a bucket is.")] = "day"
    by: Annotated[Dimension | None, Meta(description="Break down by this.")] = None
    top: Annotated[int, Meta(ge=1, le=50, description="How many groups; the rest is 'others'.")] = 10
    compare: Annotated[Compare | None, Meta(description="Compare with this.")] = None
    moving_average: Annotated[
        Annotated[int, Meta(ge=2, le=366)] | None, Meta(description="Add the mean of this many whole buckets up to each.")
    ] = None
    cumulative: Annotated[bool, Meta(description="Add the running sum: sales, orders, units and new customers have one.")] = False
    growth: Annotated[bool, Meta(description="Add by which part each bucket exceeds the one before.")] = False
    forecast: Annotated[
        Annotated[int, Meta(ge=1, le=366)] | None,
        Meta(description="Add what is expected of so many buckets, the first one not over and those after it."),
    ] = None
    interval: Annotated[
        int, Meta(ge=50, le=99, description="Of 100 futures, so many lie between the forecast's lower and upper value.")
    ] = 80
    anomalies: Annotated[bool, Meta(description="Add what was to be expected of whole buckets, and mark the unusual.")] = False
    trend_test: Annotated[bool, Meta(description="Tell in totals.trend whether there is a trend, and how steep it is.")] = False
    basis: Annotated[Literal["net", "gross"], Meta(description="After or before discounts, returns, refunds and cancellations.")] = "net"
    channel: Annotated[Filter | None, Meta(description="Only this sales channel; empty: orders without one.")] = None
    country: Annotated[Filter | None, Meta(description="Only this country; empty: orders without one.")] = None
    category: Annotated[Filter | None, Meta(description="Only this category of products; empty: products without one.")] = None
    sku: Annotated[Filter | None, Meta(description="Only this product; empty: refunds that name none.")] = None

    def filters(self) -> dict[str, str | None]:
        """Filters by the dimension that they are on."""
        return {"channel": self.channel, "country": self.country, "category": self.category, "product": self.sku}

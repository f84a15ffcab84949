"""What can be asked of retention."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from tillwise_analytics.reports.parameters import Filter

PeriodName = Literal["day", "week", "month"]
Mode = Literal["classic", "on_or_after", "rolling"]
Measure = Literal["customers", "revenue", "margin", "orders"]
Dimension = Literal["channel", "country", "category"]


class RetentionParams(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Dates are days in the store's timezone and choose cohorts: those whose period holds a day from `from` to `to`. Without them, the
    last 12 months, 12 weeks or 30 days.
    """

    # Parameters that other reports take and this one cannot, and why.
    REFUSED: ClassVar[dict[str, str]] = {
        "sku": "retention is about customers, not products: filter by channel, country or category of their first order"
    }

    from_: Annotated[date | None, Meta(description="A day of the first cohort.")] = None
    to: Annotated[date | None, Meta(description="A day of the last cohort.")] = None
    as_of: Annotated[
        date | None,
        Meta(description="The day that counts as today: from the last order to today, the default."),
    ] = None
    period: Annotated[PeriodName, Meta(description="How long cohorts and the periods after them are.")] = "month"
    cohort: Annotated[
        Literal["first", "recurring"], Meta(description="Who is in a cohort: who ordered first ever in it, or everybody who ordered in it.")
    ] = "first"
    mode: Annotated[
        Mode,
        Meta(description="Who came back: active in the period; in it or later; or in it, counted from the customer's own first day."),
    ] = "classic"
    measure: Annotated[Measure, Meta(description="What is counted; orders are orders per customer of the cohort.")] = "customers"
    min_orders: Annotated[int, Meta(ge=1, le=1000, description="How many orders in a period after the first make a return.")] = 1
    periods: Annotated[
        Annotated[int, Meta(ge=1, le=1000)] | None,
        Meta(description="How many periods are shown, the cohort's own (offset 0) included; 12, of days 30."),
    ] = None
    by: Annotated[Dimension | None, Meta(description="Break down by what the customer's first order says.")] = None
    top: Annotated[int, Meta(ge=1, le=50, description="How many groups, largest first; the rest is 'others'.")] = 10
    basis: Annotated[Literal["net", "gross"], Meta(description="After or before discounts, returns, refunds and cancellations.")] = "net"
    channel: Annotated[Filter | None, Meta(description="Only customers whose first order came by this channel; empty: by none.")] = None
    country: Annotated[Filter | None, Meta(description="Only customers whose first order came from this country; empty: from none.")] = None
    category: Annotated[
        Filter | None, Meta(description="Only customers who spent most of their first order on this category; empty: on none.")
    ] = None
    customers_of: Annotated[date | None, Meta(description="List the customers behind a cell: the start of its cohort.")] = None
    offset: Annotated[Annotated[int, Meta(ge=0, le=50_000)] | None, Meta(description="The offset of that cell; 0 without it.")] = None
    returned: Annotated[bool, Meta(description="List who came back; false: who did not.")] = True
    limit: Annotated[int, Meta(ge=1, le=10_000, description="How many customers a page lists.")] = 100
    page: Annotated[int, Meta(ge=1, le=1_000_000, description="Which page of customers.")] = 1

    def filters(self) -> dict[str, str]:
        """The filters that are set, by dimension."""
        found = {"channel": self.channel, "country": self.country, "category": self.category}
        return {name: value for name, value in found.items() if value is not None}

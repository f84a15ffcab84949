"""What can be asked about lifetime value."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from tillwise_analytics.reports.ltv.terms import Outlook
from tillwise_analytics.reports.parameters import InvalidParameters

TimeUnit = Literal["day", "week", "month"]
Level = Literal["store", "cohort", "segment", "customer"]
Sort = Literal["value", "p_alive", "expected_purchases", "sales", "purchases", "first_purchase", "last_purchase"]
# A month is a twelfth of 365.25 days.
UNIT_DAYS: dict[str, float] = {"day": 1.0, "week": 7.0, "month": 30.4375}
HORIZONS = {"day": 365, "week": 52, "month": 12}
LONGEST_HORIZON_DAYS = 3660
Fraction = Annotated[float, Meta(ge=0, le=1)]


class LtvParams(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Dates are days in the store's timezone. `from` and `to` choose customers by their first purchase; models know all of them."""

    # Parameters that other reports take and this one cannot, and why.
    REFUSED: ClassVar[dict[str, str]] = {
        name: f"ltv cannot be filtered by {name}: a customer's value is that of all their purchases; choose customers by their first one "
        "(from, to), or see them by level=cohort, segment or customer"
        for name in ("channel", "country", "category", "sku")
    }

    from_: Annotated[date | None, Meta(description="Only customers whose first purchase was on this day or later.")] = None
    to: Annotated[date | None, Meta(description="Only customers whose first purchase was on this day or earlier.")] = None
    fit_until: Annotated[
        date | None, Meta(description="Last day that is fitted; later purchases check the model. Default: all data until yesterday.")
    ] = None
    time_unit: Annotated[TimeUnit, Meta(description="Unit of the model and the horizon; a month is 30.4375 days.")] = "week"
    horizon: Annotated[
        Annotated[int, Meta(ge=1, le=3660)] | None,
        Meta(description="Time units ahead; default 365 days, 52 weeks or 12 months; ten years at most."),
    ] = None
    discount_rate: Annotated[Fraction, Meta(description="A year, as a fraction: 0.10 is 10 %.")] = 0.10
    margin: Annotated[
        Fraction | None, Meta(description="Contribution margin as a fraction of sales; default: from the costs that are known.")
    ] = None
    acquisition_cost: Annotated[
        Annotated[int, Meta(ge=0, le=10**12)] | None,
        Meta(description="Of a new customer, in minor units; with level=cohort: when it has paid back."),
    ] = None
    level: Annotated[Level, Meta(description="One row for the store, or a row per cohort, segment or customer.")] = "store"
    by_month: Annotated[bool, Meta(description="With level=cohort: a row per cohort and month since then, cumulative.")] = False
    sort: Annotated[Sort, Meta(description="With level=customer: largest first (first_purchase: earliest).")] = "value"
    limit: Annotated[int, Meta(ge=1, le=10_000, description="With level=customer: how many are listed.")] = 1000
    basis: Annotated[Literal["net", "gross"], Meta(description="After or before discounts, returns, refunds and cancellations.")] = "net"

    def outlook(self) -> Outlook:
        """How far to look ahead. Raises InvalidParameters."""
        unit = UNIT_DAYS[self.time_unit]
        horizon = self.horizon or HORIZONS[self.time_unit]
        if horizon * unit > LONGEST_HORIZON_DAYS:
            most = int(LONGEST_HORIZON_DAYS // unit)
            raise InvalidParameters([{"parameter": "horizon", "detail": f"must be ten years at most: {most} {self.time_unit}s"}])
        return Outlook(horizon, unit, self.discount_rate)

    def check(self, today: date) -> None:
        """Raises InvalidParameters for what does not go together."""
        errors = []
        if self.fit_until is not None and self.fit_until > today:
            errors.append({"parameter": "fit_until", "detail": f"must not lie after today ({today})"})
        if self.from_ is not None and self.from_ > (self.to or today):
            errors.append({"parameter": "from", "detail": f"must not lie after {'to' if self.to else 'today'} ({self.to or today})"})
        if self.by_month and self.level != "cohort":
            errors.append({"parameter": "by_month", "detail": "goes with level=cohort only"})
        if self.acquisition_cost is not None and self.level != "cohort":
            errors.append({"parameter": "acquisition_cost", "detail": "goes with level=cohort only"})
        if errors:
            raise InvalidParameters(errors)


DEFAULT_OUTLOOK = LtvParams().outlook()

"""What can be asked of the customers."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from tillwise_analytics.reports.customers.segments import PreviousName, SegmentName
from tillwise_analytics.reports.parameters import Filter, InvalidParameters

Level = Literal["segment", "movement", "customer"]
Sort = Literal["sales", "orders", "margin", "last_order", "first_order", "customer_id"]
DEFAULT_LIMIT = 1000


class CustomersParams(msgspec.Struct, frozen=True, kw_only=True):
    """Dates are days in the store's timezone. Filters choose customers by their first order; scores are always among all of them."""

    as_of: Annotated[date | None, Meta(description="The day for which the customers are told; default: today.")] = None
    since: Annotated[date | None, Meta(description="An earlier day: who has moved between segments since.")] = None
    compare_days: Annotated[Annotated[int, Meta(ge=1, le=3660)] | None, Meta(description="The same as since, in days before as_of.")] = None
    level: Annotated[
        Level | None,
        Meta(description="A row per segment, per movement (with since) or per customer; default: what the other parameters are about."),
    ] = None
    segment: Annotated[SegmentName | None, Meta(description="Only the customers of this segment; lists them.")] = None
    previous: Annotated[PreviousName | None, Meta(description="Only those who were in this segment at since; lists them.")] = None
    sort: Annotated[Sort | None, Meta(description="Of customers: largest or latest first; customer_id in order. Default: sales.")] = None
    limit: Annotated[Annotated[int, Meta(ge=1, le=10_000)] | None, Meta(description="How many customers are listed; default 1000.")] = None
    basis: Annotated[Literal["net", "gross"], Meta(description="After or before discounts, returns, refunds and cancellations.")] = "net"
    channel: Annotated[Filter | None, Meta(description="Only who came through this sales channel (first order); empty: none.")] = None
    country: Annotated[Filter | None, Meta(description="Only who came from this country (first order); empty: none.")] = None
    category: Annotated[
        Filter | None, Meta(description="Only whose first order was mainly of this category; empty: of products without one.")
    ] = None

    @property
    def filtered(self) -> bool:
        """Whether only some customers are asked for."""
        return (self.channel, self.country, self.category) != (None, None, None)

    def settled(self, today: date) -> Settled:
        """The same with everything said that was left open. Raises InvalidParameters, naming all that does not go together."""
        as_of = self.as_of or today
        since = as_of - timedelta(days=self.compare_days) if self.compare_days else self.since
        listing = self.segment is not None or self.previous is not None
        level = self.level or ("customer" if listing else "movement" if since else "segment")
        if errors := [*self._dates(as_of, since, today), *self._companions(level, since)]:
            raise InvalidParameters(errors)
        of_list: dict[str, Any] = {"sort": self.sort or "sales", "limit": self.limit or DEFAULT_LIMIT} if level == "customer" else {}
        definite = msgspec.structs.replace(self, as_of=as_of, since=since, compare_days=None, level=level, **of_list)
        return Settled(definite, as_of, since, level)

    def _dates(self, as_of: date, since: date | None, today: date) -> list[dict[str, Any]]:
        errors = []
        if self.since is not None and self.compare_days is not None:
            errors.append({"parameter": "compare_days", "detail": "says the same as since: give one of them"})
        if not date(1900, 1, 1) <= as_of <= today:
            errors.append({"parameter": "as_of", "detail": f"must lie between 1900 and today ({today})"})
        elif since is not None and not date(1900, 1, 1) <= since < as_of:
            errors.append({"parameter": "since" if self.since else "compare_days", "detail": f"must lie between 1900 and as_of ({as_of})"})
        return errors

    def _companions(self, level: Level, since: date | None) -> list[dict[str, Any]]:
        errors: list[dict[str, Any]] = []
        if level == "movement" and since is None:
            errors.append({"parameter": "level", "detail": "movement needs since or compare_days"})
        if level == "segment" and since is not None:
            errors.append({"parameter": "level", "detail": "since goes with movement or customer", "allowed": ["movement", "customer"]})
        if self.previous is not None and since is None:
            errors.append({"parameter": "previous", "detail": "needs since or compare_days"})
        if level != "customer":
            given = {"segment": self.segment, "previous": self.previous, "sort": self.sort, "limit": self.limit}
            errors += [{"parameter": name, "detail": "goes with level=customer"} for name, value in given.items() if value is not None]
        return errors


class Settled(msgspec.Struct, frozen=True):
    """A question that leaves nothing open: the parameters made definite, and those of them that always have a value."""

    params: CustomersParams
    as_of: date
    since: date | None
    level: Level

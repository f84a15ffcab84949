"""What can be asked of the products."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tillwise_analytics.reports.parameters import Filter, InvalidParameters

Sort = Literal["sales", "units", "orders", "margin", "refunds", "refund_rate", "variation", "sku"]
Pair = Annotated[str, Meta(max_length=40)]


class ProductsParams(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Dates are days in the store's timezone, both inclusive; without them, this week and the twelve before."""

    from_: Annotated[date | None, Meta(description="First day.")] = None
    to: Annotated[date | None, Meta(description="Last day.")] = None
    abc: Annotated[Pair, Meta(description="Where A and B end, in percent of sales: 80,95.")] = "80,95"
    xyz: Annotated[Pair, Meta(description="Up to which variation a product is X and Y: 0.5,1.0.")] = "0.5,1.0"
    sort: Annotated[Sort, Meta(description="Largest first; sku in order.")] = "sales"
    limit: Annotated[int, Meta(ge=1, le=10_000, description="How many products are listed; totals are over all.")] = 1000
    basis: Annotated[Literal["net", "gross"], Meta(description="After or before discounts, returns, refunds and cancellations.")] = "net"
    channel: Annotated[Filter | None, Meta(description="Only this sales channel; empty: orders without one.")] = None
    country: Annotated[Filter | None, Meta(description="Only this country; empty: orders without one.")] = None
    category: Annotated[Filter | None, Meta(description="Only this category of products; empty: products without one.")] = None
    sku: Annotated[Filter | None, Meta(description="Only this product.")] = None

    def abc_ends(self) -> tuple[float, float]:
        """Where A and B end, as fractions. Raises InvalidParameters."""
        low, high = _pair("abc", self.abc, "two percentages that rise, such as 80,95")
        if not 0 < low < high <= 100:
            raise InvalidParameters([{"parameter": "abc", "detail": "must be two percentages that rise, such as 80,95"}])
        return low / 100, high / 100

    def xyz_ends(self) -> tuple[float, float]:
        """Up to which coefficient of variation a product is X and Y. Raises InvalidParameters."""
        low, high = _pair("xyz", self.xyz, "two numbers that rise, such as 0.5,1.0")
        if not 0 < low < high < float("inf"):
            raise InvalidParameters([{"parameter": "xyz", "detail": "must be two numbers above 0 that rise, such as 0.5,1.0"}])
        return low, high


def _pair(name: str, text: str, wanted: str) -> tuple[float, float]:
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise InvalidParameters([{"parameter": name, "detail": f"must be {wanted}"}]) from None
    return low, high

"""From sales to value: which part of sales is contribution margin. No I/O."""

from __future__ import annotations

from typing import NamedTuple


class Worth(NamedTuple):
    """`rate`: the contribution margin as a fraction of sales (None: no cost is known, and sales stand for value); `stated`: so told."""

    rate: float | None
    stated: bool

    def of_sales(self, sales: float) -> float:
        """The value of sales to come."""
        return sales if self.rate is None else sales * self.rate

    def so_far(self, sales: float, margin: float) -> float:
        """The value of sales whose margin is known as far as their costs are."""
        return self.of_sales(sales) if self.stated or self.rate is None else margin


def worth(stated: float | None, costed_sales: int, cost: int) -> Worth:
    """The margin that was stated, else the one of net sales whose cost is known."""
    if stated is not None:
        return Worth(stated, True)
    return Worth((costed_sales - cost) / costed_sales if costed_sales > 0 else None, False)

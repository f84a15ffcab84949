"""ABC by value and XYZ by variability. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from math import sqrt
from typing import NamedTuple


class Sums(NamedTuple):
    """What a product did in the period; money in minor units. `demand` and `squares` are the sums of its units as ordered
    per whole week and of their squares. The days are of all time: first and last sold.
    """

    sku: str
    orders: int
    units: int
    sales: int
    net: int
    refunds: int
    cost: int
    uncosted: int
    demand: int
    squares: int
    # What all that was ordered cost, whatever came back or was cancelled: above zero where a cost is known.
    gross_cost: int = 0
    first_sale: date | None = None
    last_sale: date | None = None


class Ranked(NamedTuple):
    """A product with its place: share of all sales, of all up to it, its class by value, its variation and class by that."""

    sums: Sums
    share: float | None
    cumulative: float | None
    abc: str
    variation: float | None
    xyz: str | None


def rank(products: Iterable[Sums], weeks: dict[str, int], abc: tuple[float, float], xyz: tuple[float, float]) -> list[Ranked]:
    """Products by falling sales (ties by SKU), classed.

    ABC: a product is A while what comes before it is less than the first share, so the one that crosses the line is in;
    the same for B. Shares are of all sales above zero, and who sold nothing is C. `weeks`: whole weeks of each product.
    """
    found = sorted(products, key=lambda p: (-p.sales, p.sku))
    total = sum(p.sales for p in found if p.sales > 0)
    # In whole numbers until the comparison: a product on the line must not depend on rounding.
    end_of_a, end_of_b = abc[0] * total, abc[1] * total
    ranked, before = [], 0
    for sums in found:
        own = sums.sales if sums.sales > 0 else 0
        place = "C" if not own or before >= end_of_b else "B" if before >= end_of_a else "A"
        before += own
        spread = variation(sums.demand, sums.squares, weeks.get(sums.sku, 0))
        share, cumulative = (own / total, before / total) if total else (None, None)
        ranked.append(Ranked(sums, share, cumulative, place, spread, steadiness(spread, xyz)))
    return ranked


def variation(total: int, squares: int, weeks: int) -> float | None:
    """The coefficient of variation of weekly demand: population standard deviation / mean; None below two weeks or without demand.

    (Syntetos, Boylan & Croston 2005 write CV² of demand; ABC/XYZ analysis uses CV.)
    """
    if weeks < 2 or total <= 0:
        return None
    return sqrt(max(weeks * squares - total * total, 0)) / total


def steadiness(spread: float | None, ends: tuple[float, float]) -> str | None:
    """X, Y or Z; None when the variation is not known."""
    if spread is None:
        return None
    return "X" if spread <= ends[0] else "Y" if spread <= ends[1] else "Z"


def whole_weeks(first_week: date, last_week: date, first_sale_week: date | None) -> int:
    """How many weeks (both inclusive, by their first days) a product could sell in: those since it first did."""
    begin = max(first_week, first_sale_week) if first_sale_week is not None else first_week
    return max((last_week - begin).days // 7 + 1, 0)


def margin(sums: Sums) -> int | None:
    """Net sales whose cost is known, less that cost; None when no cost is known at all."""
    known = sums.net - sums.uncosted
    return known - sums.cost if known or sums.cost or sums.gross_cost else None


def margin_rate(sums: Sums) -> float | None:
    """The margin as a fraction of the net sales that it comes from."""
    earned, known = margin(sums), sums.net - sums.uncosted
    return earned / known if earned is not None and known > 0 else None


def refund_rate(sums: Sums) -> float | None:
    """Refunds and returns as a fraction of net sales before them."""
    before = sums.net + sums.refunds
    return sums.refunds / before if before > 0 else None


def matrix(ranked: Iterable[Ranked]) -> dict[str, dict[str, int]]:
    """How many products and how much of sales lie in each class, such as "AX"; "A-" are those whose variation is not known."""
    found: dict[tuple[str, str | None], list[int]] = {}
    for one in ranked:
        found.setdefault((one.abc, one.xyz), []).append(one.sums.sales)
    named = {label(abc, xyz): {"products": len(sales), "sales": sum(sales)} for (abc, xyz), sales in found.items()}
    return dict(sorted(named.items()))


def label(abc: str, xyz: str | None) -> str:
    """Both classes in one word."""
    return abc + (xyz or "-")

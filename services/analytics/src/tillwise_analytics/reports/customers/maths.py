"""Scores by recency, frequency and value; sums of segments; concentration. No I/O."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple, TypeVar

from tillwise_analytics.reports.customers.segments import SEGMENTS, segment

T = TypeVar("T", date, int)
TOP_SHARE = 10  # The best tenth.
# A curve of 100 points looks like one of 1,000.
MOST_POINTS = 100


class Limits(NamedTuple):
    """From which value on a score is 2, 3, 4 and 5: the day of the last order, the number of orders, sales in minor units."""

    recency: tuple[date, ...]
    frequency: tuple[int, ...]
    monetary: tuple[int, ...]


class Bin(NamedTuple):
    """Customers who spent about the same; `low` and `high` are the ends of what they spent, both inclusive."""

    low: int
    high: int
    customers: int
    sales: int


class Place(NamedTuple):
    """A place in the order of falling sales: its bin, its place within it (from 1 on), and the sales above zero of the bins before."""

    bin: Bin
    rest: int
    before: int


class Sums(NamedTuple):
    """What customers did, money in minor units; `days` is the sum of the days since their last orders."""

    customers: int = 0
    orders: int = 0
    sales: int = 0
    margin: int = 0
    days: int = 0

    def plus(self, other: Sums) -> Sums:
        """Both together."""
        return Sums(*(a + b for a, b in zip(self, other, strict=True)))


class Cell(NamedTuple):
    """Customers with the same last day and the same number of orders; `chosen`: whether they are asked for."""

    last_day: date
    orders: int
    chosen: bool
    customers: int
    sales: int
    margin: int


class Concentration(NamedTuple):
    """How unequally customers spend: the best tenth, the curve of Lorenz (1905) and Gini's coefficient (1912)."""

    customers: int
    sales: int
    share: float | None
    gini: float | None
    curve: list[tuple[float, float]]


def fifths(falling: Sequence[tuple[T, int]]) -> tuple[T, ...]:
    """From which value on a score is 2, 3, 4 and 5, by values and their customers, best first.

    Score 5 is the best fifth of the customers and who ties with the last of it, 4 who is among the best two fifths, and so on.
    """
    total = sum(count for _, count in falling)
    return tuple(_at(falling, _up(total * (6 - score), 5)) for score in (2, 3, 4, 5))


def frequencies(rising: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """From how many orders on the score is 2, 3, 4 and 5, by numbers of orders and their customers, few first.

    1 is who bought once: often more than half of the customers, so that fifths would call the second order frequent. Those
    who bought more often are split in quarters; who ties with the last of a quarter belongs to it.
    """
    repeated = [(orders, count) for orders, count in rising if orders > 1]
    total = sum(count for _, count in repeated)
    if not total:
        return 2, 2, 2, 2
    return 2, *(_at(repeated, _up(total * quarter, 4)) + 1 for quarter in (1, 2, 3))


def _at(counts: Iterable[tuple[T, int]], place: int) -> T:
    """The value at a place, counted from 1."""
    passed = 0
    for value, count in counts:
        passed += count
        if passed >= place:
            return value
    raise ValueError(f"there is no place {place}")


def _up(amount: int, by: int) -> int:
    return -(-amount // by)


def score(value: T, limits: Sequence[T]) -> int:
    """1 to 5."""
    return 1 + bisect_right(limits, value)


def bin_of(end: int, customers: int, sales: int) -> Bin:
    """A bin by its end towards 0, as the database's value_bin gives it: amounts with the same first seven binary digits."""
    beyond = (1 << max(0, abs(end).bit_length() - 7)) - 1
    return Bin(end, end + beyond, customers, sales) if end >= 0 else Bin(end - beyond, end, customers, sales)


def locate(falling: Sequence[Bin], place: int) -> Place:
    """Where a place of the order of falling sales, counted from 1, lies."""
    passed = before = 0
    for one in falling:
        if passed + one.customers >= place:
            return Place(one, place - passed, before)
        passed, before = passed + one.customers, before + max(one.sales, 0)
    raise ValueError(f"there is no place {place}")


def value_places(customers: int) -> list[int]:
    """Which places of the order of falling sales are the last with a score of 2, 3, 4 and 5."""
    return [_up(customers * (6 - score), 5) for score in (2, 3, 4, 5)]


def top_place(customers: int) -> int:
    """How many customers the best tenth has, rounded up."""
    return _up(customers, TOP_SHARE)


def concentration(falling: Sequence[Bin], customers: int, sales: int) -> Concentration:
    """By bins of falling sales; `customers` and `sales` are those of the best tenth.

    Shares are of all sales above zero: who cost more than they brought count as 0. Gini's coefficient is that of the curve
    through the ends of the bins, which are 1/64 wide: it falls short of the exact one by less than 0.004.
    """
    total = sum(max(one.sales, 0) for one in falling)
    if not total:
        return Concentration(customers, sales, None, None, [])
    everybody = sum(one.customers for one in falling)
    people = amount = area = 0
    curve = [(0.0, 0.0)]
    for one in reversed(falling):
        earned = max(one.sales, 0)
        # Twice the area below the curve, in whole numbers until the end.
        area += one.customers * (2 * amount + earned)
        people, amount = people + one.customers, amount + earned
        curve.append((people / everybody, amount / total))
    return Concentration(customers, sales, sales / total, 1 - area / (everybody * total), thinned(curve))


def thinned(curve: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The curve with a hundred points at most, its ends included, spread evenly over its length."""
    kept, step = curve[:1], 2 / (MOST_POINTS - 2)
    for point in curve[1:-1]:
        if (point[0] - kept[-1][0]) + (point[1] - kept[-1][1]) >= step:
            kept.append(point)
    return kept + curve[1:][-1:]


def spread(cells: Iterable[Cell]) -> tuple[list[tuple[date, int]], list[tuple[int, int]]]:
    """How many customers ordered last on each day, latest first, and how many how often, fewest orders first."""
    days: Counter[date] = Counter()
    orders: Counter[int] = Counter()
    for cell in cells:
        days[cell.last_day] += cell.customers
        orders[cell.orders] += cell.customers
    return sorted(days.items(), reverse=True), sorted(orders.items())


def scored(cells: Iterable[Cell], limits: Limits, as_of: date) -> dict[tuple[int, int], Sums]:
    """The sums of the chosen ones by their scores of recency and frequency."""
    found: dict[tuple[int, int], Sums] = {}
    for cell in cells:
        if cell.chosen:
            key = score(cell.last_day, limits.recency), score(cell.orders, limits.frequency)
            days = cell.customers * (as_of - cell.last_day).days
            found[key] = found.get(key, Sums()).plus(Sums(cell.customers, cell.customers * cell.orders, cell.sales, cell.margin, days))
    return found


def by_segment(cells: dict[tuple[int, int], Sums]) -> dict[str, Sums]:
    """The sums of each segment, also of those with nobody, by the sums of scores of recency and frequency."""
    found = dict.fromkeys(SEGMENTS, Sums())
    for (recency, frequency), sums in cells.items():
        name = segment(recency, frequency)
        found[name] = found[name].plus(sums)
    return found


def share(part: int, whole: int) -> float | None:
    """A part as a fraction; None of nothing or less."""
    return part / whole if whole > 0 else None


def mean(amount: int, by: int) -> float | None:
    """`amount` for each; None without any."""
    return amount / by if by else None

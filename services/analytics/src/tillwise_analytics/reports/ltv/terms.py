"""What the computation is asked and what it says, in plain values: they travel between processes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

# From the most to the least valuable fifth.
SEGMENTS = ("best", "good", "middle", "low", "lowest")
# In the check, customers with this many repeat purchases or more are one group.
MOST_REPEATS = 7


class Outlook(NamedTuple):
    """How far to look ahead: so many time units of so many days, and what a year of waiting costs."""

    horizon: int
    unit_days: float
    discount_rate: float


class Group(NamedTuple):
    """Sums over customers: what they did so far and what is expected of them (None: nothing can be said). Money in minor units."""

    key: str
    customers: int
    repeats: int | None
    sales: int
    margin: int
    alive: float | None = None
    purchases: float | None = None
    expected_sales: float | None = None
    discounted: float | None = None


class Customer(NamedTuple):
    """One customer; days are counted from 1970-01-01."""

    id: str
    first: int
    last: int
    repeats: int
    sales: int
    margin: int
    alive: float | None = None
    purchases: float | None = None
    spend: float | None = None
    expected_sales: float | None = None
    discounted: float | None = None
    segment: str | None = None


class Asked(NamedTuple):
    """Which customers to tell of, by the days of their first purchase, and how."""

    level: str
    outlook: Outlook
    first_from: int | None = None
    first_to: int | None = None
    sort: str = "value"
    limit: int = 1000


class Span(NamedTuple):
    """What COPY said of customers at the end of `until`, and how many repeat purchases they made on each day until `later`, where
    that is needed.
    """

    until: int
    later: int
    copied: bytes
    repeats: list[tuple[int, int]] = []  # noqa: RUF012 - never changed


@dataclass(frozen=True)
class Model:
    """What a fit found, as it is stored: the parameters in days and minor units, and how it did on the days it was not shown."""

    fit_until: int
    first_day: int | None
    customers: int
    returning: int = 0
    repeats: int = 0
    mean_spend: float = 0.0
    # r, alpha, a, b, log-likelihood, vague?
    purchases: tuple[float, float, float, float, float, bool] | None = None
    # p, q, gamma, log-likelihood, customers, vague?
    spend: tuple[float, float, float, float, int, bool] | None = None
    warnings: tuple[str, ...] = ()
    holdout: dict[str, Any] | None = None
    # (last day of a week, actual, expected), cumulative.
    weeks: list[tuple[int, int, float]] = field(default_factory=list)


class Told(NamedTuple):
    """The answer: the model, and groups or customers of it. `listed` customers were asked for in all. Of a list of customers, and of
    segments where there are none because nothing is foretold, the only group is all of them.
    """

    model: Model
    groups: list[Group]
    customers: list[Customer]
    listed: int


class Refitted(NamedTuple):
    """What the refit stores: the model, groups of each level, and the customers as COPY reads them, packed."""

    model: Model
    groups: dict[str, list[Group]]
    copy: bytes

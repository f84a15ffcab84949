"""The rows of the report on lifetime value. No I/O."""

from __future__ import annotations

from datetime import date
from typing import Any

from tillwise_analytics.reports.ltv.fetch import day
from tillwise_analytics.reports.ltv.history import Point
from tillwise_analytics.reports.ltv.terms import SEGMENTS, Customer, Group
from tillwise_analytics.reports.ltv.worth import Worth


def of_groups(groups: list[Group], level: str, worth: Worth, payback: dict[date, int | None] | None) -> list[list[Any]]:
    """A row for each group."""
    if level == "segment":
        groups = sorted(groups, key=lambda group: SEGMENTS.index(group.key))
    return [_of_group(group, level, worth, payback) for group in groups]


def _of_group(group: Group, level: str, worth: Worth, payback: dict[date, int | None] | None) -> list[Any]:
    key: list[Any] = [group.key]
    if level == "store":
        key = []
    elif level == "cohort":
        key = [cohort := date.fromisoformat(f"{group.key}-01")]
    return [
        *key,
        group.customers,
        None if group.repeats is None else group.customers + group.repeats,
        group.sales,
        group.margin if worth.rate is not None or group.margin else None,
        None if group.alive is None or not group.customers else group.alive / group.customers,
        group.purchases,
        *_values(group, worth),
        lifetime(group, worth) / group.customers if group.customers else None,
        *([] if payback is None else [payback.get(cohort)]),
    ]


def of_customers(customers: list[Customer], worth: Worth) -> list[list[Any]]:
    """A row for each customer."""
    return [
        [
            one.id, one.segment, day(one.first), day(one.last), one.repeats + 1, one.sales,
            one.margin if worth.rate is not None or one.margin else None, one.alive, one.purchases, one.spend, *_values(one, worth),
        ]
        for one in customers
    ]  # fmt: skip


def _values(one: Group | Customer, worth: Worth) -> list[int | None]:
    expected, discounted = one.expected_sales, one.discounted
    return [
        None if expected is None else round(expected),
        None if expected is None else round(worth.of_sales(expected)),
        None if discounted is None else round(worth.of_sales(discounted)),
        round(worth.so_far(one.sales, one.margin)),
        round(lifetime(one, worth)),
    ]


def lifetime(one: Group | Customer, worth: Worth) -> float:
    """Value so far and to come; without a model, so far."""
    return worth.so_far(one.sales, one.margin) + worth.of_sales(one.discounted or 0.0)


def of_months(points: list[Point], worth: Worth, cost: int | None) -> list[list[Any]]:
    """A row for each cohort and month."""
    found = []
    for point in points:
        value = worth.so_far(point.sales, point.margin)
        found.append([
            point.cohort, point.customers, point.offset, point.sales, point.sales / point.customers,
            point.margin if worth.rate is not None or point.margin else None, value / point.customers, point.complete,
            *([] if cost is None else [value >= cost * point.customers]),
        ])  # fmt: skip
    return found


def totals(groups: list[Group], worth: Worth) -> dict[str, Any]:
    """Sums over all groups; None where nothing is expected because there is no model."""
    summed = Group("", *(_sum([getattr(group, name) for group in groups]) for name in Group._fields[1:]))
    expected_sales, expected, discounted, so_far, together = _values(summed, worth)
    return {
        "customers": summed.customers,
        "purchases": None if summed.repeats is None else summed.customers + summed.repeats,
        "sales": summed.sales,
        "margin": summed.margin if worth.rate is not None or summed.margin else None,
        "margin_rate": worth.rate,
        "p_alive": None if summed.alive is None or not summed.customers else summed.alive / summed.customers,
        "expected_purchases": summed.purchases,
        "expected_sales": expected_sales,
        "expected_value": expected,
        "discounted_value": discounted,
        "value_so_far": so_far,
        "lifetime_value": together,
    }


def _sum(values: list[Any]) -> Any:
    return None if any(value is None for value in values) else sum(values)

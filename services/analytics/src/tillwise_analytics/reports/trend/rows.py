"""The rows of an answer: a value per bucket and group, what it is compared with, and what follows from it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, NamedTuple

from tillwise_analytics.reports.periods import DAY
from tillwise_analytics.reports.report import Context
from tillwise_analytics.reports.trend import maths
from tillwise_analytics.reports.trend.compared import Compared
from tillwise_analytics.reports.trend.derived import Point, cumulative, growth, moving_average
from tillwise_analytics.reports.trend.fetch import Cells
from tillwise_analytics.reports.trend.maths import NOTHING, Start, Sums
from tillwise_analytics.reports.trend.params import TrendParams
from tillwise_analytics.reports.trend.plan import Plan
from tillwise_common.contracts.groups import group_name


class Before(NamedTuple):
    """What was fetched of the period compared with."""

    compared: Compared
    cells: Cells
    # Of the stretch that the running bucket is compared with.
    stretch: Cells
    # Sums as far as the question's own period has come.
    whole: Sums
    first_order: datetime | None

    def is_before_data(self, ends: datetime) -> bool:
        """Whether what ends then lies wholly before the store's first order."""
        return self.first_order is None or ends <= self.first_order

    def opens_in(self, context: Context, bucket: Start) -> bool:
        """Whether days of a bucket compared with lie before that of the store's first order: it is a part of a bucket only."""
        if self.first_order is None or isinstance(bucket, datetime):
            return False
        return max(bucket, self.compared.whole.first) < self.first_order.astimezone(context.zone).date()

    def opened_within(self, context: Context) -> date | None:
        """The day of the store's first order, if the period compared with begins before it: a part of it has no data."""
        if self.first_order is None or self.first_order <= self.compared.whole.begins(context.zone):
            return None
        return self.first_order.astimezone(context.zone).date()


def rows_of(context: Context, plan: Plan, groups: list[str | None], now: Cells, before: Before | None) -> list[list[Any]]:
    """All buckets, and in each of them all groups."""
    params, rows = plan.params, []
    for bucket in plan.buckets:
        shown, partial = label(context, bucket), _partial(context, plan, bucket)
        other = None if before is None else _shifted(context, plan, bucket, before.compared.shift)
        for group in groups:
            value = _value(context, params, bucket, now.get((bucket, group), NOTHING))
            row: list[Any] = [shown, *([group_name(group)] if params.by else []), value, partial]
            if before is not None:
                then = None if other is None else _then(context, params, before, bucket, other, group)
                compares = other is not None and not before.opens_in(context, other)
                row += [then, None if other is None else label(context, other), maths.change(value, then) if compares else None]
            rows.append(row)
    return _derived(params, rows)


def _value(context: Context, params: TrendParams, bucket: Start, sums: Sums) -> int | None:
    """The value of a bucket; None of one that has not begun, unless something is dated ahead."""
    return None if sums == NOTHING and _lies_ahead(context, bucket) else maths.value(params.metric, sums)


def ahead(context: Context, plan: Plan) -> set[str]:
    """The buckets that have not begun, as answers write them."""
    return {label(context, bucket) for bucket in plan.buckets if _lies_ahead(context, bucket)}


def _lies_ahead(context: Context, bucket: Start) -> bool:
    return maths.starts(bucket, context.zone) > context.now


def label(context: Context, bucket: Start) -> str:
    """A bucket's start, as answers write it."""
    return bucket.astimezone(context.zone).isoformat() if isinstance(bucket, datetime) else bucket.isoformat()


def totals_of(context: Context, params: TrendParams, now: Sums, before: Before | None) -> dict[str, Any]:
    """The whole period, as far as it has come, against as much of the one compared with."""
    value = maths.value(params.metric, now)
    if before is None:
        return {"value": value}
    so_far = before.compared.so_far
    nothing = so_far is None or (before.whole == NOTHING and before.is_before_data(so_far.ends(context.zone)))
    then = None if nothing else maths.value(params.metric, before.whole)
    opened = before.opened_within(context)
    if opened is None or then is None:
        return {"value": value, "comparison": then, "change": maths.change(value, then)}
    # A whole period and the part of another in which there was a shop: how one exceeds the other says nothing.
    return {"value": value, "comparison": then, "change": None, "comparison_since": opened.isoformat()}


def _then(context: Context, params: TrendParams, before: Before, bucket: Start, other: Start, group: str | None) -> int | None:
    """The value that `bucket` is compared with; None for one that has not begun, and where there was no shop yet."""
    compared = before.compared
    if compared.so_far is None or _lies_ahead(context, bucket):
        return None
    stretch = compared.stretch if bucket == compared.running else None
    sums = (before.stretch if stretch else before.cells).get((other, group), NOTHING)
    ends = stretch.ends(context.zone) if stretch else maths.ends(other, params.granularity, context.zone)
    return None if sums == NOTHING and before.is_before_data(ends) else maths.value(params.metric, sums)


def _shifted(context: Context, plan: Plan, bucket: Start, shift: maths.Shift) -> Start | None:
    if isinstance(bucket, datetime):
        return maths.shift_hour(bucket, shift, context.zone)
    # A bucket that begins before the period is found again by a day inside of it.
    inside = max(bucket, plan.first)
    return maths.begin(shift(inside), plan.params.granularity, context.store.week_start)


def _partial(context: Context, plan: Plan, bucket: Start) -> bool:
    """Whether the bucket is cut by the period or has not ended yet."""
    if maths.ends(bucket, plan.params.granularity, context.zone) > context.now:
        return True
    if isinstance(bucket, datetime):
        return False
    return bucket < plan.first or maths.following(bucket, plan.params.granularity) > plan.last + DAY


def _derived(params: TrendParams, rows: list[list[Any]]) -> list[list[Any]]:
    """The rows with what follows from those before them."""
    value, partial = (2, 3) if params.by else (1, 2)
    points = [Point(row[1] if params.by else "", row[value], row[partial]) for row in rows]
    if params.moving_average:
        rows = [[*row, *average] for row, average in zip(rows, moving_average(points, params.moving_average), strict=True)]
    if params.cumulative:
        rows = [[*row, running] for row, running in zip(rows, cumulative(points), strict=True)]
    if params.growth:
        rows = [[*row, grown] for row, grown in zip(rows, growth(points), strict=True)]
    return rows

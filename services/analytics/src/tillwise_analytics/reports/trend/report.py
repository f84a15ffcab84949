"""How do sales go? Sums per hour, day, week or month, broken down and compared."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from tillwise_analytics.reports.parameters import InvalidParameters
from tillwise_analytics.reports.report import Context, Report
from tillwise_analytics.reports.trend import maths
from tillwise_analytics.reports.trend.chart import chart
from tillwise_analytics.reports.trend.columns import OFFERED, columns
from tillwise_analytics.reports.trend.derived import ADDITIVE, Point, cumulative, moving_average
from tillwise_analytics.reports.trend.fetch import Cells, Fetcher
from tillwise_analytics.reports.trend.maths import Start, Sums
from tillwise_analytics.reports.trend.notes import notes
from tillwise_analytics.reports.trend.params import TrendParams
from tillwise_common.contracts.groups import group_name
from tillwise_common.contracts.reports import ReportAnswer, StoreSummary

MOST_BUCKETS = 5_000
MOST_ROWS = 20_000
DEFAULT_DAYS = 30


class Plan(NamedTuple):
    """The question, made definite."""

    params: TrendParams
    first: date
    last: date
    buckets: list[Start]


async def run(context: Context, params: TrendParams) -> ReportAnswer:
    """The answer. Raises InvalidParameters for a period that cannot be."""
    plan = _plan(context, params)
    fetcher = Fetcher(context, params)
    shift = maths.shifter(params.compare, params.granularity, plan.first, plan.last, context.store.week_start) if params.compare else None
    groups = await _groups(fetcher, plan, shift)
    _limit_rows(len(plan.buckets), len(groups))
    now = await _Period.fetch(fetcher, plan.first, plan.last, groups)
    before = await _Period.fetch(fetcher, shift(plan.first), shift(plan.last), groups, shift) if shift else None
    rows = _derived(params, _rows(context, plan, groups, now, before))
    names = await fetcher.names([g for g in groups if g is not None]) if params.by == "product" else {}
    shown = columns(params, context.store.currency)
    if params.by == "product":
        called = {group_name(group): names.get(group) for group in groups if group is not None}
        rows = [[*row, called.get(row[1])] for row in rows]
    empty = not any(any(sums) for sums in now.cells.values())
    return ReportAnswer(
        report="trend",
        params=msgspec.to_builtins(msgspec.structs.replace(params, from_=plan.first, to=plan.last)),
        store=StoreSummary(context.store.id, context.store.name, context.store.currency),
        timezone=context.store.timezone,
        generated_at=datetime.now(UTC).isoformat(timespec="seconds"),
        columns=shown,
        rows=rows,
        totals=_totals(params, now, before),
        charts=[chart(params, context.store.currency, shown, rows)],
        notes=notes(params, plan.first, plan.last, empty=empty, span=await fetcher.span() if empty else None),
    )


class _Period:
    """What was fetched of one period; `shift` leads from a bucket of the main period to one of this."""

    def __init__(self, cells: Cells, whole: Sums, shift: Any = None) -> None:
        self.cells, self.whole, self.shift = cells, whole, shift

    @classmethod
    async def fetch(cls, fetcher: Fetcher, first: date, last: date, groups: list[str | None], shift: Any = None) -> _Period:
        told_apart = None if groups == [""] else [g for g in groups if g is not None]
        cells = await fetcher.cells(first, last, told_apart)
        return cls(cells, await fetcher.whole(first, last, cells), shift)


def _plan(context: Context, params: TrendParams) -> Plan:
    if any(not 1900 <= day.year <= 2200 for day in (params.from_, params.to) if day is not None):
        raise InvalidParameters([{"parameter": "from", "detail": "the period must lie between 1900 and 2200"}])
    if params.compare == "same_weekdays" and params.granularity == "month":
        allowed = ["previous_period", "previous_year"]
        raise InvalidParameters([{"parameter": "compare", "detail": "months have no weekdays to match", "allowed": allowed}])
    if params.cumulative and params.metric not in ADDITIVE:
        detail = f"there is no running sum of {params.metric}: ask for it with one of these metrics"
        raise InvalidParameters([{"parameter": "cumulative", "detail": detail, "allowed": list(ADDITIVE)}])
    today = context.now.date()
    last = params.to or (today if params.from_ is None else max(today, params.from_))
    first = params.from_ or last - timedelta(days=DEFAULT_DAYS - 1)
    if first > last:
        raise InvalidParameters([{"parameter": "from", "detail": f"must not lie after to ({last})"}])
    if maths.count(first, last, params.granularity) > MOST_BUCKETS:
        detail = f"more than {MOST_BUCKETS} buckets: choose a shorter period or a coarser granularity"
        raise InvalidParameters([{"parameter": "granularity", "detail": detail}])
    buckets: list[Start] = (
        list(maths.hour_buckets(first, last, context.zone))
        if params.granularity == "hour"
        else list(maths.day_buckets(first, last, params.granularity, context.store.week_start))
    )
    return Plan(params, first, last, buckets)


async def _groups(fetcher: Fetcher, plan: Plan, shift: maths.Shift | None) -> list[str | None]:
    """The groups to show, best first; None stands for the others, "" alone for no breakdown."""
    params = plan.params
    if params.by is None:
        return [""]
    totals = await fetcher.by_group(plan.first, plan.last)
    before = await fetcher.by_group(shift(plan.first), shift(plan.last)) if shift else {}
    # Groups that sold before and not now are compared too; where nothing is left of a group, it is not listed.
    alive = {group for sums in (totals, before) for group, found in sums.items() if any(found)}
    shown = maths.top_groups({group or "": totals.get(group, maths.NOTHING) for group in alive}, params.metric, params.top)
    return [*shown, None] if len(alive) > len(shown) else list(shown)


def _limit_rows(buckets: int, groups: int) -> None:
    """Refuse an answer that nobody could read, before its figures are fetched."""
    if buckets * groups <= MOST_ROWS:
        return
    # One row less than would fit: the rest takes one too. MOST_BUCKETS leaves room for some groups always.
    fits = MOST_ROWS // buckets - 1
    detail = (
        f"{buckets:,} buckets of {groups} groups are {buckets * groups:,} rows, and an answer has at most {MOST_ROWS:,}: "
        f"ask for fewer groups (top={fits}), a coarser granularity or a shorter period"
    )
    raise InvalidParameters([{"parameter": "top", "detail": detail}])


def _rows(context: Context, plan: Plan, groups: list[str | None], now: _Period, before: _Period | None) -> list[list[Any]]:
    params = plan.params
    rows = []
    for bucket in plan.buckets:
        shown, partial = _label(context, bucket), _partial(context, plan, bucket)
        for group in groups:
            value = maths.value(params.metric, now.cells.get((bucket, group), maths.NOTHING))
            row: list[Any] = [shown, *([group_name(group)] if params.by else []), value, partial]
            if before is not None:
                other = _shifted(context, plan, bucket, before.shift)
                compared = None if other is None else maths.value(params.metric, before.cells.get((other, group), maths.NOTHING))
                row += [compared, None if other is None else _label(context, other), maths.change(value, compared)]
            rows.append(row)
    return rows


def _derived(params: TrendParams, rows: list[list[Any]]) -> list[list[Any]]:
    """The rows with what follows from those before them."""
    value, partial = (2, 3) if params.by else (1, 2)
    points = [Point(row[1] if params.by else "", row[value], row[partial]) for row in rows]
    if params.moving_average:
        rows = [[*row, *average] for row, average in zip(rows, moving_average(points, params.moving_average), strict=True)]
    if params.cumulative:
        rows = [[*row, running] for row, running in zip(rows, cumulative(points), strict=True)]
    return rows


def _shifted(context: Context, plan: Plan, bucket: Start, shift: Any) -> Start | None:
    if isinstance(bucket, datetime):
        return maths.shift_hour(bucket, shift, context.zone)
    # A bucket that begins before the period is found again by a day inside of it.
    inside = max(bucket, plan.first)
    return maths.begin(shift(inside), plan.params.granularity, context.store.week_start)


def _label(context: Context, bucket: Start) -> str:
    return bucket.astimezone(context.zone).isoformat() if isinstance(bucket, datetime) else bucket.isoformat()


def _partial(context: Context, plan: Plan, bucket: Start) -> bool:
    """Whether the bucket is cut by the period or has not ended yet."""
    if isinstance(bucket, datetime):
        return bucket + maths.HOUR > context.now
    end = maths.following(bucket, plan.params.granularity)
    return bucket < plan.first or end > plan.last + maths.DAY or maths.midnight(end, context.zone) > context.now


def _totals(params: TrendParams, now: _Period, before: _Period | None) -> dict[str, Any]:
    value = maths.value(params.metric, now.whole)
    if before is None:
        return {"value": value}
    compared = maths.value(params.metric, before.whole)
    return {"value": value, "comparison": compared, "change": maths.change(value, compared)}


REPORT = Report(
    name="trend",
    title="Trend",
    description="Sales, orders, units, average order value, customers and new customers over time, broken down and compared.",
    params=TrendParams,
    run=run,
    columns=OFFERED,
)

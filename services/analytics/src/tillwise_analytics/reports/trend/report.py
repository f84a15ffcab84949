"""How do sales go? Sums per hour, day, week or month, broken down and compared."""

from __future__ import annotations

from datetime import date, datetime

from tillwise_analytics.reports.periods import Period, midnight
from tillwise_analytics.reports.report import Context, Report
from tillwise_analytics.reports.trend import maths
from tillwise_analytics.reports.trend.chart import chart
from tillwise_analytics.reports.trend.columns import OFFERED, columns
from tillwise_analytics.reports.trend.compared import Compared, compared
from tillwise_analytics.reports.trend.fetch import Cells, Fetcher
from tillwise_analytics.reports.trend.findings import findings
from tillwise_analytics.reports.trend.notes import comparison_notes, notes
from tillwise_analytics.reports.trend.outlook import outlook, with_outlook
from tillwise_analytics.reports.trend.outlook_notes import outlook_notes
from tillwise_analytics.reports.trend.params import TrendParams
from tillwise_analytics.reports.trend.plan import Plan, limit_rows, plan_of
from tillwise_analytics.reports.trend.rows import Before, ahead, rows_of, totals_of
from tillwise_common.contracts.groups import group_name
from tillwise_common.contracts.reports import ReportAnswer


async def run(context: Context, params: TrendParams) -> ReportAnswer:
    """The answer. Raises InvalidParameters for a period that cannot be."""
    plan, fetcher = plan_of(context, params), Fetcher(context, params)
    period, other = Period(plan.first, plan.last), compared(context, plan)
    groups = await _groups(fetcher, plan, other)
    limit_rows(len(plan.buckets) + (params.forecast or 0), len(groups))
    told_apart = [group for group in groups if group is not None] if params.by else None
    fetcher.has_others = None in groups
    now = await fetcher.cells(period, told_apart)
    whole = await fetcher.whole(period, now)
    before = await _before(context, fetcher, plan, other, told_apart) if other else None
    rows = rows_of(context, plan, groups, now, before)
    found = await outlook(context, plan, fetcher, groups, told_apart)
    rows = with_outlook(rows, found, groups, plan.buckets) if found else rows
    totals, said = totals_of(context, params, whole, before), comparison_notes(context, params, before) if before else []
    if found:
        totals |= findings(context, found, rows)
        said += outlook_notes(context, found, sum(bool(row[-2]) for row in rows) if params.anomalies else 0)
    if params.by == "product":
        names = await fetcher.names(told_apart or [])
        called = {group_name(sku): name for sku, name in names.items()}
        rows = [[*row, called.get(row[1])] for row in rows]
    shown = columns(params, context.store.currency)
    empty = await fetcher.is_empty(period, now)
    span = await fetcher.span() if empty else None
    return context.answer(
        "trend",
        params,
        period,
        columns=shown,
        rows=rows,
        totals=totals,
        charts=[chart(context, params, shown, rows, ahead(context, plan))],
        notes=notes(params, plan.first, plan.last, empty=empty, span=span) + said,
    )


def as_of(params: TrendParams, now: datetime) -> str:
    """How far the clock is part of an answer: what is partial changes with the hour, what a running bucket is compared with
    by the minute.
    """
    today = now.date()
    runs = params.compare and (params.from_ or today) <= today <= (params.to or today)
    return now.strftime("%Y-%m-%dT%H:%M" if runs else "%Y-%m-%dT%H")


async def _groups(fetcher: Fetcher, plan: Plan, other: Compared | None) -> list[str | None]:
    """The groups to show, best first; None stands for the others, "" alone for no breakdown."""
    params = plan.params
    if params.by is None:
        return [""]
    totals = await fetcher.by_group(Period(plan.first, plan.last))
    before = await fetcher.by_group(other.so_far) if other and other.so_far else {}
    # Groups that sold before and not now are compared too; where nothing is left of a group, it is not listed.
    alive = {group for sums in (totals, before) for group, found in sums.items() if any(found)}
    shown = maths.top_groups({group or "": totals.get(group, maths.NOTHING) for group in alive}, params.metric, params.top)
    return [*shown, None] if len(alive) > len(shown) else list(shown)


async def _before(context: Context, fetcher: Fetcher, plan: Plan, other: Compared, told_apart: list[str] | None) -> Before:
    """What the period is compared with."""
    cells = await fetcher.cells(other.whole, told_apart)
    stretch = await fetcher.cells(other.stretch, told_apart) if other.stretch else {}
    so_far = cells if other.stretch is None else {**_earlier(context, plan, cells, other.stretch.first), **stretch}
    whole = await fetcher.whole(other.so_far, so_far) if other.so_far else maths.NOTHING
    return Before(other, cells, stretch, whole, await fetcher.first_order())


def _earlier(context: Context, plan: Plan, cells: Cells, day: date) -> Cells:
    """The cells of the buckets before the one that holds `day`; before that day, where buckets are hours."""
    begin = midnight(maths.begin(day, plan.params.granularity, context.store.week_start), context.zone)
    return {(bucket, group): sums for (bucket, group), sums in cells.items() if bucket and maths.starts(bucket, context.zone) < begin}


REPORT = Report(
    name="trend",
    title="Trend",
    description="Sales, orders, units, average order value, customers and new customers over time, broken down and compared.",
    params=TrendParams,
    run=run,
    columns=OFFERED,
    as_of=as_of,
)

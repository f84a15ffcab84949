"""Do customers come back? What is left of each cohort, period by period, and who is behind a cell."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from tillwise_analytics.reports.report import Context, Report
from tillwise_analytics.reports.retention import fetch, maths, spans
from tillwise_analytics.reports.retention.chart import charts
from tillwise_analytics.reports.retention.columns import OFFERED, columns, customer_columns
from tillwise_analytics.reports.retention.fetch import Histories
from tillwise_analytics.reports.retention.maths import Cell, Mean, Sums
from tillwise_analytics.reports.retention.notes import customer_notes, nobody, notes
from tillwise_analytics.reports.retention.params import RetentionParams
from tillwise_analytics.reports.retention.plan import Plan, limit_rows, plan_of
from tillwise_analytics.reports.retention.waiting import Step, kaplan_meier, median, thinned
from tillwise_common.contracts.groups import group_name
from tillwise_common.contracts.reports import ReportAnswer


async def run(context: Context, params: RetentionParams) -> ReportAnswer:
    """The answer. Raises InvalidParameters for a question that cannot be answered."""
    plan = plan_of(context, params, await fetch.last_order(context, params.basis))
    return await (_customers(context, plan) if plan.params.customers_of else _cells(context, plan))


async def _cells(context: Context, plan: Plan) -> ReportAnswer:
    params, histories = plan.params, await fetch.histories(context, plan)
    limit_rows(plan, histories)
    cells = list(_told(plan, histories))
    means = maths.average(cells)
    waited = await fetch.waiting(context, plan)
    steps = kaplan_meier(*waited) if waited else []
    empty = None
    if not cells:
        empty = nobody(plan, await fetch.span(context, params.basis), has_orders=await fetch.has_orders(context))
    return context.answer(
        "retention",
        plan.params,
        plan.period,
        columns=columns(params, context.store.currency),
        rows=[_row(params, cell) for cell in cells],
        totals=_totals(params, cells, means, waited, steps),
        charts=charts(params, context.store.currency, cells, means, thinned(steps)) if cells else [],
        notes=notes(plan, empty=empty, incomplete=any(not cell.complete for cell in cells), has_waiting=waited is not None),
    )


def _told(plan: Plan, histories: Histories) -> Iterator[Cell]:
    """The cells that have begun, cohort by cohort, the largest group first and the others last."""
    sizes: dict[str | None, int] = {}
    for (_, group), history in histories.items():
        sizes[group] = sizes.get(group, 0) + history[0].customers
    ordered = sorted(sizes, key=lambda group: (group is None, -sizes[group], group or ""))
    for cohort in plan.cohorts:
        for group in ordered:
            if found := histories.get((cohort, group)):
                yield from _cells_of(plan, cohort, group, found)


def _cells_of(plan: Plan, cohort: date, group: str | None, history: list[Sums]) -> Iterator[Cell]:
    """The cells of one cohort and group, if anybody is in it."""
    params, size = plan.params, history[0].customers
    rolling, or_later = params.mode == "rolling", params.mode == "on_or_after"
    at_first = maths.amount(params.measure, history, 0, or_later=or_later)
    for offset in range(plan.periods if size else 0):
        if not spans.begun(cohort, offset, plan.today, params.period, rolling=rolling):
            break
        counted = maths.amount(params.measure, history, offset, or_later=or_later)
        value, share = maths.value(params.measure, counted, size), maths.share(params.measure, counted, at_first, size)
        yield Cell(cohort, group, size, offset, value, share, spans.complete(cohort, offset, plan.today, params.period, rolling=rolling))


def _row(params: RetentionParams, cell: Cell) -> list[Any]:
    group = [group_name(cell.group)] if params.by else []
    return [cell.cohort.isoformat(), *group, cell.size, cell.offset, cell.value, cell.share, cell.complete]


def _totals(
    params: RetentionParams, cells: list[Cell], means: list[Mean], waited: tuple[dict[int, int], dict[int, int]] | None, steps: list[Step]
) -> dict[str, Any]:
    between = None
    if waited is not None:
        gaps, since = waited
        curve = [{"days": step.days, "at_risk": step.at_risk, "events": step.events, "waiting": step.waiting} for step in thinned(steps)]
        between = {"median_days": median(steps), "orders": sum(gaps.values()), "customers": sum(since.values()), "curve": curve}
    return {
        "cohorts": len({cell.cohort for cell in cells}),
        "size": sum(cell.size for cell in cells if cell.offset == 0),
        "average": [_mean(params, mean) for mean in means],
        "time_between_orders": between,
    }


def _mean(params: RetentionParams, mean: Mean) -> dict[str, Any]:
    group = {"group": group_name(mean.group)} if params.by else {}
    return {**group, "offset": mean.offset, "share": mean.share, "cohorts": mean.cohorts, "size": mean.size}


async def _customers(context: Context, plan: Plan) -> ReportAnswer:
    params, rows = plan.params, await fetch.customers(context, plan)
    found = rows[0]["found"] if rows else 0
    begun = spans.begun(plan.cohorts[0], params.offset or 0, plan.today, params.period, rolling=params.mode == "rolling")
    return context.answer(
        "retention",
        params,
        plan.period,
        columns=customer_columns(context.store.currency),
        rows=[
            [row["customer_id"], row["first_day"].isoformat(), row["last_day"].isoformat(), row["orders"], row["revenue"]] for row in rows
        ],
        totals={"customers": found},
        charts=[],
        notes=customer_notes(plan, found, begun=begun),
    )


def as_of(_: RetentionParams, now: datetime) -> str:
    """How far the clock is part of an answer: which periods have begun and ended changes with the day."""
    return now.strftime("%Y-%m-%d")


REPORT = Report(
    name="retention",
    title="Retention",
    description="Do customers come back? What is left of each cohort of customers in the periods after their first order.",
    params=RetentionParams,
    run=run,
    columns=OFFERED,
    needs=("customers",),
    as_of=as_of,
)

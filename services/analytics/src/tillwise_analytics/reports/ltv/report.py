"""What are customers worth? What they brought so far, and what they are expected to bring."""

from __future__ import annotations

from datetime import UTC, date
from math import log
from typing import Any

import msgspec

from tillwise_analytics.reports.ltv import chart, history, rows
from tillwise_analytics.reports.ltv.columns import OFFERED, columns
from tillwise_analytics.reports.ltv.fetch import SQL, Found, day, extent, find
from tillwise_analytics.reports.ltv.history import Point
from tillwise_analytics.reports.ltv.notes import empty, notes
from tillwise_analytics.reports.ltv.params import UNIT_DAYS, LtvParams
from tillwise_analytics.reports.ltv.terms import SEGMENTS
from tillwise_analytics.reports.ltv.worth import Worth, worth
from tillwise_analytics.reports.periods import DAY, Period
from tillwise_analytics.reports.report import Context, Report
from tillwise_common.contracts.reports import ReportAnswer
from tillwise_common.money import exponent


async def run(context: Context, params: LtvParams) -> ReportAnswer:
    """The answer. Raises InvalidParameters for what does not go together."""
    today = context.now.date()
    params.check(today)
    params = msgspec.structs.replace(params, horizon=params.outlook().horizon)
    known = await extent(context.connection, context.store.id, params.basis == "gross", today)
    if known is None:
        return _empty(context, params, today)
    found = await find(context, params, known)
    until = day(found.told.model.fit_until)
    costs = await context.connection.fetchrow(SQL.margin, context.store.id, until)
    value = worth(params.margin, costs["sales"], costs["cost"])
    points = await _history(context, params) if params.level == "cohort" else []
    return context.answer(
        "ltv",
        msgspec.structs.replace(params, fit_until=until),
        Period(params.from_ or known.first, params.to or until),
        columns=columns(params, context.store.currency),
        rows=_rows(params, found, value, points),
        totals=rows.totals(found.told.groups, value),
        charts=_charts(context, params, found, value, points),
        notes=notes(params, found, value),
        model=_model(context, params, found),
    )


def _empty(context: Context, params: LtvParams, today: date) -> ReportAnswer:
    last = params.fit_until or today - DAY
    nothing = msgspec.structs.replace(params, fit_until=last)
    return context.answer(
        "ltv", nothing, Period(params.from_ or last, params.to or last), columns=columns(params, context.store.currency), rows=[],
        totals=rows.totals([], Worth(params.margin, params.margin is not None)), charts=[], notes=empty(), model=_no_model(params),
    )  # fmt: skip


async def _history(context: Context, params: LtvParams) -> list[Point]:
    """What cohorts brought until the day of the fit; where none was asked for, so far: their sums are up to date."""
    cells = await history.fetch(context.connection, context.store.id, params.basis, params.fit_until)
    over = params.fit_until or context.now.date() - DAY
    until = params.fit_until or max((cell.month for cell in cells), default=over)
    # Cohorts are whole months: one that the period cuts is shown as a whole.
    first, last = params.from_ or date.min, params.to or date.max
    return [point for point in history.curves(cells, until, over) if first.replace(day=1) <= point.cohort <= last]


def _rows(params: LtvParams, found: Found, value: Worth, points: list[Point]) -> list[list[Any]]:
    if params.level == "customer":
        return rows.of_customers(found.told.customers, value)
    if params.level == "segment" and found.told.model.purchases is None:
        return []
    if params.by_month:
        return rows.of_months(points, value, params.acquisition_cost)
    paid = None
    if params.acquisition_cost is not None:
        paid = history.payback(points, params.acquisition_cost, lambda point: value.so_far(point.sales, point.margin))
    return rows.of_groups(found.told.groups, params.level, value, paid)


def _charts(context: Context, params: LtvParams, found: Found, value: Worth, points: list[Point]) -> list[dict[str, Any]]:
    decimals, shown = exponent(context.store.currency), []
    if points:
        shown.append(chart.cohorts(points, value, decimals, params.acquisition_cost))
    if params.level == "segment" and found.told.groups and found.told.model.purchases is not None:
        ordered = sorted(found.told.groups, key=lambda group: SEGMENTS.index(group.key))
        shown.append(chart.segments(ordered, value, decimals))
    return shown + chart.check(found.told.model)


def _model(context: Context, params: LtvParams, found: Found) -> dict[str, Any]:
    """The models in the asked time unit and in major units of the currency."""
    model, said = found.told.model, _no_model(params)
    said |= {
        "customers": model.customers,
        "returning_customers": model.returning,
        "fitted_at": None if found.fitted_at is None else found.fitted_at.astimezone(UTC).isoformat(timespec="seconds"),
        "data_from": None if model.first_day is None else day(model.first_day),
        "data_until": day(model.fit_until),
    }
    if model.purchases is not None:
        said |= _purchases(model.purchases, UNIT_DAYS[params.time_unit], model.repeats)
    if model.spend is not None:
        said |= _spend(model.spend, 10 ** exponent(context.store.currency))
    if model.holdout is not None:
        said["holdout"] = {name: model.holdout[name] for name in ("expected", "actual", "correlation")} | {
            "fitted_until": day(model.holdout["fitted_until"]), "until": day(model.holdout["until"])
        }  # fmt: skip
    return said


def _no_model(params: LtvParams) -> dict[str, Any]:
    said: dict[str, Any] = dict.fromkeys(("r", "alpha", "a", "b", "log_likelihood", "p", "q", "gamma", "spend_log_likelihood"))
    said |= {"customers": 0, "returning_customers": 0, "time_unit": params.time_unit}
    return said | dict.fromkeys(("fitted_at", "data_from", "data_until", "holdout"))


def _purchases(model: tuple[float, float, float, float, float, bool], unit: float, repeats: int) -> dict[str, float]:
    r, alpha, a, b, log_likelihood, _ = model
    return {"r": r, "alpha": alpha / unit, "a": a, "b": b, "log_likelihood": log_likelihood + repeats * log(unit)}


def _spend(model: tuple[float, float, float, float, int, bool], minor: int) -> dict[str, float]:
    p, q, gamma, log_likelihood, customers, _ = model
    return {"p": p, "q": q, "gamma": gamma / minor, "spend_log_likelihood": log_likelihood + customers * log(minor)}


REPORT = Report(
    name="ltv",
    title="Lifetime value",
    description="What customers brought so far and are expected to bring: by cohort, segment and customer, with a check of the model.",
    params=LtvParams,
    run=run,
    columns=OFFERED,
    needs=("customers",),
)

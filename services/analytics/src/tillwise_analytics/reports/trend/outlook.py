"""Looks at the history of what is shown: fetches it, has it studied beside the service, and puts what was found into rows."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

from tillwise_analytics.reports.periods import DAY, Period, midnight
from tillwise_analytics.reports.report import Context
from tillwise_analytics.reports.trend import maths
from tillwise_analytics.reports.trend.fetch import Fetcher
from tillwise_analytics.reports.trend.maths import NOTHING, Start
from tillwise_analytics.reports.trend.opening import Opening, opening
from tillwise_analytics.reports.trend.params import TrendParams
from tillwise_analytics.reports.trend.plan import Plan
from tillwise_analytics.reports.trend.rows import label
from tillwise_analytics.reports.trend.slots import Line, following, history_begin, line, slot
from tillwise_analytics.reports.trend.study import Studied, Wanted, study
from tillwise_common.contracts.groups import group_name


class Outlook(NamedTuple):
    """What was found of each group, and where it lies: by slot of a bucket as answers write it."""

    params: TrendParams
    by_group: dict[str | None, Studied]
    hours: dict[str | None, Opening]
    # The buckets that are forecast, the first being the one that is not over.
    ahead: list[Start]
    # The last bucket that is over, and the slots of all buckets.
    last: Start
    slots: dict[str, int]
    labels: dict[Start, str]

    @property
    def last_label(self) -> str:
        """The day of the last bucket that is over."""
        return (self.last.date() if isinstance(self.last, datetime) else self.last).isoformat()

    @property
    def has_forecast(self) -> bool:
        return any(studied.forecast for studied in self.by_group.values())


async def outlook(context: Context, plan: Plan, fetcher: Fetcher, groups: list[str | None], told_apart: list[str] | None) -> Outlook | None:
    """What history tells of each group; None when nothing of it was asked for."""
    params = plan.params
    if not (params.forecast or params.anomalies or params.trend_test):
        return None
    next_one, last = _now(context, plan)
    ahead = list(islice(_from(next_one, context, params), params.forecast or 0))
    end = slot(next_one, params.granularity, context.zone)
    lines = await _lines(context, plan, fetcher, groups, told_apart, end, last)
    steps = slot(ahead[-1], params.granularity, context.zone) - end + 1 if ahead else 0
    wanted = Wanted(
        params.granularity, params.metric not in ("sales", "average_order"), params.metric == "average_order", steps,
        params.interval / 100, params.anomalies, params.trend_test, slot(_first_whole(plan), params.granularity, context.zone),
    )  # fmt: skip
    # Nothing to compute: the process that computes need not start.
    known = any(found.values for found, _ in lines)
    found = await context.calculate(study, lines, wanted) if known else study(lines, wanted)
    buckets = [*plan.buckets, *ahead]
    labels = {bucket: label(context, bucket) for bucket in buckets}
    slots = {labels[bucket]: slot(bucket, params.granularity, context.zone) for bucket in buckets}
    return Outlook(
        params,
        dict(zip(groups, found, strict=True)),
        dict(zip(groups, (hours for _, hours in lines), strict=True)),
        ahead,
        last,
        slots,
        labels,
    )


def with_outlook(rows: list[list[Any]], found: Outlook, groups: list[str | None], buckets: list[Start]) -> list[list[Any]]:
    """The rows with what was found of them, and those of the buckets that are forecast before and after `buckets`, the question's."""
    params, names = found.params, {group_name(group): group for group in groups}
    width = 2 if params.by else 1
    told = []
    for row in rows:
        group = names[row[1]] if params.by else ""
        told.append([*row, *_cells(found, group, row[0], partial=row[width + 1], value=row[width])])
    if not rows or not found.has_forecast:
        return told
    blank: list[Any] = [None] * (len(rows[0]) - width - 2)
    if params.moving_average:
        blank[_window_place(params)] = 0
    earlier, later = [], []
    for bucket in found.ahead:
        shown = found.labels[bucket]
        heads = [[shown, *([group_name(group)] if params.by else []), None, True] for group in groups]
        added = [[*head, *blank, *_cells(found, group, shown, partial=True, value=None)] for head, group in zip(heads, groups, strict=True)]
        earlier += added if _after(buckets[0], bucket) else []
        later += added if _after(bucket, buckets[-1]) else []
    return [*earlier, *told, *later]


def rounded(params: TrendParams, value: float | None) -> float | int | None:
    """As a column of the metric holds what is no sum: money in whole minor units, a number of things with its fraction."""
    if value is None:
        return None
    return round(value) if params.metric in ("sales", "average_order") else value


def _after(bucket: Start, last: Start) -> bool:
    """Whether a bucket lies after another of its kind."""
    return bucket > last


def _window_place(params: TrendParams) -> int:
    return (3 if params.compare else 0) + 1


def _cells(found: Outlook, group: str | None, shown: str, *, partial: bool, value: int | None) -> list[Any]:
    params, studied, place = found.params, found.by_group[group], found.slots[shown]
    cells: list[Any] = []
    if params.forecast:
        one = studied.ahead.get(place) if partial else None
        cells += [rounded(params, one and one.expected), rounded(params, one and one.lower), rounded(params, one and one.upper)]
    if params.anomalies:
        judged = None if partial or value is None else (studied.judged or {}).get(place)
        cells += [rounded(params, judged and judged.expected), judged and judged.unusual, judged and round(judged.score, 2)]
    return cells


def _now(context: Context, plan: Plan) -> tuple[Start, Start]:
    """The first bucket that is not over when the question's period ends or now, and the last one that is."""
    granularity, week_start, today = plan.params.granularity, context.store.week_start, context.now.date()
    if granularity == "hour":
        end = maths.hour_begin(context.now, context.zone) if plan.last >= today else midnight(plan.last + DAY, context.zone)
        return end, maths.hour_begin(end - timedelta(minutes=1), context.zone).astimezone(context.zone)
    day = min(today, plan.last + DAY)
    begun = maths.begin(day, granularity, week_start)
    return begun, maths.begin(begun - DAY, granularity, week_start)


def _from(bucket: Start, context: Context, params: TrendParams) -> Any:
    while True:
        yield bucket
        bucket = following(bucket, params.granularity, context.zone)


def _first_whole(plan: Plan) -> Start:
    """The first bucket of the question that it does not cut."""
    first = plan.buckets[0]
    cut = not isinstance(first, datetime) and first < plan.first
    return maths.following(first, plan.params.granularity) if cut and not isinstance(first, datetime) else first


async def _lines(
    context: Context, plan: Plan, fetcher: Fetcher, groups: list[str | None], told_apart: list[str] | None, end: int, last: Start
) -> list[tuple[Line, Opening]]:
    """The history of each group up to the slot `end`, with when it is open."""
    params, zone = plan.params, context.zone
    opened = await fetcher.first_order()
    last_day = last.astimezone(zone).date() if isinstance(last, datetime) else maths.following(last, params.granularity) - DAY
    first = _begin(context, plan, opened, last_day)
    if first is None or first > last_day:
        return [(Line(end, []), Opening()) for _ in groups]
    cells = await fetcher.cells(Period(first, last_day), told_apart)
    buckets: list[Start] = (
        list(maths.hour_buckets(first, last_day, zone))
        if params.granularity == "hour"
        else list(maths.day_buckets(first, last_day, params.granularity, context.store.week_start))
    )
    places = [slot(bucket, params.granularity, zone) for bucket in buckets]

    def history(metric: str, group: str | None) -> Line:
        values = [maths.value(metric, cells.get((bucket, group), NOTHING)) for bucket in buckets]
        return line(zip(places, values, strict=True), places[0], end)

    # Where there is no average order, nothing was sold.
    activity = "orders" if params.metric == "average_order" else params.metric
    return [(history(params.metric, group), opening(history(activity, group), params.granularity)) for group in groups]


def _begin(context: Context, plan: Plan, opened: datetime | None, last_day: date) -> date | None:
    """The first day of the history: before the period, but not before the store had opened for a whole bucket."""
    if opened is None:
        return None
    granularity, week_start = plan.params.granularity, context.store.week_start
    first = min(plan.first, history_begin(maths.begin(last_day, granularity, week_start), granularity))
    day = opened.astimezone(context.zone).date()
    begun = maths.begin(day, granularity, week_start)
    return max(maths.begin(first, granularity, week_start), begun if begun == day else maths.following(begun, granularity))

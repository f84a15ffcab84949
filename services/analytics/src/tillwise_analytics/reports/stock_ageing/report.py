"""How old is what lies in stock? Units and value by age, and what does not sell any more."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, NamedTuple

from tillwise_analytics.reports.figures import money
from tillwise_analytics.reports.periods import not_after
from tillwise_analytics.reports.report import Context, Report
from tillwise_analytics.reports.stock_ageing import maths
from tillwise_analytics.reports.stock_ageing.chart import charts
from tillwise_analytics.reports.stock_ageing.columns import OFFERED, columns, names
from tillwise_analytics.reports.stock_ageing.maths import Aged
from tillwise_analytics.reports.stock_ageing.notes import notes
from tillwise_analytics.reports.stock_ageing.params import StockAgeingParams
from tillwise_analytics.reports.stock_ageing.stock import Level, Stock, stock_of
from tillwise_common.contracts.reports import ReportAnswer
from tillwise_common.money import exponent


class Line(NamedTuple):
    """A product (or place) with what lies there, for how long nothing was sold, and whether it is dead."""

    level: Level
    aged: Aged
    idle: int | None
    dead: bool


async def run(context: Context, params: StockAgeingParams) -> ReportAnswer:
    """The answer. Raises InvalidParameters for buckets or a day that cannot be."""
    ends, day = params.ends(), _day(context, params)
    lines = _lines(context, await stock_of(context, params, day), params, day)
    totals, worth = _totals(lines, ends), sum(one.aged.value for one in lines)
    shown = _sorted(lines, params)[: params.limit]
    dead = sorted(((one.level.name or one.level.sku, one.aged.value) for one in lines if one.dead), key=lambda pair: -pair[1])
    answer = context.answer(
        "stock-ageing",
        params,
        None,
        columns=columns(params, context.store.currency),
        rows=[_row(one, params, worth) for one in shown],
        totals=totals,
        charts=charts(totals["buckets"], dead, exponent(context.store.currency)) if lines else [],
        notes=notes(params, day, totals, len(shown), replayed=day < context.now.date()),
    )
    answer.params["as_of"] = day.isoformat()
    return answer


def _day(context: Context, params: StockAgeingParams) -> date:
    today = context.now.date()
    not_after("as_of", params.as_of, today)
    return params.as_of or today


def _lines(context: Context, stock: Stock, params: StockAgeingParams, day: date) -> list[Line]:
    """Everything that lies there, is on its way, or is owed."""
    ends = params.ends()
    found = maths.aged(stock.piles, day, context.zone, ends)
    lines = []
    for level in stock.levels:
        aged = found.get((level.sku, level.location)) or maths.empty(ends)
        if aged.quantity or level.on_hand:
            idle = _idle(level, day)
            lines.append(Line(level, aged, idle, maths.is_dead(aged.quantity, idle, params.dead_after)))
    return lines


def _idle(level: Level, day: date) -> int | None:
    since = level.last_sale or level.since
    return None if since is None else max((day - since).days, 0)


def _sorted(lines: list[Line], params: StockAgeingParams) -> list[Line]:
    return sorted(lines, key=lambda one: (*_rank(one, params.sort), one.level.sku, one.level.location or ""))


def _rank(one: Line, sort: str) -> tuple[float, ...]:
    aged = one.aged
    match sort:
        case "quantity":
            return (-aged.quantity,)
        case "age":
            return (-(aged.average_age or -1.0),)
        case "oldest":
            return (float(aged.oldest.toordinal()) if aged.oldest else float("inf"),)
        case "dead":
            return (not one.dead, -aged.value)
        case "sku":
            return ()
    return (-aged.value, -aged.quantity)


def _row(one: Line, params: StockAgeingParams, whole: int) -> list[Any]:
    level, aged = one.level, one.aged
    figures = {
        "sku": level.sku, "name": level.name, "category": level.category, "location": level.location, "on_hand": level.on_hand,
        "in_transit": level.in_transit, "value": money(aged.value), "share": maths.share(aged.value, whole), "unknown": aged.unknown,
        "average_age": aged.average_age, "oldest": aged.oldest, "last_sale": level.last_sale, "idle_days": one.idle, "dead": one.dead,
    }  # fmt: skip
    return [*(figures[name] for name in names(params)), *aged.units, *map(money, aged.values)]


def _totals(lines: list[Line], ends: list[int]) -> dict[str, Any]:
    none = [0] * (len(ends) + 1)
    units = [sum(bucket) for bucket in zip(none, *(one.aged.units for one in lines), strict=True)]
    values = [sum(bucket) for bucket in zip(none, *(one.aged.values for one in lines), strict=True)]
    quantity, value, dead = sum(units), sum(values), [one for one in lines if one.dead]
    buckets = zip(maths.labels(ends), units, values, strict=True)
    return {
        "rows": len(lines),
        "on_hand": sum(one.level.on_hand for one in lines),
        "quantity": quantity,
        "value": money(value),
        "unknown": sum(one.aged.unknown for one in lines),
        "average_age": sum(one.aged.age_sum for one in lines) / quantity if quantity else None,
        "dead_products": len(dead),
        "dead_value": money(sum(one.aged.value for one in dead)),
        "below_zero": sum(one.level.on_hand < 0 for one in lines),
        "buckets": [_bucket(*bucket, value) for bucket in buckets],
    }


def _bucket(name: str, units: int, value: int, whole: int) -> dict[str, Any]:
    called = name.replace("over_", "over ").replace("_", " to ")
    return {"bucket": called, "units": units, "value": money(value), "share": maths.share(value, whole)}


def _as_of(params: StockAgeingParams, now: datetime) -> str:
    # What is dated ahead comes within the day; an earlier day is over.
    earlier = params.as_of is not None and params.as_of < now.date()
    return str(now.date()) if earlier else now.strftime("%Y-%m-%dT%H")


REPORT = Report(
    name="stock-ageing",
    title="Stock ageing",
    description="How old what lies in stock is, in units and value, and what does not sell any more.",
    params=StockAgeingParams,
    run=run,
    columns=OFFERED,
    needs=("stock",),
    as_of=_as_of,
)

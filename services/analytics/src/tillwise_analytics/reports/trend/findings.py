"""What was found in the history, in figures for `totals`, each with a sentence for people."""

from __future__ import annotations

from typing import Any

from tillwise_analytics.reports.report import Context
from tillwise_analytics.reports.trend import forecasting, mann_kendall
from tillwise_analytics.reports.trend.derived import ADDITIVE
from tillwise_analytics.reports.trend.outlook import Outlook, rounded
from tillwise_analytics.reports.trend.params import TrendParams
from tillwise_analytics.reports.trend.slots import date_of
from tillwise_analytics.reports.trend.study import Studied
from tillwise_common.clock import by_the_clock
from tillwise_common.contracts.groups import group_name, shown
from tillwise_common.money import format_minor

# As many as anybody reads.
MOST_ANOMALIES = 100
_WORDS = {"N": "none", "A": "additive", "M": "multiplicative", "Ad": "damped"}
_TITLES = {"average_order": "average order", "new_customers": "new customers"}
_ALPHA = 0.05


def findings(context: Context, found: Outlook, rows: list[list[Any]]) -> dict[str, Any]:
    """What `totals` says: of each group a list, without groups the thing itself."""
    params, told = found.params, {}
    if params.forecast:
        told["forecast"] = _each(found, lambda studied: forecast_of(context, found, studied))
    if params.anomalies:
        told["anomalies"] = _anomalies(context, params, rows)
    if params.trend_test:
        told["trend"] = _each(found, lambda studied: _trend(context, params, studied))
    return told


def _each(found: Outlook, tell: Any) -> Any:
    if not found.params.by:
        return tell(found.by_group[""])
    return [{"group": group_name(group)} | tell(studied) for group, studied in found.by_group.items()]


def forecast_of(context: Context, found: Outlook, studied: Studied) -> dict[str, Any]:
    """The model of one line and what it was fitted on; without one, how much it takes."""
    params, told = found.params, studied.forecast
    if told is None:
        return {"model": None, "buckets": studied.fitted_values, "needed": forecasting.LEAST}
    expected = [studied.ahead.get(found.slots[found.labels[bucket]]) for bucket in found.ahead]
    said = {
        "model": told.shape.name,
        "error": _WORDS[told.shape.error], "trend": _WORDS[told.shape.trend], "seasonal": _WORDS[told.shape.seasonal],
        "season": studied.season, "season_buckets": told.shape.period if studied.season else None,
        "aicc": None if told.aicc is None else round(told.aicc, 2), "models_tried": told.tried,
        "weights": {name: round(weight, 6) for name, weight in told.weights.items()},
        "interval": params.interval / 100,
        "fitted_from": _day(context, params, studied.fitted_since), "fitted_to": found.last_label,
        "buckets": studied.fitted_values, "filled": studied.filled,
    }  # fmt: skip
    if params.metric in ADDITIVE:
        said["sum"] = rounded(params, sum(one.expected for one in expected if one))
    return said


def _anomalies(context: Context, params: TrendParams, rows: list[list[Any]]) -> list[dict[str, Any]]:
    """The most unusual values, in the order of the rows."""
    value = 2 if params.by else 1
    marked = [row for row in rows if row[-2]]
    worst = sorted(marked, key=lambda row: -abs(row[-1]))[:MOST_ANOMALIES]
    kept = {id(row) for row in worst}
    found = []
    for row in marked:
        if id(row) not in kept:
            continue
        group = {"group": row[1]} if params.by else {}
        reason = _reason(context, params, row[0], row[1] if params.by else None, row[value], row[-3], row[-1])
        found.append({"bucket": row[0], **group, "value": row[value], "expected": row[-3], "score": row[-1], "reason": reason})
    return found


def _reason(context: Context, params: TrendParams, bucket: str, group: str | None, value: int, expected: float, score: float) -> str:
    of = f" of {shown(group)}" if group is not None else ""
    when = by_the_clock(bucket, context.zone) if params.granularity == "hour" else bucket
    metric = _TITLES.get(params.metric, params.metric)
    usual, actual = _amount(context, params, expected), _amount(context, params, value)
    direction = "above" if score > 0 else "below"
    return f"{when}: {metric}{of} {actual} where about {usual} was to be expected, {abs(score):.1f} usual spreads {direction}."


def _trend(context: Context, params: TrendParams, studied: Studied) -> dict[str, Any]:
    told = studied.trend
    if told is None:
        return {"direction": None, "buckets": studied.trend_values, "needed": mann_kendall.LEAST}
    direction = "none" if told.p >= _ALPHA else "rising" if told.s > 0 else "falling"
    slope, per = _amount(context, params, told.slope, signed=True), params.granularity
    sure = f"p = {told.p:.3f}" if told.p >= 0.001 else "p < 0.001"
    sentence = {
        "rising": f"Rising by about {slope} a {per} ({sure}).",
        "falling": f"Falling by about {slope} a {per} ({sure}).",
        "none": f"No trend that chance would not explain ({sure}).",
    }[direction]
    return {
        "direction": direction, "sentence": sentence, "buckets": told.values, "season": told.season,
        "s": told.s, "variance": round(told.variance, 3), "tau": round(told.tau, 6), "z": round(told.z, 6), "p": told.p,
        "slope": told.slope, "slope_lower": told.lower, "slope_upper": told.upper, "confidence": mann_kendall.CONFIDENCE,
        "correction": told.correction,
    }  # fmt: skip


def _amount(context: Context, params: TrendParams, value: float, *, signed: bool = False) -> str:
    if params.metric not in ("sales", "average_order"):
        text = f"{value:,.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"
        return f"+{text}" if signed and value > 0 else text
    minor = format_minor(round(value), context.store.currency)
    sign, digits = ("-", minor[1:]) if minor.startswith("-") else ("+" if signed and value > 0 else "", minor)
    whole, point, cents = digits.partition(".")
    return f"{sign}{int(whole):,}{point}{cents} {context.store.currency}"


def _day(context: Context, params: TrendParams, place: int) -> str:
    return date_of(place, params.granularity, context.store.week_start).isoformat()

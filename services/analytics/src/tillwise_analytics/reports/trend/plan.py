"""The question, made definite: which days, and which buckets."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from tillwise_analytics.reports.parameters import InvalidParameters
from tillwise_analytics.reports.periods import DAY, asked
from tillwise_analytics.reports.report import Context
from tillwise_analytics.reports.trend import maths
from tillwise_analytics.reports.trend.derived import ADDITIVE
from tillwise_analytics.reports.trend.maths import Start
from tillwise_analytics.reports.trend.params import TrendParams

MOST_BUCKETS = 5_000
MOST_ROWS = 20_000
DEFAULT_DAYS = 30
# Each group's history is fetched and studied for itself, which takes up to seconds.
MOST_STUDIED = 10


class Plan(NamedTuple):
    """The question, made definite."""

    params: TrendParams
    first: date
    last: date
    buckets: list[Start]


def plan_of(context: Context, params: TrendParams) -> Plan:
    """The plan of a question. Raises InvalidParameters for one that cannot be answered."""
    _check(params)
    first, last, _ = asked(params.from_, params.to, context.now.date(), default=(DEFAULT_DAYS - 1) * DAY)
    if maths.count(first, last, params.granularity) > MOST_BUCKETS:
        detail = f"more than {MOST_BUCKETS:,} buckets: choose a shorter period or a coarser granularity"
        raise InvalidParameters([{"parameter": "granularity", "detail": detail}])
    buckets: list[Start] = (
        list(maths.hour_buckets(first, last, context.zone))
        if params.granularity == "hour"
        else list(maths.day_buckets(first, last, params.granularity, context.store.week_start))
    )
    return Plan(params, first, last, buckets)


def limit_rows(buckets: int, groups: int) -> None:
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


def _check(params: TrendParams) -> None:
    if params.compare == "same_weekdays" and params.granularity == "month":
        allowed = ["previous_period", "previous_year"]
        raise InvalidParameters([{"parameter": "compare", "detail": "months have no weekdays to match", "allowed": allowed}])
    if params.cumulative and params.metric not in ADDITIVE:
        detail = f"there is no running sum of {params.metric}: ask for it with one of these metrics"
        raise InvalidParameters([{"parameter": "cumulative", "detail": detail, "allowed": list(ADDITIVE)}])
    asked = {"forecast": params.forecast, "anomalies": params.anomalies, "trend_test": params.trend_test}
    if params.by and (studied := next((name for name, given in asked.items() if given), None)):
        if params.granularity == "hour":
            detail = f"the history of hours is not broken down: leave out {studied}, or choose a coarser granularity"
            raise InvalidParameters([{"parameter": studied, "detail": detail, "allowed": ["day", "week", "month"]}])
        if params.top > MOST_STUDIED:
            detail = f"with {studied} at most {MOST_STUDIED} groups are shown"
            raise InvalidParameters([{"parameter": "top", "detail": detail, "allowed": list(range(1, MOST_STUDIED + 1))}])

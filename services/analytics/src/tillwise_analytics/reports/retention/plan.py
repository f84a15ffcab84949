"""The question, made definite: which cohorts, how many periods, and from which sums they can be told."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

import msgspec

from tillwise_analytics.reports.parameters import InvalidParameters
from tillwise_analytics.reports.periods import DAY, Period, asked
from tillwise_analytics.reports.report import Context
from tillwise_analytics.reports.retention.params import RetentionParams
from tillwise_analytics.reports.retention.spans import ROLLING_DAYS, begin, cohorts, shift

MOST_ROWS = 20_000
# How many cohorts there are, and how many periods of them, where nothing else is said.
DEFAULT = {"day": 30, "week": 12, "month": 12}


class Plan(NamedTuple):
    """The question, made definite. `period` lasts from the first day of the first cohort on."""

    params: RetentionParams
    period: Period
    cohorts: list[date]
    periods: int
    # The day on which periods are over or not, and until which customers wait.
    today: date
    last_order: date | None

    @property
    def rolling_days(self) -> int | None:
        """How many days a period has that is counted from the customer's own first day."""
        return ROLLING_DAYS[self.params.period] if self.params.mode == "rolling" else None

    @property
    def last_day(self) -> date:
        """The last day of the last cohort."""
        return shift(self.cohorts[-1], self.params.period, 1) - DAY

    @property
    def dim(self) -> str | None:
        """The one dimension in which customers are told apart or chosen, "all" without any; None for more than one."""
        dims = {*self.params.filters(), *([self.params.by] if self.params.by else [])}
        return None if len(dims) > 1 else next(iter(dims), "all")

    @property
    def is_kept(self) -> bool:
        """Whether cohort_cells has the answer."""
        params = self.params
        usual = params.cohort == "first" and params.mode != "rolling" and params.period != "day" and params.min_orders == 1
        return usual and self.dim is not None


def plan_of(context: Context, params: RetentionParams, last_order: date | None) -> Plan:
    """The plan of a question. Raises InvalidParameters for one that cannot be answered."""
    _check(params)
    today, week_start = _as_of(params, context.now.date(), last_order), context.store.week_start
    period = _one_cohort(params, week_start) if params.customers_of else _period(params, today, week_start)
    starts = cohorts(period.first, period.last, params.period, week_start)
    periods = params.periods or DEFAULT[params.period]
    if len(starts) * periods > MOST_ROWS:
        _too_many("periods", f"{len(starts):,} cohorts of {periods:,} periods", "a shorter time from..to, fewer periods or longer ones")
    definite = msgspec.structs.replace(params, periods=periods, as_of=today)
    if params.customers_of:
        definite = msgspec.structs.replace(definite, customers_of=starts[0], offset=params.offset or 0)
    return Plan(definite, period, starts, periods, today, last_order)


def limit_rows(plan: Plan, told: Iterable[tuple[date, str | None]]) -> None:
    """Refuse an answer that nobody could read; `told` are the cohorts and groups that it would be of."""
    rows = sum(min(plan.periods, _begun(plan, cohort)) for cohort, _ in told)
    if rows > MOST_ROWS:
        _too_many("top", f"{rows:,} cells", "fewer groups, cohorts or periods")


def _begun(plan: Plan, cohort: date) -> int:
    """About how many periods of a cohort have begun."""
    return max((plan.today - cohort).days, 0) // {"day": 1, "week": 7, "month": 28}[plan.params.period] + 1


def _as_of(params: RetentionParams, today: date, last_order: date | None) -> date:
    """The day asked for; not before the last order, since nothing that happened is forgotten, and not after today."""
    first = min(last_order or today, today)
    if params.as_of is not None and not first <= params.as_of <= today:
        detail = f"must lie between the last order, or today without any ({first}), and today ({today})"
        raise InvalidParameters([{"parameter": "as_of", "detail": detail}])
    return params.as_of or today


def _period(params: RetentionParams, today: date, week_start: str) -> Period:
    """From the beginning of the first cohort to the end of the last one, or to today where that has not ended."""
    end = params.to or max(today, params.from_ or today)
    first_of_last = begin(end, params.period, week_start)
    default = end - shift(first_of_last, params.period, 1 - DEFAULT[params.period])
    period = asked(params.from_, params.to, today, default=default)
    ends = shift(first_of_last, params.period, 1) - DAY
    return Period(begin(period.first, params.period, week_start), max(period.last, min(ends, today)))


def _one_cohort(params: RetentionParams, week_start: str) -> Period:
    start = begin(params.customers_of or date.min, params.period, week_start)
    return Period(start, shift(start, params.period, 1) - DAY)


def _check(params: RetentionParams) -> None:
    if params.offset is not None and params.customers_of is None:
        detail = "names a cell whose customers are listed: say of which cohort with customers_of"
        raise InvalidParameters([{"parameter": "offset", "detail": detail}])
    if params.by and params.customers_of:
        detail = "customers are listed of one cell: choose a group of it with the filter of this name"
        raise InvalidParameters([{"parameter": "by", "detail": detail}])


def _too_many(parameter: str, what: str, instead: str) -> None:
    detail = f"{what} are more than the {MOST_ROWS:,} rows that an answer may have: ask for {instead}"
    raise InvalidParameters([{"parameter": parameter, "detail": detail}])

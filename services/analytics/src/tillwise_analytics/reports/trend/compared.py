"""What a question is compared with, like for like: a bucket that still runs with as much of another as it has run itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from tillwise_analytics.reports.periods import DAY, Period
from tillwise_analytics.reports.report import Context
from tillwise_analytics.reports.trend import maths
from tillwise_analytics.reports.trend.maths import Start
from tillwise_analytics.reports.trend.plan import Plan


class Compared(NamedTuple):
    """The period compared with; `shift` leads from a day of the question to one of it."""

    shift: maths.Shift
    whole: Period
    # As far as the question's own period has come; None when it has not begun.
    so_far: Period | None
    # The bucket that now lies in, and what it is compared with.
    running: Start | None = None
    stretch: Period | None = None


def compared(context: Context, plan: Plan) -> Compared | None:
    """What `plan` is compared with; None when nothing was asked for."""
    params, today = plan.params, context.now.date()
    if not params.compare:
        return None
    shift = maths.shifter(params.compare, params.granularity, plan.first, plan.last, context.store.week_start)
    whole = Period(shift(plan.first), shift(plan.last))
    if today > plan.last:
        return Compared(shift, whole, whole)
    if today < plan.first:
        return Compared(shift, whole, None)
    stretch = _stretch(context, plan, shift)
    running = max(bucket for bucket in plan.buckets if maths.starts(bucket, context.zone) <= context.now)
    return Compared(shift, whole, Period(whole.first, stretch.last, stretch.until), running, stretch)


def _stretch(context: Context, plan: Plan, shift: maths.Shift) -> Period:
    """As much of the bucket compared with as the running one has run, by the store's clock; at most all of it."""
    granularity, week_start = plan.params.granularity, context.store.week_start
    today = context.now.date()
    # A bucket that began before the period is compared from the period's first day on.
    own = max(maths.begin(today, granularity, week_start), plan.first)
    first = shift(own)
    last, end = first + (today - own), maths.following(maths.begin(first, granularity, week_start), granularity)
    if last >= end:
        return Period(first, end - DAY)
    return Period(first, last, _at(last, context.now))


def _at(day: date, now: datetime) -> datetime:
    """The instant at which the clock shows on `day` what it shows now, in whole minutes."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=now.tzinfo, fold=now.fold)
    return (midnight + timedelta(hours=now.hour, minutes=now.minute)).astimezone(UTC)

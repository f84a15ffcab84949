"""What a line's history tells: its future, what in it is unusual, and whether it rises. No I/O; runs in the calculator's process."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from tillwise_analytics.reports.trend import mann_kendall, unusual
from tillwise_analytics.reports.trend.forecasting import Ahead, Forecast, forecast
from tillwise_analytics.reports.trend.mann_kendall import Trend
from tillwise_analytics.reports.trend.opening import Opening, seasons
from tillwise_analytics.reports.trend.slots import HISTORY, Line
from tillwise_analytics.reports.trend.unusual import Judged

# In buckets.
LONGEST_HOLIDAY = 14


class Wanted(NamedTuple):
    """What is asked of a history. `counts`: values are numbers of things. `ratio`: where nothing is sold there is no value.

    `ahead` is how many slots to forecast, the first right after the line's end; `since` is the slot with which the question's
    own period begins.
    """

    granularity: str
    counts: bool
    ratio: bool
    ahead: int
    interval: float
    anomalies: bool
    trend: bool
    since: int


class Studied(NamedTuple):
    """What was found; None where it was not asked for, or where there are too few values.

    `ahead` lies by slot, None where there is no value. `judged` lies by slot, too.
    """

    forecast: Forecast | None
    # The season of the chosen model, in slots of the clock.
    season: int | None
    ahead: dict[int, Ahead | None]
    fitted_since: int
    fitted_values: int
    # How many of them were 0 for once, and were taken for what was to be expected.
    filled: int
    judged: dict[int, Judged] | None
    trend: Trend | None
    trend_values: int


def get_ready() -> None:
    """Import what takes long, in the calculator's process."""
    import scipy.stats  # noqa: F401
    import statsmodels.tsa.exponential_smoothing.ets  # noqa: F401


def study(lines: list[tuple[Line, Opening]], wanted: Wanted) -> list[Studied]:
    """One finding for each line, with when it is open."""
    return [_study(line, hours, wanted) for line, hours in lines]


def _study(line: Line, hours: Opening, wanted: Wanted) -> Studied:
    lengths = seasons(wanted.granularity, hours)
    recent = line.since(line.end - HISTORY[wanted.granularity])
    fitted = _open(recent, hours)
    filled = without_gaps(fitted, lengths, counts=wanted.counts) if wanted.ahead else fitted
    told = _forecast(filled, line.end, hours, lengths, wanted) if wanted.ahead else None
    held = _open(line, hours)
    judgement = None
    if (wanted.anomalies or wanted.trend) and len(held) >= unusual.LEAST:
        judgement = unusual.judge(list(held.values()), list(held), lengths, counts=wanted.counts)
    own = {slot: value for slot, value in held.items() if slot >= wanted.since}
    tested = wanted.trend and judgement and len(own) >= mann_kendall.LEAST
    return Studied(
        forecast=told,
        season=next((season for season, period in lengths.items() if told and period == told.shape.period), None),
        ahead=_placed(line.end, hours, wanted, told) if told else {},
        fitted_since=recent.first,
        fitted_values=len(fitted),
        filled=sum(fitted[slot] != filled[slot] for slot in fitted),
        judged=dict(zip(held, judgement.judged, strict=True)) if judgement and wanted.anomalies else None,
        trend=mann_kendall.test(list(own.values()), list(own), judgement.season) if tested and judgement else None,
        trend_values=len(own),
    )


def without_gaps(values: dict[int, float], lengths: dict[int, int], *, counts: bool) -> dict[int, float]:
    """The values as if the shop had not been closed for once.

    A holiday without any sale says nothing of the days after it, but would pull a forecast down for weeks. More than
    LONGEST_HOLIDAY in a row is no holiday.
    """
    if len(values) < unusual.LEAST or all(values.values()):
        return values
    judged = unusual.judge(list(values.values()), list(values), lengths, counts=counts).judged
    gaps = [not value and one.score < -unusual.THRESHOLD for value, one in zip(values.values(), judged, strict=True)]
    filled, place = dict(values), 0
    for gap, run in groupby(gaps):
        length = len(list(run))
        if gap and length <= LONGEST_HOLIDAY:
            filled |= {slot: one.expected for slot, one in zip(list(values)[place : place + length], judged[place:], strict=False)}
        place += length
    return filled


def _open(line: Line, hours: Opening) -> dict[int, float]:
    return {slot: value for slot, value in enumerate(line.values, line.first) if hours.is_open(slot)}


def _forecast(fitted: dict[int, float], first: int, hours: Opening, lengths: dict[int, int], wanted: Wanted) -> Forecast | None:
    steps = sum(hours.is_open(slot) for slot in range(first, first + wanted.ahead))
    return forecast(list(fitted.values()), list(lengths.values()), steps, wanted.interval)


def _placed(first: int, hours: Opening, wanted: Wanted, told: Forecast) -> dict[int, Ahead | None]:
    """The forecast by slot; where the shop is closed nothing is sold."""
    steps, closed = iter(told.ahead), None if wanted.ratio else Ahead(0.0, 0.0, 0.0)
    return {slot: next(steps) if hours.is_open(slot) else closed for slot in range(first, first + wanted.ahead)}

"""What forecasts, anomalies and trends mean, and what could not be told and why, in words."""

from __future__ import annotations

from tillwise_analytics.reports.report import Context
from tillwise_analytics.reports.trend import forecasting, mann_kendall, unusual
from tillwise_analytics.reports.trend.findings import MOST_ANOMALIES, forecast_of
from tillwise_analytics.reports.trend.outlook import Outlook
from tillwise_analytics.reports.trend.params import TrendParams
from tillwise_analytics.reports.trend.slots import SEASONS
from tillwise_common.contracts.groups import group_name, shown

_WEEKDAYS = ("Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays")


def outlook_notes(context: Context, found: Outlook, anomalies: int) -> list[str]:
    """The definitions behind it, and what could not be told and why."""
    params, said = found.params, []
    if params.forecast:
        said += _forecast_notes(context, found)
    if params.anomalies:
        said += _anomaly_notes(params, found, anomalies)
    if params.trend_test:
        said += [_trend_note(params, found)]
    closed = sorted({day for hours in found.hours.values() for day in hours.closed_days}) if not params.by else []
    if closed:
        days = " and ".join(_WEEKDAYS[day] for day in closed)
        said.append(f"Nothing was ever sold on {days}: the shop is taken to be closed then, and such days are no data.")
    return said


def _forecast_notes(context: Context, found: Outlook) -> list[str]:
    params, per = found.params, found.params.granularity
    short = [group for group, studied in found.by_group.items() if studied.forecast is None]
    said = []
    if found.has_forecast:
        said.append(
            f"The forecast begins with the first {per} that is not over: such rows are partial, and their value is empty or what there is "
            f"so far. Of 100 futures {params.interval} lie between lower and upper, if all goes on as it did."
        )
        said.append(_model(context, found))
    if short and not params.by:
        there = found.by_group[""].fitted_values
        said.append(
            f"No forecast: it takes {forecasting.LEAST} whole {per}s since the first sale, and there are {there}. A season of "
            f"{' or '.join(str(season) for season in SEASONS[per])} {per}s is looked for when it was seen {forecasting.TURNS} times."
        )
    elif short:
        names = ", ".join(shown(group_name(group)) for group in short)
        said.append(f"No forecast of {names}: it takes {forecasting.LEAST} whole {per}s since the first sale.")
    return said


def _model(context: Context, found: Outlook) -> str:
    params, per = found.params, found.params.granularity
    if params.by:
        return "Each group has a model of its own (totals.forecast): exponential smoothing, chosen by AICc."
    told = forecast_of(context, found, found.by_group[""])
    season = f"a season of {told['season']} {per}s" if told["season"] else "no season"
    trend = {"none": "no trend", "additive": "a steady trend", "damped": "a trend that fades"}[told["trend"]]
    span = f"fitted on {told['buckets']} whole {per}s from {told['fitted_from']} to {told['fitted_to']}"
    if told["aicc"] is None:
        return f"All values were the same, and so is the forecast; {span}."
    filled = f"{per.capitalize()}s on which nothing was sold for once ({told['filled']}) are taken for what was to be expected."
    gaps = f" {filled}" if told["filled"] else ""
    return (
        f"The model is exponential smoothing, {told['model']}, with {season} and {trend}, {span}; of {told['models_tried']} models it "
        f"has the least AICc ({told['aicc']:,.1f}).{gaps}"
    )


def _anomaly_notes(params: TrendParams, found: Outlook, anomalies: int) -> list[str]:
    per, groups = params.granularity, found.by_group.values()
    if not any(studied.judged for studied in groups):
        return [f"Nobody can say yet what is unusual: it takes {unusual.LEAST} whole {per}s since the first sale."]
    said = [
        "A value is an anomaly when it lies more than 3.5 usual spreads from what its trend and season let expect. Trend and season are "
        "medians over the history before it and here, the spread is the median absolute deviation (all on the scale of square roots): a "
        "spike does not hide itself."
    ]
    if anomalies > MOST_ANOMALIES:
        said.append(f"{anomalies} values are unusual; totals.anomalies lists the {MOST_ANOMALIES} most unusual ones.")
    return said


def _trend_note(params: TrendParams, found: Outlook) -> str:
    per = params.granularity
    if not any(studied.trend for studied in found.by_group.values()):
        return f"Whether there is a trend takes {mann_kendall.LEAST} whole {per}s of the period since the first sale."
    correction = {studied.trend.correction for studied in found.by_group.values() if studied.trend}
    seasons = sorted({studied.trend.season for studied in found.by_group.values() if studied.trend and studied.trend.season})
    how = f"season by season ({' and '.join(str(season) for season in seasons)} {per}s; Hirsch and Slack)" if seasons else "of all values"
    dependence = "corrected for values that depend on those before them" if correction - {None} else "values are taken to be independent"
    return (
        f"The trend is tested over the whole {per}s of the period, {how}: Mann-Kendall with ties, {dependence}; the slope is that of "
        f"Theil and Sen, a {per}, with its 95 % interval. It is told as rising or falling where p is less than 0.05."
    )

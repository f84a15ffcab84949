"""The trend's columns: those it may answer, for the catalogue, and those of one answer."""

from __future__ import annotations

from tillwise_analytics.reports.trend.params import TrendParams
from tillwise_common.contracts.reports import Column, ColumnType, OfferedColumn

_BUCKET: tuple[ColumnType, ...] = ("date", "datetime")
_VALUE: tuple[ColumnType, ...] = ("money", "count")
_MEAN: tuple[ColumnType, ...] = ("money", "number")

OFFERED = (
    OfferedColumn("bucket", _BUCKET, "When the bucket begins; a datetime for hours."),
    OfferedColumn("group", ("text",), 'The channel, country, category or SKU; "" for those without one, "others" for the rest.', "by"),
    OfferedColumn("value", _VALUE, "The metric's value; money for sales and the average order."),
    OfferedColumn("partial", ("boolean",), "Whether the bucket is cut by the period or has not ended yet."),
    OfferedColumn("comparison", _VALUE, "The value of the bucket compared with.", "compare"),
    OfferedColumn("comparison_bucket", _BUCKET, "When the bucket compared with begins.", "compare"),
    OfferedColumn("change", ("percent",), "By which part of the comparison the value exceeds it.", "compare"),
    OfferedColumn("moving_average", _MEAN, "The mean of the last whole buckets, not rounded.", "moving_average"),
    OfferedColumn("moving_average_window", ("count",), "Of how many buckets the mean is made.", "moving_average"),
    OfferedColumn("cumulative", _VALUE, "The sum from the first bucket shown on.", "cumulative"),
    OfferedColumn("growth", ("percent",), "By which part of the bucket before the value exceeds it.", "growth"),
    OfferedColumn("forecast", _MEAN, "What is expected of a bucket that is not over.", "forecast"),
    OfferedColumn("lower", _MEAN, "The value that the bucket is unlikely to fall below.", "forecast"),
    OfferedColumn("upper", _MEAN, "The value that the bucket is unlikely to exceed.", "forecast"),
    OfferedColumn("expected", _MEAN, "What was to be expected of a whole bucket, by its trend and season.", "anomalies"),
    OfferedColumn("anomaly", ("boolean",), "Whether the value is out of the ordinary; null where that is not known.", "anomalies"),
    OfferedColumn("anomaly_score", ("number",), "By how many usual spreads the value lies above what was expected.", "anomalies"),
    OfferedColumn("group_name", ("text",), "What the product is called.", "by"),
)


def columns(params: TrendParams, currency: str) -> list[Column]:
    """The columns of an answer, in order."""
    money = params.metric in ("sales", "average_order")
    bucket: ColumnType = "datetime" if params.granularity == "hour" else "date"
    value: tuple[ColumnType, str | None] = ("money", currency) if money else ("count", None)
    found = [Column("bucket", bucket)]
    if params.by:
        found.append(Column("group", "text"))
    found += [Column("value", *value), Column("partial", "boolean")]
    if params.compare:
        found += [Column("comparison", *value), Column("comparison_bucket", bucket), Column("change", "percent")]
    # Money like the value; a mean of counts is no count.
    mean: tuple[ColumnType, str | None] = value if money else ("number", None)
    if params.moving_average:
        found += [Column("moving_average", *mean), Column("moving_average_window", "count")]
    if params.cumulative:
        found.append(Column("cumulative", *value))
    if params.growth:
        found.append(Column("growth", "percent"))
    if params.forecast:
        found += [Column("forecast", *mean), Column("lower", *mean), Column("upper", *mean)]
    if params.anomalies:
        found += [Column("expected", *mean), Column("anomaly", "boolean"), Column("anomaly_score", "number")]
    if params.by == "product":
        found.append(Column("group_name", "text"))
    return found

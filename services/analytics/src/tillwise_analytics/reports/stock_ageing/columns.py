"""The columns of the report on the age of stock."""

from __future__ import annotations

from tillwise_analytics.reports.stock_ageing.maths import labels
from tillwise_analytics.reports.stock_ageing.params import StockAgeingParams
from tillwise_common.contracts.reports import Column, ColumnType, OfferedColumn

_COLUMNS: tuple[tuple[str, ColumnType, str | None, str], ...] = (
    ("sku", "text", None, "The product."),
    ("name", "text", None, "What it is called."),
    ("category", "text", None, "Its category: as described, else as its latest named line said."),
    ("location", "text", None, "The place; empty where none was given."),
    ("on_hand", "count", None, "Units there; below zero where more left than came."),
    ("in_transit", "count", None, "Units sent from one place to another that have not arrived; they have an age, too."),
    ("value", "money", None, "What lies there cost, first in first out, of units whose cost is known."),
    ("share", "percent", None, "Of the value of all."),
    ("unknown", "count", None, "Units whose cost nobody stated; they are in no value."),
    ("average_age", "duration", "days", "How old a unit is on average."),
    ("oldest", "date", None, "When the oldest unit came."),
    ("last_sale", "date", None, "When it was sold last: by movements or orders."),
    ("idle_days", "duration", "days", "Since the last sale, or since its stock is known where it never sold."),
    ("dead", "boolean", None, "Whether units lie there and nothing was sold for dead_after days."),
)
_OF_PLACES, _OF_PRODUCTS = {"location"}, {"in_transit"}
_DEFAULT = labels(StockAgeingParams().ends())
# As many as anybody may ask for cannot all be listed.
_OTHERS = "(The default; other buckets have columns named after them likewise.)"
OFFERED = (
    *(OfferedColumn(name, (kind,), about, "by" if name in _OF_PLACES else None, unit) for name, kind, unit, about in _COLUMNS),
    *(
        OfferedColumn(f"units_{one}", ("count",), f"Units, by age in days: {one.replace('_', ' ')}. {_OTHERS}", "buckets")
        for one in _DEFAULT
    ),
    *(OfferedColumn(f"value_{one}", ("money",), f"What they cost: {one.replace('_', ' ')}. {_OTHERS}", "buckets") for one in _DEFAULT),
)


def columns(params: StockAgeingParams, currency: str) -> list[Column]:
    """The columns of an answer, money in the store's currency."""
    fixed = [Column(name, kind, currency if kind == "money" else unit) for name, kind, unit, _ in _COLUMNS if name in names(params)]
    buckets = labels(params.ends())
    return [*fixed, *(Column(f"units_{one}", "count") for one in buckets), *(Column(f"value_{one}", "money", currency) for one in buckets)]


def names(params: StockAgeingParams) -> tuple[str, ...]:
    """The columns before the buckets, of an answer about places or products."""
    left_out = _OF_PRODUCTS if params.places() else _OF_PLACES
    return tuple(name for name, _, _, _ in _COLUMNS if name not in left_out)

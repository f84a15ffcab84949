"""The columns of the inventory report."""

from __future__ import annotations

from tillwise_common.contracts.reports import Column, ColumnType, OfferedColumn

_COLUMNS: tuple[tuple[str, ColumnType, str | None, str], ...] = (
    ("sku", "text", None, "The product."),
    ("name", "text", None, "What it is called."),
    ("category", "text", None, "Its category: as described, else as its latest named line said."),
    ("location", "text", None, "The place; empty where none was given."),
    ("status", "text", None, "in stock, runs out (within two weeks), out of stock, below zero, or not selling."),
    ("on_hand", "count", None, "Units there; below zero where more left than came."),
    ("in_transit", "count", None, "Units sent from one place to another that have not arrived."),
    ("unit_cost", "money", None, "The moving average cost of a unit, not rounded."),
    ("value", "money", None, "What it cost, first in first out, of units whose cost is known; in transit included."),
    ("value_average", "money", None, "The same at the moving average cost."),
    ("unknown", "count", None, "Units whose cost nobody stated; they are in no value."),
    ("sold", "count", None, "Units ordered in the period, or sold by movements where no order tells."),
    ("sold_per_day", "number", None, "Units sold per day in stock."),
    ("days_of_cover", "duration", "days", "How long the units on hand last at that rate."),
    ("stock_out_date", "date", None, "The day on which they are gone."),
    ("sell_through", "percent", None, "Units sold of units sold and units left."),
    ("turnover", "number", None, "How many times a year the stock is sold: cost of sales in a year, of the average stock."),
    ("gmroi", "number", None, "Margin in a year of the money that lies in stock."),
    ("days_out", "duration", "days", "How long nothing was there in the period."),
    ("lost_units", "number", None, "What would have been sold on these days."),
    ("lost_sales", "money", None, "The same at the average price of the period."),
    ("last_receipt", "date", None, "When goods came last."),
    ("last_sale", "date", None, "When it was sold last: by movements, else by orders."),
)
_OF_PLACES, _OF_PRODUCTS = {"location"}, {"in_transit", "gmroi"}
OFFERED = tuple(
    OfferedColumn(name, (kind,), description, "by" if name in _OF_PLACES else None, unit) for name, kind, unit, description in _COLUMNS
)


def columns(currency: str, *, places: bool) -> list[Column]:
    """The columns of an answer, money in the store's currency."""
    return [Column(name, kind, currency if kind == "money" else unit) for name, kind, unit, _ in _COLUMNS if name in names(places=places)]


def names(*, places: bool) -> tuple[str, ...]:
    """What an answer about places, or products, has."""
    left_out = _OF_PRODUCTS if places else _OF_PLACES
    return tuple(name for name, _, _, _ in _COLUMNS if name not in left_out)

"""The columns of the products report."""

from __future__ import annotations

from tillwise_common.contracts.reports import Column, ColumnType, OfferedColumn

_COLUMNS: tuple[tuple[str, ColumnType, str], ...] = (
    ("sku", "text", "The product."),
    ("name", "text", "What it is called."),
    ("category", "text", "Its category: as described, else as its latest named line said."),
    ("class", "text", "Both classes, such as AX; - where the variation is not known."),
    ("abc", "text", "A, B or C by value."),
    ("xyz", "text", "X, Y or Z by steadiness of demand."),
    ("sales", "money", "Sales of the period."),
    ("share", "percent", "Of all sales."),
    ("cumulative_share", "percent", "Of this product and all that sell more."),
    ("units", "count", "Units sold."),
    ("orders", "count", "Orders that contain it."),
    ("refunds", "money", "Refunds and returns."),
    ("refund_rate", "percent", "Refunds of net sales before them."),
    ("cost", "money", "Cost of goods, where it is known."),
    ("margin", "money", "Net sales whose cost is known, less that cost."),
    ("margin_rate", "percent", "The margin of those sales."),
    ("variation", "number", "Standard deviation of weekly units, divided by their mean."),
    ("first_sale", "date", "When it sold first, ever."),
    ("last_sale", "date", "When it sold last."),
)
OFFERED = tuple(OfferedColumn(name, (kind,), description) for name, kind, description in _COLUMNS)


def columns(currency: str) -> list[Column]:
    """The columns of an answer, money in the store's currency."""
    return [Column(name, kind, currency if kind == "money" else None) for name, kind, _ in _COLUMNS]

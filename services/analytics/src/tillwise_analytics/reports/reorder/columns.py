"""The columns of the reorder report."""

from __future__ import annotations

from tillwise_common.contracts.reports import Column, ColumnType, OfferedColumn

_Told = tuple[str, ColumnType, str | None, str]
_PRODUCTS: tuple[_Told, ...] = (
    ("sku", "text", None, "The product."),
    ("name", "text", None, "What it is called."),
    ("category", "text", None, "Its category."),
    ("supplier", "text", None, "Who delivers it: the product's attribute supplier."),
    ("urgency", "text", None, "out of stock, order now, order soon (within a week), enough, or no demand."),
    ("on_hand", "count", None, "Units there."),
    ("in_transit", "count", None, "Units on their way between places."),
    ("order", "count", None, "Units to order now."),
    ("cost", "money", None, "What they cost."),
    ("order_by", "date", None, "The day on which stock falls to the reorder point."),
    ("stock_out_date", "date", None, "The day on which it is gone, when nothing comes."),
    ("days_of_cover", "duration", "days", "How long the units on hand last."),
    ("demand_per_day", "number", None, "Units per day that are expected until the delivery."),
    ("demand_sd", "number", None, "Their standard deviation."),
    ("season", "percent", None, "Demand of the coming weeks, of that of the past ones, by season and trend; empty where not known."),
    ("pattern", "text", None, "How demand comes: smooth, erratic, intermittent or lumpy."),
    ("lead_time", "duration", "days", "From order to delivery."),
    ("reorder_point", "number", None, "Order when so many units are left."),
    ("safety_stock", "number", None, "The part of it that is for safety."),
    ("unit_cost", "money", None, "As stated for the product, else its moving average."),
)
_SUPPLIERS: tuple[_Told, ...] = (
    ("supplier", "text", None, "Who delivers; empty where the products do not say."),
    ("products", "count", None, "Its products."),
    ("due", "count", None, "Those to order now."),
    ("out_of_stock", "count", None, "Those that are out of stock."),
    ("order", "count", None, "Units to order now."),
    ("cost", "money", None, "What they cost, where it is known."),
    ("order_by", "date", None, "The first day on which one falls to its reorder point."),
    ("stock_out_date", "date", None, "The first day on which one is gone."),
)
_NAMES = {name for name, _, _, _ in _PRODUCTS}
OFFERED = (
    *(OfferedColumn(name, (kind,), said, None, unit) for name, kind, unit, said in _PRODUCTS),
    *(OfferedColumn(name, (kind,), said, "by", unit) for name, kind, unit, said in _SUPPLIERS if name not in _NAMES),
)


def columns(currency: str, *, suppliers: bool) -> list[Column]:
    """The columns of an answer, money in the store's currency."""
    told = _SUPPLIERS if suppliers else _PRODUCTS
    return [Column(name, kind, currency if kind == "money" else unit) for name, kind, unit, _ in told]

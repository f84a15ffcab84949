"""The columns of the retention report: those it may answer, for the catalogue, and those of one answer."""

from __future__ import annotations

from tillwise_analytics.reports.retention.params import RetentionParams
from tillwise_common.contracts.reports import Column, ColumnType, OfferedColumn

_VALUES: dict[str, ColumnType] = {"customers": "count", "revenue": "money", "margin": "money", "orders": "number"}

OFFERED = (
    OfferedColumn("cohort", ("date",), "When the cohort's period begins. (A list of customers has the last five columns alone.)"),
    OfferedColumn("group", ("text",), 'The channel, country or category of the first order; "" for none, "others" for the rest.', "by"),
    OfferedColumn("size", ("count",), "How many customers are in the cohort."),
    OfferedColumn("offset", ("count",), "How many periods after the cohort's own, which is 0."),
    OfferedColumn("value", ("count", "money", "number"), "Customers who came back, their revenue or margin, or orders per customer."),
    OfferedColumn("share", ("percent",), "Customers of the cohort's size; anything else of the value at offset 0."),
    OfferedColumn("complete", ("boolean",), "Whether the period is over for the whole cohort."),
    OfferedColumn("customer", ("text",), "The customer id.", "customers_of"),
    OfferedColumn("first_order", ("date",), "The day of the first order ever.", "customers_of"),
    OfferedColumn("last_order", ("date",), "The day of the last order so far.", "customers_of"),
    OfferedColumn("orders", ("count",), "Orders in the period of the cell.", "customers_of"),
    OfferedColumn("revenue", ("money",), "Revenue in the period of the cell.", "customers_of"),
)


def columns(params: RetentionParams, currency: str) -> list[Column]:
    """The columns of an answer with cells."""
    kind = _VALUES[params.measure]
    group = [Column("group", "text")] if params.by else []
    return [
        Column("cohort", "date"), *group, Column("size", "count"), Column("offset", "count"),
        Column("value", kind, currency if kind == "money" else None), Column("share", "percent"), Column("complete", "boolean"),
    ]  # fmt: skip


def customer_columns(currency: str) -> list[Column]:
    """The columns of a list of customers."""
    return [
        Column("customer", "text"), Column("first_order", "date"), Column("last_order", "date"), Column("orders", "count"),
        Column("revenue", "money", currency),
    ]  # fmt: skip

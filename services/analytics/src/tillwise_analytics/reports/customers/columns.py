"""The columns of the customers report."""

from __future__ import annotations

from typing import Any

from tillwise_common.contracts.reports import Column, ColumnType, OfferedColumn

_Columns = tuple[tuple[str, ColumnType, str], ...]
_SEGMENTS: _Columns = (
    ("segment", "text", "The segment: by default of the row, of a customer the one at as_of."),
    ("description", "text", "Whom it holds."),
    ("customers", "count", "How many customers."),
    ("share", "percent", "Of all customers; of a movement, of those who were in the same segment at since."),
    ("sales", "money", "What they spent until as_of."),
    ("sales_share", "percent", "Of what all customers spent."),
    ("orders", "count", "Their orders until as_of."),
    ("orders_per_customer", "number", "Orders divided by customers."),
    ("average_order", "money", "Sales divided by orders, not rounded."),
    ("sales_per_customer", "money", "Sales divided by customers, not rounded."),
    ("recency", "duration", "Days between the last order and as_of; of a segment, their mean."),
    ("margin", "money", "Net sales whose cost is known, less that cost; null where no cost was ever stated."),
)
_MOVEMENTS: _Columns = (
    ("from_segment", "text", "Where the customers were at since; not_yet: they had not bought yet."),
    ("to_segment", "text", "Where they are at as_of."),
    ("moved", "boolean", "Whether these differ."),
)
_CUSTOMERS: _Columns = (
    ("customer_id", "text", "The customer."),
    ("previous_segment", "text", "The segment at since; not_yet: the customer had not bought yet."),
    ("recency_score", "count", "5: among the fifth who bought last."),
    ("frequency_score", "count", "1: bought once; 5: among the quarter of the others who bought most often."),
    ("monetary_score", "count", "5: among the fifth who spent most."),
    ("last_order", "date", "Day of the last order."),
    ("first_order", "date", "Day of the first order."),
    ("channel", "text", "Sales channel of the first order."),
    ("country", "text", "Country of the first order."),
    ("category", "text", "Category on which most of the first order was spent."),
)
_ALL = {name: (kind, description) for name, kind, description in (*_SEGMENTS, *_MOVEMENTS, *_CUSTOMERS)}
_ADDED_BY = {name: "since" for name, _, _ in _MOVEMENTS} | {name: "level" for name, _, _ in _CUSTOMERS} | {"previous_segment": "since"}
OFFERED = tuple(OfferedColumn(name, (kind,), description, _ADDED_BY.get(name), "days" if kind == "duration" else None)
                for name, (kind, description) in _ALL.items())  # fmt: skip

OF_SEGMENT = tuple(name for name, _, _ in _SEGMENTS)
OF_MOVEMENT = ("from_segment", "to_segment", "moved", "customers", "share", "sales", "sales_share")
OF_CUSTOMER = (
    "customer_id", "segment", "recency_score", "frequency_score", "monetary_score", "last_order", "recency", "first_order", "orders",
    "sales", "average_order", "margin", "channel", "country", "category",
)  # fmt: skip
# Of a customer with a day to compare with.
OF_MOVED_CUSTOMER = (*OF_CUSTOMER[:2], "previous_segment", *OF_CUSTOMER[2:])


def columns(names: tuple[str, ...], currency: str) -> list[Column]:
    """The columns of an answer, money in the store's currency."""
    units: dict[ColumnType, Any] = {"money": currency, "duration": "days"}
    return [Column(name, _ALL[name][0], units.get(_ALL[name][0])) for name in names]

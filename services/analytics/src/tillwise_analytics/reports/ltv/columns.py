"""The columns of the report on lifetime value."""

from __future__ import annotations

from tillwise_analytics.reports.ltv.params import LtvParams
from tillwise_common.contracts.reports import Column, ColumnType, OfferedColumn

_Columns = tuple[tuple[str, ColumnType, str], ...]
_COHORT: _Columns = (("cohort", "date", "First day of the month in which its customers bought first."),)
_SEGMENT: _Columns = (("segment", "text", "Fifth of customers by the value of purchases to come: best, good, middle, low, lowest."),)
_CUSTOMER: _Columns = (
    ("customer", "text", "The customer."),
    ("segment", "text", "Fifth of customers by the value of purchases to come: best, good, middle, low, lowest."),
    ("first_purchase", "date", "Day of the first purchase."),
    ("last_purchase", "date", "Day of the last purchase."),
)
_CUSTOMERS: _Columns = (("customers", "count", "How many there are."),)
_SO_FAR: _Columns = (
    ("purchases", "count", "Days with orders, until the last day fitted."),
    ("sales", "money", "What they brought so far."),
    ("margin", "money", "Net sales so far whose cost is known, less that cost."),
)
_TO_COME: _Columns = (
    ("p_alive", "percent", "Probability that they will buy again at all; of several customers, the mean."),
    ("expected_purchases", "number", "Purchases expected within the horizon."),
)
_SPEND: _Columns = (("expected_spend", "money", "What a purchase to come is expected to bring, unrounded."),)
_VALUE: _Columns = (
    ("expected_sales", "money", "Sales expected within the horizon."),
    ("expected_value", "money", "Their contribution margin."),
    ("discounted_value", "money", "The same, discounted to the last day fitted."),
    ("value_so_far", "money", "Contribution margin so far."),
    ("lifetime_value", "money", "Value so far and discounted value together."),
)
_EACH: _Columns = (("value_per_customer", "money", "Lifetime value of one of them, unrounded."),)
_PAYBACK: _Columns = (
    ("payback_months", "count", "Months after the first (0: within it) until value so far had paid for winning them; null: not yet."),
)
_MONTHS: _Columns = (
    ("offset", "count", "Months since the cohort's month."),
    ("sales", "money", "What the cohort brought until then."),
    ("sales_per_customer", "money", "The same per customer, unrounded."),
    ("margin", "money", "Net sales whose cost is known, less that cost, until then."),
    ("value_per_customer", "money", "Contribution margin per customer until then, unrounded."),
    ("complete", "boolean", "The month is over."),
)
_PAID: _Columns = (("paid_back", "boolean", "That pays for winning them."),)

_OF_LEVEL: dict[str, _Columns] = {
    "store": (*_CUSTOMERS, *_SO_FAR, *_TO_COME, *_VALUE, *_EACH),
    "cohort": (*_COHORT, *_CUSTOMERS, *_SO_FAR, *_TO_COME, *_VALUE, *_EACH),
    "segment": (*_SEGMENT, *_CUSTOMERS, *_SO_FAR, *_TO_COME, *_VALUE, *_EACH),
    "customer": (*_CUSTOMER, *_SO_FAR, *_TO_COME, *_SPEND, *_VALUE),
}


def columns(params: LtvParams, currency: str) -> list[Column]:
    """The columns of an answer, money in the store's currency."""
    if params.by_month:
        wanted = (*_COHORT, *_CUSTOMERS, *_MONTHS, *(_PAID if params.acquisition_cost is not None else ()))
    else:
        wanted = (*_OF_LEVEL[params.level], *(_PAYBACK if params.acquisition_cost is not None else ()))
    return [Column(name, kind, currency if kind == "money" else None) for name, kind, _ in wanted]


def _offered() -> tuple[OfferedColumn, ...]:
    always = {name for name, _, _ in _OF_LEVEL["store"]}
    added: list[tuple[str, _Columns]] = [
        ("level", (*_COHORT, *_CUSTOMER, *_OF_LEVEL["store"], *_SPEND)), ("acquisition_cost", _PAYBACK), ("by_month", _MONTHS),
        ("acquisition_cost", _PAID),
    ]  # fmt: skip
    found: dict[str, OfferedColumn] = {}
    for parameter, described in added:
        for name, kind, description in described:
            found.setdefault(name, OfferedColumn(name, (kind,), description, None if name in always else parameter))
    return tuple(found.values())


OFFERED = _offered()

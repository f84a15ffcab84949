"""What the figures mean, in words."""

from __future__ import annotations

from datetime import date

from tillwise_analytics.reports.report import Context
from tillwise_analytics.reports.trend.params import TrendParams
from tillwise_analytics.reports.trend.rows import Before

_METRICS = {
    "sales": "Sales are quantity times unit price of order lines; shipping and tax are not part of them.",
    "orders": "An order counts on the day it was placed; a receipt with returns only is no order.",
    "units": "Units are quantities of order lines.",
    "average_order": "The average order is sales divided by orders, rounded to the minor unit.",
    "customers": "Customers are different customer ids with at least one order in the bucket; the total counts each once.",
    "new_customers": "A customer is new in the bucket that holds the customer's first order ever.",
}
_BASES = {
    "net": "Net: after discounts, returns and refunds; a refund counts on the day of the refund, a cancelled order nowhere.",
    "gross": "Gross: as placed, before discounts, returns, refunds and cancellations.",
}


def notes(params: TrendParams, first: date, last: date, *, empty: bool, span: tuple[date, date] | None) -> list[str]:
    """The definitions behind an answer; `span` says where there are data when the answer is empty."""
    found = [_METRICS[params.metric], _BASES[params.basis], "Buckets marked partial are cut by the period or have not ended yet."]
    if params.by in ("category", "product") and params.metric in ("orders", "average_order", "customers", "new_customers"):
        found.append(f"An order counts in each {params.by} that it contains, so the groups add up to more than the total.")
    if params.moving_average:
        found.append(
            f"The moving average is the mean of the last {params.moving_average} whole buckets, this one included; at the start it is "
            "made of fewer (moving_average_window). Partial buckets have none and enter none."
        )
    if params.cumulative:
        found.append("The cumulative value is the sum from the first bucket shown on.")
    if params.growth:
        found.append("Growth is the change against the bucket before; between parts of buckets and whole ones there is none.")
    if empty and span is None:
        found.insert(0, "This store has no data yet.")
    elif empty and span is not None:
        which = " with these filters" if any(value is not None for value in params.filters().values()) else ""
        found.insert(0, f"No sales{which} between {first} and {last}; this store has data from {span[0]} to {span[1]}.")
    return found


def comparison_notes(context: Context, params: TrendParams, before: Before) -> list[str]:
    """What is compared with what, where that is not the whole bucket."""
    found, compared = [], before.compared
    if params.compare == "same_weekdays" or (params.compare == "previous_year" and params.granularity == "week"):
        found.append("Compared with 52 weeks (364 days) before, so that weekdays match.")
    if compared.stretch and compared.stretch.until:
        until = compared.stretch.until.astimezone(context.zone)
        found.append(
            f"Like for like: the {params.granularity} that has not ended is compared with the same span, up to {until:%Y-%m-%d %H:%M}, "
            "and so is the total; what has not begun is compared with nothing."
        )
    elif compared.so_far is None:
        found.append("Nothing is compared yet: the period has not begun.")
    if before.first_order is None:
        found.append("There are no orders yet to compare with.")
    elif opened := before.opened_within(context):
        found.append(f"The store's first order was on {opened}: what lies wholly before it is no data, not 0.")
    return found

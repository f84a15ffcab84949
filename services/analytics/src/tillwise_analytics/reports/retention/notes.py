"""What the figures mean, in words."""

from __future__ import annotations

from datetime import date

from tillwise_analytics.reports.retention.params import RetentionParams
from tillwise_analytics.reports.retention.plan import Plan
from tillwise_analytics.reports.retention.spans import begin, shift

_COHORTS = {
    "first": "A customer is in the cohort of the {period} of the first order ever, also when that lies before all that is asked for.",
    "recurring": "A customer is in the cohort of every {period} with an order; a cohort of one {period} may hold those of another.",
}
_MODES = {
    "classic": "Classic: who ordered in the period counts in it, whatever happened before or after.",
    "on_or_after": "On or after: who ordered in the period or any later one counts. (Others call this rolling.) The figures of a period "
    "can rise for ever, those of young cohorts most: compare cohorts of the same age only.",
    "rolling": "Rolling: periods of {days} days are counted from the customer's own first day with an order in the cohort's {period}, so "
    "that no first period is cut short. (What others call rolling, day N or later, is mode=on_or_after.)",
}
_MEASURES = {
    "customers": "Value: customers who came back; share: of the cohort's size.",
    "revenue": "Value: revenue of the cohort in the period, what it got back included; share: of its revenue at offset 0.",
    "margin": "Value: net sales whose cost is known, less that cost, in both bases; share: of the margin at offset 0.",
    "orders": "Value: orders in the period per customer of the cohort; share: of the value at offset 0.",
}
_BASES = {
    "net": "Net: after discounts, returns and refunds; cancelled orders count nowhere, also not as a first order.",
    "gross": "Gross: as placed, before discounts, returns, refunds and cancellations.",
}


def notes(plan: Plan, *, empty: str | None, incomplete: bool, has_waiting: bool) -> list[str]:
    """The definitions behind an answer with cells; `empty` says why there are none."""
    params = plan.params
    found = [empty] if empty else []
    found += [*_counted(plan), _MEASURES[params.measure]]
    if incomplete:
        rises = " Complete cells can change too: whoever orders later has come back in all periods before." if _or_later(params) else ""
        found.append(
            "Cells that are not complete can still change: their period, or the cohort's own, has not ended. The average is weighted by "
            f"the size of cohorts and made of complete cells alone.{rises}"
        )
    if plan.last_order and shift(begin(plan.last_order, params.period, "monday"), params.period, 2) <= plan.today:
        found.append(
            f"The last order is of {plan.last_order}: what lies after it is empty because nothing came since. as_of={plan.last_order} "
            "leaves it out."
        )
    if params.by:
        found.append("Groups are the largest ones, by the customers of all cohorts shown; each customer is in one group.")
    found.append(
        "Time between orders (Kaplan-Meier): days from a day with an order to the customer's next one, over all history; who has not "
        f"ordered again yet counts as waiting until {plan.today}, not as lost. Customers who order often count more often."
        if has_waiting
        else "The time between orders is not told with more than one filter."
    )
    return found


def customer_notes(plan: Plan, found: int, *, begun: bool) -> list[str]:
    """The definitions behind a list of customers."""
    params, told = plan.params, []
    if not found:
        told.append("There are none." if begun else "This period has not begun.")
    elif found > params.limit:
        pages = -(-found // params.limit)
        told.append(f"Page {params.page} of {pages}: {found:,} customers in all, those with the highest revenue first.")
    later = " or later" if _or_later(params) else ""
    who = "came back" if params.returned else "did not come back"
    told.append(
        f"Customers of the cohort {plan.cohorts[0]} who {who} at offset {params.offset}{later}; orders and revenue are those of then."
    )
    return told + _counted(plan)


def nobody(plan: Plan, span: tuple[date, date] | None, *, has_orders: bool) -> str:
    """Why there is no cohort."""
    if span is None:
        return "No order of this store names its customer." if has_orders else "This store has no data yet."
    which = " with these filters" if plan.params.filters() else ""
    what = "ordered first" if plan.params.cohort == "first" else "ordered"
    return f"No customer{which} {what} between {plan.period.first} and {plan.last_day}; first orders lie between {span[0]} and {span[1]}."


def _or_later(params: RetentionParams) -> bool:
    return params.mode == "on_or_after"


def _counted(plan: Plan) -> list[str]:
    params = plan.params
    told = [_COHORTS[params.cohort].format(period=params.period), _MODES[params.mode].format(days=plan.rolling_days, period=params.period)]
    if params.min_orders > 1:
        told.append(
            f"From offset 1 on, a customer came back with at least {params.min_orders} orders in one period; revenue, margin and orders "
            "are of those customers."
        )
    if params.by or params.filters():
        told.append(
            "Channel, country and category are those of the customer's first order; its category is the one on which most was spent."
        )
    told.append("What lies before a customer's first order (returns of what was bought before there were data) counts in no cohort.")
    return [*told, _BASES[params.basis]]


def definite(params: RetentionParams) -> str:
    """What a share is of, as a title says it."""
    return {"customers": "customers who came back", "revenue": "revenue", "margin": "margin", "orders": "orders"}[params.measure]

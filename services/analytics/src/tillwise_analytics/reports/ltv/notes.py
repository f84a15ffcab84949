"""What the figures mean, in words."""

from __future__ import annotations

from tillwise_analytics.reports.ltv.fetch import Found, day
from tillwise_analytics.reports.ltv.params import UNIT_DAYS, LtvParams
from tillwise_analytics.reports.ltv.worth import Worth


def empty() -> list[str]:
    """Of a store that sold nothing."""
    return ["This store has no data yet."]


def notes(params: LtvParams, found: Found, worth: Worth) -> list[str]:
    """The definitions behind an answer."""
    model, horizon = found.told.model, params.outlook().horizon
    said = list(model.warnings)
    if not model.customers:
        said = [f"Nobody had bought anything by {day(model.fit_until)}."]
    if params.level == "customer" and found.told.listed > len(found.told.customers) and model.purchases is not None:
        said.append(f"{len(found.told.customers):,} of {found.told.listed:,} customers are listed; totals are over all. limit shows more.")
    if found.fitted_at is not None:
        said += [f"Fitted on purchases until {day(model.fit_until)}, which is the day that all figures are of.", *found.notes]
    said += [
        "A purchase is a day with orders of a customer; the first one is no repeat purchase. A refund on another day lowers the purchase "
        "before it. Orders without a customer do not count.",
        _about_worth(worth),
        *_about_payback(params),
    ]
    if model.purchases is None:
        return said
    unit = params.time_unit
    said += [
        f"Purchases: BG/NBD (Fader, Hardie & Lee 2005), times in {unit}s"
        + (f" of {UNIT_DAYS[unit]} days" if unit == "month" else "")
        + ". Spend: Gamma-Gamma (Fader & Hardie 2013), amounts in whole units of the currency, not in cents.",
        f"Expected is what the next {horizon} {unit}s bring; what they bring counts at the end of its {unit}, discounted by "
        f"{params.discount_rate:.1%} a year.",
        "Segments are fifths of all customers by the discounted value of purchases to come; equals are in the same one.",
        "Every figure is rounded by itself, so rows may add up to a little more or less than the totals.",
    ]
    return said + _about_check(found)


def _about_worth(worth: Worth) -> str:
    if worth.rate is None:
        return "No cost of goods is known and no margin was given: values are sales. margin=0.4 would count 40 % of them."
    if worth.stated:
        return f"Values are {worth.rate:.1%} of sales, the margin that was given."
    return (
        f"Values to come are {worth.rate:.1%} of sales, which is the margin of all net sales whose cost is known; values so far are the "
        "margin of the customers' own, without sales whose cost nobody stated."
    )


def _about_payback(params: LtvParams) -> list[str]:
    if params.acquisition_cost is None:
        return []
    if params.by_month:
        return ["Paid back: what the cohort's customers had brought by then was at least what winning them cost."]
    return [
        "Payback months: how many months after the first (0: within it) the value so far had paid for winning the customers, and kept "
        "doing so; empty where it has not yet."
    ]


def _about_check(found: Found) -> list[str]:
    checked = found.told.model.holdout
    if checked is None:
        return ["There is too little time, or too few customers, to check the model on purchases that it was not shown."]
    begin, end, actual = day(checked["fitted_until"]), day(checked["until"]), checked["actual"]
    off = f" ({checked['expected'] / actual - 1:+.1%})" if actual else ""
    which = "The model" if checked["fitted_until"] == found.told.model.fit_until else f"A model fitted until {begin}"
    return [f"{which} expected {checked['expected']:,.0f} repeat purchases from then until {end}; there were {actual:,}{off}."]

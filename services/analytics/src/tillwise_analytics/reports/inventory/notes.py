"""What the figures mean, in words."""

from __future__ import annotations

from typing import Any

from tillwise_analytics.reports.inventory.params import InventoryParams
from tillwise_analytics.reports.periods import Period


def notes(params: InventoryParams, period: Period, totals: dict[str, Any]) -> list[str]:
    """The definitions behind an answer; `totals` as the database told them."""
    said = [*_what_is_missing(params, totals), *_what_is_odd(totals)]
    return [*said, *_definitions(period, totals)]


def _what_is_missing(params: InventoryParams, totals: dict[str, Any]) -> list[str]:
    if not totals["rows"]:
        return ["There is no stock that this asks for: no stock.moved or stock.counted has come for it."]
    if totals["rows"] > params.limit:
        return [f"{params.limit} of {totals['rows']} rows are listed; totals are over all. limit shows more."]
    return []


def _what_is_odd(totals: dict[str, Any]) -> list[str]:
    said = []
    if totals["unknown"]:
        said.append(f"Nobody stated the cost of {totals['unknown']:,} units: they are on hand and in no value.")
    if totals["below_zero"]:
        said.append(f"{totals['below_zero']} products are below zero: more left than came. A count puts that right.")
    if totals["in_transit"]:
        said.append(f"{totals['in_transit']:,} units were sent from one place and have not arrived at another: in value, not on hand.")
    return said


def _definitions(period: Period, totals: dict[str, Any]) -> list[str]:
    source = "units as ordered" if totals["by_orders"] else "units of sale movements (no order tells of these products)"
    return [
        f"Sold: {source} from {period.first} to {period.last}; sale movements where no order of the period names the product.",
        "Sold per day: units sold / days in stock (days of the period since stock was known or the product first ordered, less days with "
        "nothing on hand; one day at least). Below zero goods are sold that the books do not know: such days count as in stock here.",
        "Days of cover: on hand / sold per day. Sell-through: sold / (sold + on hand).",
        "Value is first in, first out; value_average is at the moving average cost, "
        "which receipts move, and returns and found goods do not.",
        "Turnover: cost of sales x 365 / days / average stock over time at cost; of sale movements where there are any, else of order "
        "lines. GMROI: net margin x 365 / days / average stock. Both from a week of stock on.",
        "Days out: time with nothing on hand in any place since the first receipt or count. Lost units: sold per day x days out, but "
        "those below zero; lost sales: at the average net price of the period.",
    ]

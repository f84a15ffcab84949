"""What the ages mean, in words."""

from __future__ import annotations

from datetime import date
from typing import Any

from tillwise_analytics.reports.stock_ageing.params import StockAgeingParams


def notes(params: StockAgeingParams, day: date, totals: dict[str, Any], listed: int, *, replayed: bool) -> list[str]:
    """The definitions behind an answer."""
    said = []
    if not totals["rows"]:
        narrowed = any(one is not None for one in (params.category, params.sku, params.location))
        which = "that this asks for" if narrowed else f"until {day}"
        said.append(f"There is no stock {which}: no stock.moved or stock.counted has come for it.")
    if totals["rows"] > listed:
        said.append(f"{listed} of {totals['rows']} rows are listed; totals are over all. limit shows more.")
    said += [
        f"Stock at the end of {day}, first in, first out: what is sold, lost or sent is the oldest there is.",
        "A transfer keeps the age, a return brings back what was sold last with the age it had, found units are of the newest delivery, "
        "and a count changes the quantity, not the age.",
        "A bucket ends with its day: 0 to 30 days, then from 31 on. Units without a known cost count in units and in no value.",
        f"Dead: units lie there, and for {params.dead_after} days nothing was sold of it (by sale movements"
        f"{'' if params.places() else ' or orders'}); what never sold counts from the day since which its stock is known.",
        "Below zero more left than came: nothing lies there, and the next units that come are gone at once.",
    ]
    if params.places():
        said.append("What is between places is in none of them.")
    if replayed:
        said.append("An earlier day is replayed from all movements until then, which takes as long as the history is.")
    return said

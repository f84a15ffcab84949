"""Customers counted a second, naive time from the raw events: their scores, segments and movements."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

from tillwise.testing.naive_shop import NaiveShop

# By recency 5 to 1 and frequency 1 to 5, in initials.
MAP = {5: "NPPCC", 4: "pPPLL", 3: "AAnLL", 2: "HHRRX", 1: "llRRX"}
INITIALS = {
    "C": "champions", "L": "loyal", "P": "potential_loyalists", "N": "new", "p": "promising", "n": "need_attention",
    "A": "about_to_sleep", "R": "at_risk", "X": "cant_lose", "H": "hibernating", "l": "lost",
}  # fmt: skip


def customers(shop: NaiveShop, basis: str, as_of: date) -> dict[str, dict[str, Any]]:
    """Everybody who had ordered until the end of a day, with scores by counting who is better."""
    entries = [entry for entry in shop.entries(basis) if entry["customer"] and entry["day"] <= as_of]
    found = {name: _customer(shop, name, [e for e in entries if e["customer"] == name]) for name in {e["customer"] for e in entries}}
    known = {name: one for name, one in found.items() if one["orders"]}
    everybody = list(known.values())
    again = [one for one in everybody if one["orders"] > 1]
    for one in everybody:
        later, more = (sum(other[what] > one[what] for other in everybody) for what in ("last", "sales"))
        fewer = sum(other["orders"] < one["orders"] for other in again)
        one["recency"], one["monetary"] = 5 - 5 * later // len(everybody), 5 - 5 * more // len(everybody)
        one["frequency"] = 2 + 4 * fewer // len(again) if one["orders"] > 1 else 1
        one["segment"] = INITIALS[MAP[one["recency"]][one["frequency"] - 1]]
    return known


def _customer(shop: NaiveShop, name: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    sold = [entry for entry in entries if entry["sold"]]
    sales = sum(entry["sales"] for entry in entries)
    if not sold:
        return {"orders": 0, "sales": sales}
    first = min(sold, key=lambda entry: (entry["at"], entry["order"]))
    spent: Counter[str] = Counter()
    for entry in shop.entries("gross"):
        if entry["order"] == first["order"] and entry["sold"]:
            spent[entry["category"]] += entry["sales"]
    return {
        "orders": len({entry["order"] for entry in sold}), "last": max(entry["day"] for entry in sold), "first": first["day"],
        "sales": sales, "channel": first["channel"], "country": first["country"],
        "category": min(spent, key=lambda category: (-spent[category], category)),
    }  # fmt: skip


def concentration(sales: list[int]) -> tuple[int, int, float | None, float | None]:
    """The best tenth: how many, what they spent, its share; and Gini's coefficient from all pairs."""
    spent = sorted((max(one, 0) for one in sales), reverse=True)
    best = (len(spent) + 9) // 10
    total = sum(spent)
    if not total:
        return best, 0, None, None
    apart = sum(abs(a - b) for a in spent for b in spent)
    return best, sum(spent[:best]), sum(spent[:best]) / total, apart / (2 * len(spent) * total)

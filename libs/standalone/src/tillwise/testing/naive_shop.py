"""A second, naive counting of a shop's events in plain Python: what the rollups must agree with."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo


class NaiveShop:
    """Counts from the raw events, one way and slowly."""

    def __init__(self, events: list[dict[str, Any]], zone: str) -> None:
        self._zone = ZoneInfo(zone)
        unique = {event["id"]: event for event in events}
        ordered = sorted(unique.values(), key=lambda e: (self._at(e), e["id"]))
        self.orders: dict[str, dict[str, Any]] = {}
        self.refunds: dict[tuple[str, str], dict[str, Any]] = {}
        self.categories: dict[str, str | None] = {}
        for event in ordered:
            self._take(event)

    def _at(self, event: dict[str, Any]) -> datetime:
        return datetime.fromisoformat(event["occurred_at"])

    def _take(self, event: dict[str, Any]) -> None:
        data, at = event["data"], self._at(event)
        match event["type"]:
            case "order.placed":
                known = self.orders.setdefault(data["order_id"], {})
                known.update({"placed": known.get("placed", at), "data": data})
            case "order.cancelled":
                self.orders.setdefault(data["order_id"], {})["cancelled"] = True
            case "order.refunded":
                key = (data["order_id"], data["refund_id"])
                self.refunds[key] = {"at": self.refunds.get(key, {}).get("at", at), "data": data}
            case "product.updated":
                self.categories[data["sku"]] = data.get("category")

    def entries(self, basis: str) -> list[dict[str, Any]]:
        """One entry per sold or refunded line, with everything that a trend may ask for."""
        return [*self._sales(basis), *self._given_back(basis)]

    def demand(self, basis: str = "net") -> list[dict[str, Any]]:
        """What was ordered, before anything came back; of orders that stand, unless gross is asked for."""
        stands = {order_id for order_id, order in self.orders.items() if basis == "gross" or not order.get("cancelled")}
        return [entry for entry in self._sales("gross") if entry["order"] in stands]

    def _sales(self, basis: str) -> list[dict[str, Any]]:
        found = []
        for order_id, order in self.orders.items():
            if "data" not in order or (basis == "net" and order.get("cancelled")):
                continue
            data = order["data"]
            is_sale = any(line["quantity"] > 0 for line in data["lines"])
            for line in data["lines"]:
                quantity, discount = line["quantity"], line.get("discount", 0)
                if basis == "gross":
                    quantity, discount = max(quantity, 0), 0
                found.append(self._entry(order_id, order["placed"], data, line, quantity, quantity * line["unit_price"] - discount)
                             | {"sold": is_sale and line["quantity"] > 0})  # fmt: skip
        return found

    def _given_back(self, basis: str) -> list[dict[str, Any]]:
        found = []
        for (order_id, _), refund in self.refunds.items():
            order = self.orders.get(order_id, {})
            if basis == "gross" or order.get("cancelled"):
                continue
            about = order.get("data", {})
            sold = about.get("lines", [])
            for line in refund["data"].get("lines") or [{"sku": "", "quantity": 0, "amount": refund["data"]["amount"]}]:
                own = [one["category"] for one in sold if one["sku"] == line["sku"] and one.get("category")]
                entry = self._entry(order_id, refund["at"], about, line, -line["quantity"], -line["amount"])
                found.append(entry | {"sold": False, **({"category": min(own)} if own else {})})
        return found

    def _entry(self, order_id: str, at: datetime, about: dict[str, Any], line: dict[str, Any], units: int, sales: int) -> dict[str, Any]:
        return {
            "order": order_id, "at": at, "day": at.astimezone(self._zone).date(), "units": units, "sales": sales,
            "customer": about.get("customer_id"), "channel": about.get("channel") or "", "country": about.get("country") or "",
            "category": line.get("category") or self.categories.get(line["sku"]) or "", "product": line["sku"],
        }  # fmt: skip

    def trend(self, bucket_of: Any, metric: str, basis: str, by: str | None, keep: Any) -> dict[tuple[date, str], Any]:
        """Values by (bucket, group)."""
        groups: dict[tuple[date, str], list[dict[str, Any]]] = defaultdict(list)
        for entry in self.entries(basis):
            if keep(entry):
                groups[bucket_of(entry["day"]), entry[by] if by else ""].append(entry)
        firsts = self._firsts(basis)
        return {key: self._value(entries, metric, firsts) for key, entries in groups.items()}

    def _firsts(self, basis: str) -> dict[str, datetime]:
        firsts: dict[str, datetime] = {}
        for entry in self._sales(basis):
            if entry["sold"] and entry["customer"]:
                firsts[entry["customer"]] = min(firsts.get(entry["customer"], entry["at"]), entry["at"])
        return firsts

    @staticmethod
    def _value(entries: list[dict[str, Any]], metric: str, firsts: dict[str, datetime]) -> int | None:
        sold = [entry for entry in entries if entry["sold"]]
        orders = len({entry["order"] for entry in sold})
        match metric:
            case "orders":
                return orders
            case "customers":
                return len({entry["customer"] for entry in sold if entry["customer"]})
            case "new_customers":
                return len({entry["customer"] for entry in sold if entry["customer"] and firsts[entry["customer"]] == entry["at"]})
            case "average_order":
                return round(sum(entry["sales"] for entry in entries) / orders) if orders else None
        return sum(int(entry[metric]) for entry in entries)

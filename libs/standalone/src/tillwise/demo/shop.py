"""The demo shop: a roastery that sells coffee and what goes with it, on the web, on a marketplace and at its counter.

Everything follows from one seed and the day it is made for, so two runs on a day send the same events.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Berlin")
DAYS = 365
ORDERS_A_DAY = 40.0
GROWTH = 0.35
CUSTOMERS = 6_000
# Monday to Sunday.
WEEKDAYS = (1.0, 0.95, 0.95, 1.0, 1.15, 1.25, 0.7)
HOURS = (0, 0, 0, 0, 0, 0, 1, 3, 6, 8, 9, 9, 8, 7, 7, 8, 9, 10, 11, 12, 11, 7, 3, 1)
CHANNELS = {"web": 62, "pos": 24, "marketplace": 14}
COUNTRIES = {"DE": 70, "AT": 13, "CH": 9, "FR": 5, "NL": 3}
# Category: (what it is called, how often it is bought, its products as name, price, cost).
RANGE: dict[str, tuple[float, list[tuple[str, int, int]]]] = {
    "Coffee": (6.0, [
        ("Ethiopia Yirgacheffe", 1090, 495), ("Colombia Huila", 990, 450), ("Brazil Cerrado", 890, 404), ("Kenya AA", 1290, 586),
        ("House Espresso", 850, 386), ("Decaf Peru", 1050, 477), ("Guatemala Antigua", 1020, 463),
        ("Ethiopia Yirgacheffe 1 kg", 3990, 1980), ("Colombia Huila 1 kg", 3690, 1800),
        ("Brazil Cerrado 1 kg", 3290, 1616), ("House Espresso 1 kg", 2990, 1544),
    ]),
    "Brewing": (1.2, [
        ("V60 dripper", 2490, 1180), ("French press 1 l", 3490, 1600), ("Moka pot 6 cups", 3990, 1900), ("AeroPress", 3790, 2100),
        ("Cold brew bottle", 2890, 1250), ("Chemex 6 cups", 5490, 2900),
    ]),
    "Grinders": (0.35, [("Hand grinder Mini", 5990, 3100), ("Hand grinder Pro", 14900, 8200), ("Electric grinder", 21900, 13100)]),
    "Filters": (1.8, [("Paper filters 100", 690, 190), ("Metal filter", 1990, 800), ("Chemex filters 100", 1190, 520)]),
    "Cups": (1.0, [("Espresso cup", 1290, 480), ("Cappuccino cup", 1490, 560), ("Travel mug", 2690, 1190), ("Glass", 1690, 640)]),
    "Gifts": (0.5, [("Tasting box", 3490, 1690), ("Gift card", 2500, 2500), ("Barista course", 8900, 3500)]),
}  # fmt: skip

# Category: who delivers, in how many days (give or take), in packs of how many.
SUPPLIERS: dict[str, dict[str, Any]] = {
    "Coffee": {"supplier": "Hanseatic Green Coffee", "lead_time_days": 5, "lead_time_sd_days": 1, "pack_size": 12},
    "Brewing": {"supplier": "Brewware", "lead_time_days": 14, "lead_time_sd_days": 3, "pack_size": 6},
    "Grinders": {"supplier": "Brewware", "lead_time_days": 21, "lead_time_sd_days": 5, "pack_size": 2},
    "Filters": {"supplier": "Paper & More", "lead_time_days": 7, "pack_size": 20, "min_order_quantity": 40},
    "Cups": {"supplier": "Kilnhaus", "lead_time_days": 14, "pack_size": 6},
    "Gifts": {"supplier": "Kilnhaus", "lead_time_days": 10},
}
# It was a good idea once: bought a year ago, and never sold.
LEFT_OVER = {"sku": "BRE-99", "name": "Siphon brewer", "category": "Brewing", "unit_cost": 4700} | SUPPLIERS["Brewing"]
LEFT_OVER_UNITS = 18


def events(now: datetime) -> Iterator[dict[str, Any]]:
    """A year of events that ends at `now`, in the order in which they happened (products first)."""
    dice = random.Random(20_240_229)  # noqa: S311 - a demo, not a secret
    products = _products()
    last = now.astimezone(ZONE).date()
    first = last - timedelta(days=DAYS)
    for product in products:
        yield _event(
            f"product:{product['sku']}", "product.updated", datetime(first.year, first.month, first.day, 6, tzinfo=ZONE), product["about"]
        )
    yield from _left_over(datetime(first.year, first.month, first.day, 7, tzinfo=ZONE))
    shop = _Shop(dice, products, now)
    for number in range(DAYS + 1):
        yield from shop.day(first + timedelta(days=number), number / DAYS)


def _left_over(at: datetime) -> Iterator[dict[str, Any]]:
    yield _event(f"product:{LEFT_OVER['sku']}", "product.updated", at - timedelta(hours=1), LEFT_OVER)
    data = {
        "sku": LEFT_OVER["sku"],
        "quantity": LEFT_OVER_UNITS,
        "reason": "receipt",
        "location": "main",
        "unit_cost": LEFT_OVER["unit_cost"],
    }
    yield _event(f"receipt:{LEFT_OVER['sku']}", "stock.moved", at, data)


class _Shop:
    """What the shop remembers from day to day: who bought, what lies in stock, which refunds are due."""

    def __init__(self, dice: random.Random, products: list[dict[str, Any]], now: datetime) -> None:
        self._dice, self._products, self._now = dice, products, now
        self._weights = [product["weight"] for product in products]
        self._customers: list[tuple[str, str]] = []
        self._stock = {product["sku"]: 0 for product in products}
        self._later: list[tuple[datetime, dict[str, Any]]] = []
        self._number = 0

    def day(self, day: Any, progress: float) -> Iterator[dict[str, Any]]:
        """All events of a day that lie before now."""
        morning = datetime(day.year, day.month, day.day, 7, tzinfo=ZONE)
        found = list(self._deliveries(morning))
        expected = ORDERS_A_DAY * (1 + GROWTH * progress) * WEEKDAYS[day.weekday()] * _season(day) * self._dice.uniform(0.85, 1.15)
        for _ in range(int(expected)):
            found += self._order(day)
        due, self._later = [e for at, e in self._later if at.date() <= day], [(at, e) for at, e in self._later if at.date() > day]
        for event in due:
            if event["type"] == "stock.moved":
                self._stock[event["data"]["sku"]] += event["data"]["quantity"]
        found += due
        found.sort(key=lambda event: event["occurred_at"])
        yield from (event for event in found if datetime.fromisoformat(event["occurred_at"]) <= self._now)

    def _order(self, day: Any) -> Iterator[dict[str, Any]]:
        dice = self._dice
        self._number += 1
        order_id = f"{day:%y%m}-{self._number:05}"
        hour = dice.choices(range(24), HOURS)[0]
        at = datetime(day.year, day.month, day.day, hour, dice.randrange(60), dice.randrange(60), tzinfo=ZONE)
        channel = dice.choices(list(CHANNELS), list(CHANNELS.values()))[0]
        customer, country = self._customer(channel)
        chosen = {p["sku"]: p for p in dice.choices(self._products, self._weights, k=dice.choices((1, 2, 3, 4), (52, 29, 13, 6))[0])}
        lines = [self._line(product) for product in chosen.values()]
        data: dict[str, Any] = {"order_id": order_id, "channel": channel, "country": country, "lines": lines}
        total = sum(line["quantity"] * line["unit_price"] - line.get("discount", 0) for line in lines)
        data |= {"shipping": 0 if total > 4900 or channel == "pos" else 490, "tax": total * 19 // 119}
        if customer:
            data["customer_id"] = customer
        yield _event(f"order:{order_id}", "order.placed", at, data)
        for line in lines:
            yield self._moved(f"sale:{order_id}:{line['sku']}", line["sku"], -line["quantity"], "sale", at)
        self._aftermath(order_id, at, lines)

    def _customer(self, channel: str) -> tuple[str | None, str]:
        dice = self._dice
        if channel == "pos" and dice.random() < 0.6:
            return None, "DE"
        # Who bought lately buys again: regulars carry a shop.
        if self._customers and dice.random() < 0.55:
            return self._customers[-1 - min(int(dice.expovariate(1 / 900)), len(self._customers) - 1)]
        number = len(self._customers) + 1
        country = dice.choices(list(COUNTRIES), list(COUNTRIES.values()))[0]
        self._customers.append((f"C{number:05}", country))
        return self._customers[-1]

    def _line(self, product: dict[str, Any]) -> dict[str, Any]:
        quantity = self._dice.choices((1, 2, 3), (80, 15, 5))[0]
        line = {
            "sku": product["sku"],
            "name": product["name"],
            "quantity": quantity,
            "unit_price": product["price"],
            "unit_cost": product["cost"],
        }
        if self._dice.random() < 0.12:
            line["discount"] = quantity * product["price"] // 10
        return line

    def _aftermath(self, order_id: str, at: datetime, lines: list[dict[str, Any]]) -> None:
        luck = self._dice.random()
        if luck < 0.01:
            later = at + timedelta(hours=self._dice.randrange(1, 20))
            self._later.append((later, _event(f"cancel:{order_id}", "order.cancelled", later, {"order_id": order_id})))
        elif luck < 0.045:
            later = at + timedelta(days=self._dice.randrange(3, 21))
            line = lines[0]
            amount = line["quantity"] * line["unit_price"] - line.get("discount", 0)
            back = {
                "order_id": order_id,
                "refund_id": f"R-{order_id}",
                "lines": [{"sku": line["sku"], "quantity": line["quantity"], "amount": amount}],
            }
            self._later.append((later, _event(f"refund:{order_id}", "order.refunded", later, back)))
            self._later.append((later, self._moved(f"return:{order_id}", line["sku"], line["quantity"], "return", later)))
            # It is on its way, and in stock only when it has arrived.
            self._stock[line["sku"]] -= line["quantity"]

    def _deliveries(self, morning: datetime) -> Iterator[dict[str, Any]]:
        for product in self._products:
            sku = product["sku"]
            if self._stock[sku] < product["least"] and self._dice.random() < 0.5:
                yield self._moved(f"receipt:{sku}:{morning:%y%m%d}", sku, product["lot"], "receipt", morning, product["cost"])
            elif morning.day == 1:
                data = {"sku": sku, "quantity": max(self._stock[sku], 0), "location": "main"}
                yield _event(f"count:{sku}:{morning:%y%m%d}", "stock.counted", morning, data)
                self._stock[sku] = data["quantity"]

    def _moved(self, key: str, sku: str, quantity: int, reason: str, at: datetime, unit_cost: int | None = None) -> dict[str, Any]:
        self._stock[sku] += quantity
        data = {"sku": sku, "quantity": quantity, "reason": reason, "location": "main"}
        return _event(f"stock:{key}", "stock.moved", at, data | ({"unit_cost": unit_cost} if unit_cost is not None else {}))


def _products() -> list[dict[str, Any]]:
    found = []
    for category, (weight, items) in RANGE.items():
        for number, (name, price, cost) in enumerate(items, start=1):
            sku = f"{category[:3].upper()}-{number:02}"
            share = weight / len(items) * (1.6 if number == 1 else 1.0)
            about = {"sku": sku, "name": name, "category": category, "unit_cost": cost} | SUPPLIERS[category]
            lot = max(20, int(share * 400))
            found.append(
                {"sku": sku, "name": name, "price": price, "cost": cost, "weight": share, "lot": lot, "least": lot // 3, "about": about}
            )
    return found


def _season(day: Any) -> float:
    """Busy before Christmas, busiest on Black Friday, quiet in summer and between the years."""
    if day.month == 11 and 23 <= day.day <= 29 and day.weekday() >= 4:
        return 2.4
    if (day.month, day.day) > (12, 23) or (day.month, day.day) < (1, 4):
        return 0.6
    return {12: 1.6, 11: 1.2, 1: 0.85, 7: 0.85, 8: 0.8}.get(day.month, 1.0)


def _event(key: str, kind: str, at: datetime, data: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "id": f"demo:{key}", "occurred_at": at.isoformat(), "data": data}

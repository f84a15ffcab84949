"""What to order, told a second, naive time from the raw events: every week is a number in a list, every product is looked at alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from math import ceil, inf, sqrt
from statistics import NormalDist, variance
from typing import Any
from zoneinfo import ZoneInfo

from tillwise.testing.naive_shop import NaiveShop
from tillwise.testing.naive_stock import NaiveStock, at_of
from tillwise_analytics.reports.reorder import season
from tillwise_common.contracts.stores import Store

DAY = 86_400_000_000
WEEK = timedelta(days=7)
# Where a figure is this close to a whole number, both sides of it are right.
HAIR = 1e-7
DEFAULTS = {"service_level": "0.95", "order_cost": "1000", "holding_rate": "0.25", "review": "0", "weeks": "13"}


class NaiveReorder:
    """Everything that can be said of a shop at a moment."""

    def __init__(self, events: list[dict[str, Any]], store: Store, now: datetime) -> None:
        self.events, self.store, self.now = events, store, now
        self.zone = ZoneInfo(store.timezone)
        self.today = now.astimezone(self.zone).date()
        self.week = next(day for day in _back(self.today) if day.strftime("%A").lower() == store.week_start)
        self.skus = sorted({event["data"]["sku"] for event in events if event["type"].startswith("stock.")})
        self.shop = NaiveShop(events, store.timezone)
        self.ordered = {basis: self.shop.demand(basis) for basis in ("gross", "net")}
        self._stocks: dict[tuple[str, int | None], NaiveStock] = {}

    def stock(self, sku: str, before: int | None = None) -> NaiveStock:
        """The product's stock, now or before a moment."""
        if (sku, before) not in self._stocks:
            events = [event for event in self.events if before is None or at_of(event) < before]
            self._stocks[sku, before] = NaiveStock(events, sku, self.store.timezone)
        return self._stocks[sku, before]

    def midnight(self, day: date) -> int:
        return at_of({"occurred_at": datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC).isoformat()})

    def products(self, question: dict[str, str]) -> dict[str, dict[str, Any]]:
        """The products that the question is about."""
        found = {sku: NaiveProduct(self, sku, {**DEFAULTS, **question}).told() for sku in self.skus}
        wanted = {name: question[name] for name in ("sku", "supplier", "category") if name in question}
        return {sku: told for sku, told in found.items() if all((told[name] or "") == value for name, value in wanted.items())}

    def factor(self, category: str | None, days: float, base: int) -> float | None:
        """Season and trend, by the maths that have tests of their own, on sums made here."""
        rhythm = self._rhythms.get(category, self._rhythms.get(None))
        return None if rhythm is None else rhythm.factor(base, max(ceil(days / 7), 1))

    @cached_property
    def _rhythms(self) -> dict[str | None, season.Rhythm]:
        opened = min((entry["day"] for entry in self.ordered["gross"] if entry["sold"]), default=self.week)
        years = min((self.week - opened).days // 364, 3)
        if years < 2:
            return {}
        begin = self.week - years * 52 * WEEK
        sums: dict[str | None, Counter[int]] = {}
        for entry in self.ordered["net"]:
            for group in (None, entry["category"]):
                if begin <= entry["day"] < self.week:
                    sums.setdefault(group, Counter())[(entry["day"] - begin).days // 7] += entry["units"]
        rhythms = {group: season.rhythm([float(own[n]) for n in range(years * 52)]) for group, own in sums.items()}
        return {group: rhythm for group, rhythm in rhythms.items() if rhythm is not None}


class NaiveProduct:
    """What a question about one product is answered with."""

    def __init__(self, shop: NaiveReorder, sku: str, question: dict[str, str]) -> None:
        self.all, self.sku, self.asked = shop, sku, question
        self.weeks = [shop.week - n * WEEK for n in range(int(question["weeks"]) - 1, -1, -1)]
        self.now, self.begin = at_of({"occurred_at": shop.now.isoformat()}), shop.midnight(self.weeks[0])
        self.stock, self.before = shop.stock(sku), shop.stock(sku, self.begin)
        described = [event for event in shop.events if event["type"] == "product.updated" and event["data"]["sku"] == sku]
        self.says = max(described, key=lambda event: (at_of(event), event["id"]))["data"] if described else {}

    def told(self) -> dict[str, Any]:
        """The row of the report, and `point`, `order_in` and `out_in` as they are before they become a number of units or a day."""
        mean, deviation, factor = self._demand()
        year = self.all.factor(self._category(), 364, len(self.weeks))
        a_year = mean * 365 * (year / factor if year is not None and factor else 1)
        lead, lead_sd = self._lead()
        days = lead + float(self.asked["review"])
        safety = NormalDist().inv_cdf(float(self.asked["service_level"])) * sqrt(days * deviation**2 + mean**2 * lead_sd**2)
        point, on_hand, in_transit = mean * days + safety, self.stock.total(), len(self.stock.transit)
        return {
            "sku": self.sku, "category": self._category(), "supplier": self.says.get("supplier"),
            "on_hand": on_hand, "in_transit": in_transit, "orders": self._orders(on_hand + in_transit, mean, a_year, point),
            "days_of_cover": max(on_hand, 0) / mean if mean else None, "demand_per_day": mean, "demand_sd": deviation, "season": factor,
            "lead_time": lead, "reorder_point": point, "safety_stock": safety, "unit_cost": self._cost(),
            "order_in": (on_hand + in_transit - point) / mean if mean else inf, "out_in": on_hand / mean if mean else inf,
        }  # fmt: skip

    def _demand(self) -> tuple[float, float, float | None]:
        """Units per day and their deviation, both times the factor of season and trend, and this."""
        by_week, empty, start = self._by_week(), self._empty(), self._start()
        factor = self.all.factor(self._category(), self._lead()[0] + float(self.asked["review"]), len(self.weeks))
        if start >= self.now:
            return 0.0, 0.0, factor
        units = sum(by_week.values()) if by_week is not None else self._figure("sold")
        weekly = self._moved() if by_week is None else by_week
        rate = max(units, 0) / max((self.now - start) / DAY - empty, 1)
        whole = [weekly.get(week, 0) for week in self.weeks[:-1] if self.all.midnight(week) >= start]
        # Weeks without an order, as many as there were without stock, say nothing of demand.
        for _ in range(int(empty // 7)):
            if 0 in whole:
                whole.remove(0)
        deviation = sqrt(variance(whole) / 7) if len(whole) >= 4 else sqrt(rate)
        return rate * (factor or 1), deviation * (factor or 1), factor

    def _by_week(self) -> dict[date, int] | None:
        """Units ordered and not cancelled; None where no order has any of the product."""
        own = {basis: [e for e in ordered if e["product"] == self.sku] for basis, ordered in self.all.ordered.items()}
        if not any(entry["units"] for entry in own["gross"] if self.weeks[0] <= entry["day"] <= self.all.today):
            return None
        found: dict[date, int] = dict.fromkeys(self.weeks, 0)
        for entry in own["net"]:
            for week in self.weeks:
                if week <= entry["day"] < week + WEEK:
                    found[week] += entry["units"]
        return found

    def _moved(self) -> dict[date, int]:
        """Units of sale movements."""
        sold = {week: self.all.stock(self.sku, self.all.midnight(week)).figures["sold"] for week in self.weeks}
        return {week: max(sold[after] - sold[week], 0) for week, after in zip(self.weeks, self.weeks[1:], strict=False)}

    def _start(self) -> int:
        """Since when its stock is known or it was ordered, a week as a whole, but not before the weeks that are asked for."""
        ordered = [self.all.midnight(week) for week, units in (self._by_week() or {}).items() if units]
        known = [self.stock.since] if self.stock.since is not None else []
        return max(self.begin, min([*ordered, *known], default=self.begin))

    def _figure(self, name: str) -> int:
        return self.stock.until(self.now)[name] - self.before.until(self.begin)[name]

    def _empty(self) -> float:
        return self._figure("empty_time") / DAY

    def _category(self) -> str | None:
        lines = [
            (at_of(event), event["id"], number, line.get("category"))
            for event in self.all.events if event["type"] == "order.placed"
            for number, line in enumerate(event["data"]["lines"]) if line["sku"] == self.sku and line.get("name")
        ]  # fmt: skip
        own: str | None = self.says.get("category")
        return own if own is not None else max(lines)[3] if lines else None

    def _lead(self) -> tuple[float, float]:
        asked, says = self.asked, self.says
        return float(asked.get("lead_time_days", says.get("lead_time_days", 14))), float(
            asked.get("lead_time_sd", says.get("lead_time_sd_days", 0))
        )

    def _cost(self) -> float | None:
        units, value = self.stock.average
        stated: float | None = self.says.get("unit_cost")
        return stated if stated is not None else value / units if units else None

    def _orders(self, position: int, mean: float, a_year: float, point: float) -> set[int]:
        """What may be suggested: one number, but where a figure is whole to a hair."""
        if not mean or position > point + HAIR:
            return {0}
        cost = self._cost()
        lot = mean * 28
        if cost:
            lot = min(sqrt(2 * a_year * float(self.asked["order_cost"]) / (float(self.asked["holding_rate"]) * cost)), a_year)
        least = max(lot, point - position, self.says.get("min_order_quantity", 0), 1)
        return {self._packed(least - HAIR), self._packed(least + HAIR)} | ({0} if position > point - HAIR else set())

    def _packed(self, least: float) -> int:
        pack = self.says.get("pack_size", 1)
        most = self.says.get("max_order_quantity") or inf
        packs = 1
        while packs * pack < least and (packs + 1) * pack <= most:
            packs += 1
        return packs * pack


def urgency(told: dict[str, Any], order: int) -> set[str]:
    """How urgent it is to order so much."""
    if not told["demand_per_day"]:
        return {"no demand"}
    if order:
        return {"out of stock" if told["on_hand"] <= 0 else "order now"}
    return {"order soon" if told["order_in"] + hair < 8 else "enough" for hair in (-HAIR, HAIR)}


def days(now: datetime, ahead: float) -> set[str | None]:
    """The day so many days ahead of now by the shop's clock, and not before today."""
    if ahead == inf or now.date() + timedelta(days=min(ahead, 10**5)) >= date(2200, 1, 1):
        return {None}
    return {str((now + timedelta(days=max(ahead + hair, 0))).date()) for hair in (-HAIR, HAIR)}


def _back(day: date) -> Iterator[date]:
    while True:
        yield day
        day -= timedelta(days=1)

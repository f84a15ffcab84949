"""Retention counted a second time, naively, customer by customer from the raw events."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from tillwise.testing.naive_shop import NaiveShop

DAY = timedelta(days=1)
WINDOW = {"day": 1, "week": 7, "month": 30}


class Customer(NamedTuple):
    """A customer with an order: the days since, as day -> [orders, revenue, margin], and what the first order says."""

    first: date
    days: dict[date, list[int]]
    attributes: dict[str, str]

    def active(self) -> list[date]:
        return sorted(day for day, done in self.days.items() if done[0])


class NaiveRetention:
    """Answers of the retention report, as lists of what its rows hold."""

    def __init__(self, events: list[dict[str, Any]], zone: str, week_start: str, today: date) -> None:
        self._shop, self._week_start, self.today = NaiveShop(events, zone), week_start, today

    def begin(self, day: date, period: str) -> date:
        weekday = {"monday": 0, "sunday": 6}[self._week_start]
        while not (period == "day" or (day.day == 1 if period == "month" else day.weekday() == weekday)):
            day -= DAY
        return day

    def next(self, start: date, period: str) -> date:
        day = start + DAY
        while self.begin(day, period) != day:
            day += DAY
        return day

    def customers(self, basis: str) -> dict[str, Customer]:
        gross: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for entry in self._shop.entries("gross"):
            gross[entry["order"]].append(entry)
        days: dict[str, dict[date, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0, 0]))
        orders: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        for entry in self._shop.entries(basis):
            if entry["customer"]:
                days[entry["customer"]][entry["day"]][1] += entry["sales"]
                if entry["sold"]:
                    orders[entry["customer"]][entry["order"]] = entry
        for customer, day, margin in self._margins():
            days[customer][day][2] += margin
        found = {}
        for customer, own in orders.items():
            for entry in own.values():
                days[customer][entry["day"]][0] += 1
            first = min(own.values(), key=lambda entry: (entry["at"], entry["order"]))
            spent: dict[str, int] = defaultdict(int)
            for line in gross[first["order"]]:
                if line["sold"]:
                    spent[line["category"]] += line["sales"]
            category = min(spent, key=lambda name: (-spent[name], name))
            attributes = {"channel": first["channel"], "country": first["country"], "category": category}
            since = {day: done for day, done in days[customer].items() if day >= first["day"]}
            found[customer] = Customer(first["day"], since, attributes)
        return found

    def _margins(self) -> list[tuple[str, date, int]]:
        """Net sales whose cost is stated, less that cost, line by line."""
        found = []
        for order in self._shop.orders.values():
            data = order.get("data", {})
            if not data.get("customer_id") or order.get("cancelled"):
                continue
            for line in data["lines"]:
                if (cost := line.get("unit_cost")) is not None:
                    margin = line["quantity"] * (line["unit_price"] - cost) - line.get("discount", 0)
                    found.append((data["customer_id"], self._day(order["placed"]), margin))
        for (order_id, _), refund in self._shop.refunds.items():
            order = self._shop.orders.get(order_id, {})
            data = order.get("data", {})
            if not data.get("customer_id") or order.get("cancelled"):
                continue
            day, said = self._day(refund["at"]), refund["data"]
            for line in said.get("lines", []):
                costs = [one["unit_cost"] for one in data["lines"] if one["sku"] == line["sku"] and one.get("unit_cost") is not None]
                if costs:
                    found.append((data["customer_id"], day, line["quantity"] * min(costs) - line["amount"]))
            if not said.get("lines"):
                found.append((data["customer_id"], day, -said["amount"]))
        return found

    def _day(self, at: Any) -> date:
        day: date = at.astimezone(self._shop._zone).date()
        return day

    def members(self, question: dict[str, str], cohort: date) -> dict[str, list[list[int]]]:
        """Of each customer of a cohort what happened at each offset, as [orders, revenue, margin]."""
        period, rolling = question.get("period", "month"), question.get("mode") == "rolling"
        end, found = self.next(cohort, period), {}
        for name, customer in self.customers(question.get("basis", "net")).items():
            within = [day for day in customer.active() if cohort <= day < end]
            if question.get("cohort", "first") == "first":
                within = [day for day in within if day == customer.first]
            if not within or any(customer.attributes[dim] != question[dim] for dim in customer.attributes if dim in question):
                continue
            found[name] = [self._window(customer, start, stop) for start, stop in self._windows(cohort, within[0], period, rolling=rolling)]
        return found

    def _windows(self, cohort: date, entered: date, period: str, *, rolling: bool) -> list[tuple[date, date]]:
        start, found = (entered if rolling else cohort), []
        while start < date(2026, 7, 1):
            stop = start + WINDOW[period] * DAY if rolling else self.next(start, period)
            found.append((start, stop))
            start = stop
        return found

    @staticmethod
    def _window(customer: Customer, start: date, stop: date) -> list[int]:
        done = [what for day, what in customer.days.items() if start <= day < stop]
        return [sum(what[part] for what in done) for part in range(3)]

    def came_back(self, question: dict[str, str], history: list[list[int]], offset: int) -> bool:
        least = int(question.get("min_orders", "1"))
        at = [done[0] >= (least if number else 1) for number, done in enumerate(history)]
        return any(at[offset:]) if question.get("mode") == "on_or_after" else offset < len(at) and at[offset]

    def amount(self, question: dict[str, str], history: list[list[int]], offset: int) -> int:
        """Of one customer at one offset."""
        measure, least = question.get("measure", "customers"), int(question.get("min_orders", "1"))
        if measure == "customers":
            return int(self.came_back(question, history, offset))
        last = len(history) if question.get("mode") == "on_or_after" else min(offset + 1, len(history))
        part = {"orders": 0, "revenue": 1, "margin": 2}[measure]
        return sum(history[at][part] for at in range(offset, last) if least == 1 or at == 0 or history[at][0] >= least)

    def rows(self, question: dict[str, str], first: date, last: date) -> list[tuple[Any, ...]]:
        """Cohort, group, size, offset, what is counted, the share, and whether it is complete."""
        period, by = question.get("period", "month"), question.get("by")
        grouped: dict[tuple[date, str], list[list[list[int]]]] = defaultdict(list)
        people, cohort = self.customers(question.get("basis", "net")), self.begin(first, period)
        cohorts = []
        while cohort <= last:
            cohorts.append(cohort)
            for name, history in self.members(question, cohort).items():
                grouped[cohort, people[name].attributes[by] if by else ""].append(history)
            cohort = self.next(cohort, period)
        sizes: dict[str, int] = defaultdict(int)
        for (_, group), found in grouped.items():
            sizes[group] += len(found)
        ordered: list[str] = sorted(sizes, key=lambda group: (-sizes[group], group))
        shown, rest = ordered[: int(question.get("top", "10"))], ordered[int(question.get("top", "10")) :]
        rows = []
        for cohort in cohorts:
            for group in [*shown, *(["others"] if rest else [])]:
                histories = [one for own in (rest if group == "others" else [group]) for one in grouped[cohort, own]]
                rows += self._row_of(question, cohort, group, histories)
        return rows

    def _row_of(self, question: dict[str, str], cohort: date, group: str, histories: list[list[list[int]]]) -> list[tuple[Any, ...]]:
        measure, size, rows = question.get("measure", "customers"), len(histories), []
        at_first = sum(self.amount(question, history, 0) for history in histories)
        for offset in range(int(question["periods"]) if size else 0):
            starts, ends = self._span(question, cohort, offset)
            if starts > self.today:
                break
            counted = sum(self.amount(question, history, offset) for history in histories)
            whole = size if measure == "customers" else at_first
            value = counted / size if measure == "orders" else counted
            rows.append((cohort.isoformat(), group, size, offset, value, counted / whole if whole > 0 else None, ends < self.today))
        return rows

    def _span(self, question: dict[str, str], cohort: date, offset: int) -> tuple[date, date]:
        """The first day on which the cell of somebody begins, and the last one on which that of anybody ends."""
        period = question.get("period", "month")
        if question.get("mode") == "rolling":
            days, last = WINDOW[period], self.next(cohort, period) - DAY
            return cohort + offset * days * DAY, last + ((offset + 1) * days - 1) * DAY
        start = cohort
        for _ in range(offset):
            start = self.next(start, period)
        return start, self.next(start, period) - DAY

    def waiting(self, question: dict[str, str]) -> tuple[list[int], list[int]]:
        """Days from each day with an order to the customer's next one, and, for the last one, to today."""
        gaps, since = [], []
        for customer in self.customers(question.get("basis", "net")).values():
            if all(customer.attributes[dim] == question[dim] for dim in customer.attributes if dim in question):
                days = customer.active()
                gaps += [(after - before).days for before, after in pairwise(days)]
                since.append(max((self.today - days[-1]).days, 0))
        return gaps, since

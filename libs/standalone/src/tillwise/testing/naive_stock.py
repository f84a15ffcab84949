"""A second opinion on stock: every single unit is a record in a list, and every figure is found by looking at all of them.

Slow and plain on purpose; it shares nothing with what it checks.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

Unit = dict[str, Any]
FIGURES = ("received", "sold", "returned", "cost", "uncosted", "on_hand_time", "value_time", "out_time", "empty_time")


class NaiveStock:
    """One product's stock after all `events` of a shop, in whatever order they are given. Times are microseconds since 1970."""

    def __init__(self, events: list[dict[str, Any]], sku: str, timezone: str) -> None:
        self.on_hand: dict[str, list[Unit]] = {}
        self.owed: dict[str, list[str]] = {}
        self.transit: list[Unit] = []
        self.debts: list[int] = []
        self.sold: list[Unit] = []
        # The newest unit that ever came to a place.
        self.newest: dict[str, Unit] = {}
        self.figures = dict.fromkeys(FIGURES, 0)
        # Units of known cost, and what they are worth at the moving average.
        self.average = (0, 0)
        self.days: dict[date, dict[str, int]] = {}
        self.outs: list[tuple[int, int | None]] = []
        self.since: int | None = None
        self.lots = 0
        self._zone = ZoneInfo(timezone)
        # The last event.
        self.last = 0
        about = [event for event in {event["id"]: event for event in events}.values() if event["data"].get("sku") == sku]
        self._costs = sorted(
            (at_of(event), event["id"], event["data"]["unit_cost"])
            for event in about
            if event["type"] == "product.updated" and "unit_cost" in event["data"]
        )
        for event in sorted((e for e in about if e["type"].startswith("stock.")), key=lambda e: (at_of(e), _turn(e), e["id"])):
            self._take(event)

    def level(self, place: str) -> int:
        """Units at a place, less those it owes."""
        return len(self.on_hand[place]) - len(self.owed[place])

    def total(self) -> int:
        """Units at all places."""
        return sum(self.level(place) for place in self.on_hand)

    def layers(self, place: str | None) -> list[tuple[int, int | None, int]]:
        """(at, cost, units) of each lot at a place, oldest first; of None: in transit, in any order."""
        units = self.transit if place is None else self.on_hand[place]
        lots = Counter((unit["at"], unit["lot"], unit["cost"]) for unit in units)
        return [(at, cost, count) for (at, _, cost), count in sorted(lots.items(), key=lambda item: item[0][:2])]

    def owned(self) -> list[Unit]:
        """Units anywhere, also in transit."""
        return [unit for units in self.on_hand.values() for unit in units] + self.transit

    def value(self) -> int:
        """What the owned units cost, where it is known."""
        return sum(unit["cost"] for unit in self.owned() if unit["cost"] is not None)

    def until(self, moment: int) -> dict[str, int]:
        """The running figures at a moment after the last event."""
        span = moment - self.last if self.since is not None else 0
        more = {
            "value_time": self.value() * span,
            "on_hand_time": max(self.total(), 0) * span,
            "out_time": span if self.total() <= 0 else 0,
            "empty_time": span if self.total() == 0 else 0,
        }
        return {name: value + more.get(name, 0) for name, value in self.figures.items()}

    def _take(self, event: dict[str, Any]) -> None:
        data = event["data"]
        self._event, self._now, self._place = event, at_of(event), data.get("location", "")
        self._came: list[Unit] = []
        self._left: list[Unit] = []
        self.on_hand.setdefault(self._place, [])
        self.owed.setdefault(self._place, [])
        self._pass_time()
        reason = data.get("reason", "count")
        change = data["quantity"] - (self.level(self._place) if reason == "count" else 0)
        if change > 0:
            self._more(reason, change)
        elif change < 0:
            self._less(reason, -change)
        self._move_average(bought=reason == "receipt")
        if self.since is None and (reason == "count" or data["quantity"] > 0):
            self.since = self._now
        self._note()

    def _more(self, reason: str, count: int) -> None:
        match reason:
            case "receipt":
                self.figures["received"] += count
                self._gain([self._fresh()] * count)
            case "sale" | "return":
                self.figures["returned"] += count
                self._gain(self._what_was_sold(count))
            case "transfer":
                arrived = [self.transit.pop(0) for _ in range(min(count, len(self.transit)))]
                missing = [self._fresh()] * (count - len(arrived))
                self.debts += [unit["lot"] for unit in missing]
                self._came = [dict(unit) for unit in missing]
                self._enter([*arrived, *self._came])
            case _:
                came = [self.newest[self._place]] if self._place in self.newest else list(self.newest.values())
                here = self.on_hand[self._place] or came
                self._gain([max(here, key=_age) if here else self._fresh()] * count)

    def _less(self, reason: str, count: int) -> None:
        how = {"return": "sale", "receipt": "lost", "adjustment": "lost", "count": "lost"}.get(reason, reason)
        self.figures["received"] -= count if reason == "receipt" else 0
        self.figures["sold"] += count if how == "sale" else 0
        for _ in range(count):
            here = self.on_hand[self._place]
            if here:
                unit = max(here, key=_age) if reason == "receipt" else min(here, key=_age)
                here.remove(unit)
                self._gone(unit, how)
            else:
                self.owed[self._place].append(how)

    def _fresh(self) -> Unit:
        self.lots += 1
        return {"at": self._now, "lot": self.lots, "cost": self._cost()}

    def _cost(self) -> int | None:
        stated: int | None = self._event["data"].get("unit_cost")
        if stated is not None:
            return stated
        then = [cost for at, _, cost in self._costs if at <= self._now]
        return then[-1] if then else self._costs[0][2] if self._costs else None

    def _what_was_sold(self, count: int) -> list[Unit]:
        owed, units, fresh = self.owed[self._place], [], None
        for _ in range(count):
            if "sale" in owed:
                del owed[len(owed) - 1 - owed[::-1].index("sale")]
            elif self.sold:
                units.append(self.sold.pop())
                self._account(units[-1], -1)
            else:
                fresh = fresh or self._fresh()
                units.append(fresh)
        return units

    def _gain(self, units: list[Unit]) -> None:
        self._came = [dict(unit) for unit in units]
        self._enter(self._came)

    def _enter(self, units: list[Unit]) -> None:
        for unit in sorted(units, key=_age):
            self.newest[self._place] = max(self.newest.get(self._place, unit), unit, key=_age)
            if self.owed[self._place]:
                self._gone(unit, self.owed[self._place].pop(0))
            else:
                self.on_hand[self._place].append(unit)

    def _gone(self, unit: Unit, how: str) -> None:
        if how == "transfer":
            self._send(unit)
            return
        self._left.append(unit)
        if how == "sale":
            self._account(unit, 1)
            self.sold.append(unit)

    def _account(self, unit: Unit, sign: int) -> None:
        self.figures["uncosted" if unit["cost"] is None else "cost"] += sign * (1 if unit["cost"] is None else unit["cost"])

    def _send(self, unit: Unit) -> None:
        if not self.debts:
            self.transit.append(unit)
            return
        lot = self.debts.pop(0)
        # Where that is the newest that came, now it is known what it was.
        self.newest = {place: unit if newest["lot"] == lot else newest for place, newest in self.newest.items()}
        for place in sorted(self.on_hand):
            here = self.on_hand[place]
            for number, provisional in enumerate(here):
                if provisional["lot"] == lot:
                    here[number] = unit
                    self._left.append(provisional)
                    return
        self._left.append(unit)

    def _move_average(self, *, bought: bool) -> None:
        quantity, value = self.average
        came = [unit["cost"] for unit in self._came if unit["cost"] is not None]
        left = sum(unit["cost"] is not None for unit in self._left)
        if came and (bought or not quantity):
            value += sum(came)
        elif came:
            value += round(Fraction(value * len(came), quantity))
        quantity += len(came)
        if left:
            value -= round(Fraction(value * left, quantity))
        self.average = (quantity - left, value)

    def _pass_time(self) -> None:
        self.figures = self.until(self._now)
        self.last = self._now

    def _note(self) -> None:
        day = datetime.fromisoformat(self._event["occurred_at"]).astimezone(self._zone).date()
        self.days[max([day, *self.days])] = {"on_hand": self.total(), "value": self.value(), **self.figures}
        out = bool(self.outs) and self.outs[-1][1] is None
        if self.since is not None and self.total() <= 0 and not out:
            self.outs.append((self._now, None))
        elif out and self.total() > 0:
            since, _ = self.outs.pop()
            if since < self._now:
                self.outs.append((since, self._now))


def at_of(event: dict[str, Any]) -> int:
    """When an event happened, in microseconds since 1970."""
    return (datetime.fromisoformat(event["occurred_at"]) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _turn(event: dict[str, Any]) -> int:
    """Of one instant: what comes in, is sent, arrives, goes out, and what is counted."""
    if event["type"] == "stock.counted":
        return 5
    into = event["data"]["quantity"] > 0
    return (3 if into else 2) if event["data"]["reason"] == "transfer" else (1 if into else 4)


def _age(unit: Unit) -> tuple[int, int]:
    return unit["at"], unit["lot"]

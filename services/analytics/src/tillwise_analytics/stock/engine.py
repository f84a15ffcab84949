"""The rules of stock, on one product: exact, in integers, movement after movement. docs/decisions/0008-stock.md says why.

Where something leaves that is not there, the place owes it, and what comes next is what had left: it goes the way the
owed units went (sold, lost or sent).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any, NamedTuple

from msgspec.structs import astuple

from tillwise_analytics.stock.layers import by_age, push, put, share, take, take_some, units
from tillwise_analytics.stock.movement import COUNT, Movement
from tillwise_analytics.stock.state import SOLD_KEPT, Debt, Layer, Owed, Place, State, Tally

SALE, LOST, TRANSFER = "sale", "lost", "transfer"
WEEK = timedelta(days=7)


def monday(day: date) -> date:
    """The first day of its week, where weeks begin on Mondays."""
    return day - timedelta(days=day.weekday())


class Day(NamedTuple):
    """The figures after the last movement of a day: of the product (`location` None) or of a place; the fields of a Tally."""

    location: str | None
    figures: tuple[Any, ...]


class Week(NamedTuple):
    """The figures of the product with which a week begins (by its first day); the fields of a Tally."""

    begins: date
    figures: tuple[Any, ...]


class Out(NamedTuple):
    """A time without stock, in microseconds; `until` None: it goes on."""

    since: int
    until: int | None


class Replay:
    """Carries a state on, movement by movement, and collects the days (of its places, too, if `places`), the weeks that began and
    the times without stock on its way. `week_begin` tells the first day of a day's week.
    """

    def __init__(self, state: State, week_begin: Callable[[date], date] = monday, *, places: bool = False) -> None:
        self.state, self._week_begin, self._places = state, week_begin, places
        self.days: list[Day] = []
        self.weeks: list[Week] = []
        self.outs: list[Out] = []
        self._touched: dict[str | None, Tally] = {}
        # Units of known cost that this movement made ours, what they count for in the moving average, and units that left us.
        self._came = self._came_value = self._left = 0

    def run(self, movements: Iterable[Movement]) -> Replay:
        """Apply movements, which must be in order and later than all before, and come to an end."""
        self.feed(movements)
        return self.end()

    def feed(self, movements: Iterable[Movement]) -> None:
        """Apply some of them."""
        for movement in movements:
            self._apply(movement)

    def end(self) -> Replay:
        """No more come: the last days are told."""
        self.days += [Day(location, astuple(tally)) for location, tally in self._touched.items()]
        self._touched.clear()
        if self.state.out_since is not None:
            self.outs.append(Out(self.state.out_since, None))
        return self

    def _apply(self, movement: Movement) -> None:
        place = self.state.places.get(movement.location)
        if place is None:
            place = self.state.places[movement.location] = Place([], [], Tally())
        self._begin_weeks(movement.day)
        self._touch(None, self.state.total, movement)
        self._touch(movement.location, place.tally, movement)
        both = (self.state.total, place.tally)
        change = movement.quantity - place.tally.on_hand if movement.kind == COUNT else movement.quantity
        _RULES[movement.kind](self, place, movement, change)
        for tally in both:
            tally.on_hand += change
            if tally.since is None and (movement.quantity > 0 or movement.kind == COUNT):
                tally.since = movement.at
        self.state.movements += 1
        self.state.total.in_transit = units(self.state.transit)
        self._average()
        self._mark(movement.at)

    # The rules. `change` is by how much the units on hand change.

    def _receipt(self, place: Place, movement: Movement, change: int) -> None:
        for tally in (self.state.total, place.tally):
            tally.received += change
            if change > 0:
                tally.last_receipt = movement.at
        if change > 0:
            self._gain(place, movement, [self._new(movement, change)], priced=True)
        else:
            # What goes back to the supplier came last.
            self._leave(place, movement, -change, LOST, newest=True)

    def _sale(self, place: Place, movement: Movement, change: int) -> None:
        if change > 0:
            return self._back(place, movement, change)
        for tally in (self.state.total, place.tally):
            tally.sold -= change
            tally.last_sale = movement.at
        return self._leave(place, movement, -change, SALE)

    def _back(self, place: Place, movement: Movement, quantity: int) -> None:
        both = (self.state.total, place.tally)
        for tally in both:
            tally.returned += quantity
        quantity = _forgive(place.owed, quantity)
        restored = take(self.state.sold, quantity, last=True)
        for layer in restored:
            for tally in both:
                _cost(tally, layer, -1)
        missing = quantity - units(restored)
        self._gain(place, movement, [*restored, self._new(movement, missing)] if missing else restored)

    def _adjustment(self, place: Place, movement: Movement, change: int) -> None:
        if change > 0:
            self._gain(place, movement, [self._found(place, movement, change)])
        elif change < 0:
            self._leave(place, movement, -change, LOST)

    def _found(self, place: Place, movement: Movement, quantity: int) -> Layer:
        """Found units are of the newest layer there is; where none is left, of the newest that came to this place, else to any."""
        if place.layers:
            return place.layers[-1].part(quantity)
        came = [one.newest for one in ([place] if place.newest else self.state.places.values()) if one.newest]
        return max(came, key=lambda layer: (layer.at, layer.serial)).part(quantity) if came else self._new(movement, quantity)

    def _count(self, place: Place, movement: Movement, change: int) -> None:
        for tally in (self.state.total, place.tally):
            tally.last_count = movement.at
        self._adjustment(place, movement, change)

    def _transfer(self, place: Place, movement: Movement, change: int) -> None:
        if change < 0:
            return self._leave(place, movement, -change, TRANSFER)
        arrived = take(self.state.transit, change)
        missing = change - units(arrived)
        if missing:
            provisional = self._new(movement, missing)
            self.state.debts.append(Debt(provisional.serial, missing))
            self._own([provisional])
            arrived.append(provisional)
        return self._enter(place, movement, arrived)

    # What the rules are made of.

    def _new(self, movement: Movement, quantity: int) -> Layer:
        self.state.serial += 1
        return Layer(movement.at, self.state.serial, movement.cost, quantity)

    def _gain(self, place: Place, movement: Movement, layers: list[Layer], *, priced: bool = False) -> None:
        self._own(layers, priced=priced)
        self._enter(place, movement, layers)

    def _own(self, layers: list[Layer], *, priced: bool = False) -> None:
        """Units become ours. Bought at a price they move the average; others come in at it, or at their cost when there is none."""
        known = [layer for layer in layers if layer.cost is not None]
        own = sum(layer.quantity * (layer.cost or 0) for layer in known)
        state, count = self.state, units(known)
        at_average = not priced and state.total.average_quantity > 0
        self._came += count
        self._came_value += share(state.total.average_value, count, state.total.average_quantity) if at_average else own
        for layer in layers:
            state.total.hold(layer)

    def _disown(self, layer: Layer) -> None:
        self.state.total.hold(layer, -1)
        if layer.cost is not None:
            self._left += layer.quantity

    def _enter(self, place: Place, movement: Movement, layers: list[Layer]) -> None:
        """Units arrive at a place: what it owes first goes on, the rest stays."""
        for layer in by_age(layers):
            if place.newest is None or (layer.at, layer.serial) > (place.newest.at, place.newest.serial):
                place.newest = layer.part(0)
            while place.owed and layer.quantity:
                owed = place.owed[0]
                part = layer.part(min(owed.quantity, layer.quantity))
                layer.quantity -= part.quantity
                owed.quantity -= part.quantity
                if not owed.quantity:
                    place.owed.pop(0)
                self._dispose(place, movement, part, owed.how)
            if layer.quantity:
                place.tally.hold(layer)
                put(place.layers, layer)

    def _leave(self, place: Place, movement: Movement, quantity: int, how: str, *, newest: bool = False) -> None:
        """Units leave a place, the oldest first; what is not there is owed."""
        while quantity and place.layers:
            # One layer after the other: what is sent may give those that stay another date.
            layer = take_some(place.layers, quantity, last=newest)
            quantity -= layer.quantity
            place.tally.hold(layer, -1)
            self._dispose(place, movement, layer, how)
        if quantity and place.owed and place.owed[-1].how == how:
            place.owed[-1].quantity += quantity
        elif quantity:
            place.owed.append(Owed(how, quantity))

    def _dispose(self, place: Place, movement: Movement, layer: Layer, how: str) -> None:
        if how == TRANSFER:
            return self._send(movement, layer)
        self._disown(layer)
        if how == SALE:
            for tally in (self.state.total, place.tally):
                _cost(tally, layer)
            push(self.state.sold, layer)
            del self.state.sold[:-SOLD_KEPT]
        return None

    def _send(self, movement: Movement, layer: Layer) -> None:
        """Units go into transit; first they are what arrived before it was sent."""
        debts = self.state.debts
        while debts and layer.quantity:
            part = layer.part(min(debts[0].quantity, layer.quantity))
            layer.quantity -= part.quantity
            debts[0].quantity -= part.quantity
            serial = debts[0].serial
            if not debts[0].quantity:
                debts.pop(0)
            self._reveal(movement, serial, part)
        if layer.quantity:
            push(self.state.transit, layer)

    def _reveal(self, movement: Movement, serial: int, true: Layer) -> None:
        """What is left of a provisional layer takes the date and cost of what was sent; what left meanwhile keeps its own. Where it is
        the newest delivery to a place, that place remembers what was sent instead.
        """
        for place in self.state.places.values():
            if place.newest is not None and place.newest.serial == serial:
                place.newest = true.part(0)
        for location in sorted(self.state.places):
            place = self.state.places[location]
            held = next((layer for layer in place.layers if layer.serial == serial), None)
            if held is None or not true.quantity:
                continue
            self._touch(location, place.tally, movement)
            swapped = true.part(min(held.quantity, true.quantity))
            gone = held.part(swapped.quantity)
            held.quantity -= gone.quantity
            true.quantity -= gone.quantity
            place.layers[:] = [layer for layer in place.layers if layer.quantity]
            place.tally.hold(gone, -1)
            place.tally.hold(swapped)
            put(place.layers, swapped)
            self._disown(gone)
        if true.quantity:
            self._disown(true)

    def _average(self) -> None:
        """Everything in, then everything out at the average (half to even)."""
        state = self.state
        state.total.average_quantity += self._came
        state.total.average_value += self._came_value
        if self._left:
            state.total.average_value -= share(state.total.average_value, self._left, state.total.average_quantity)
            state.total.average_quantity -= self._left
        self._came = self._came_value = self._left = 0

    def _mark(self, at: int) -> None:
        """Keep the times without stock."""
        state = self.state
        there = state.total.on_hand > 0
        if not there and state.out_since is None and state.total.since is not None:
            state.out_since = at
        elif there and state.out_since is not None:
            if at > state.out_since:
                self.outs.append(Out(state.out_since, at))
            state.out_since = None

    def _begin_weeks(self, day: date) -> None:
        """What a week begins with is told for every week from the first movement to the last one: later ones begin as it is."""
        total = self.state.total
        if total.day is None or day <= total.day:
            return
        week = self._week_begin(total.day) + WEEK
        while week <= day:
            self.weeks.append(Week(week, astuple(total)))
            week += WEEK

    def _touch(self, location: str | None, tally: Tally, movement: Movement) -> None:
        # Clocks that go back at midnight must not take the day back.
        day = movement.day if tally.day is None else max(movement.day, tally.day)
        if location in self._touched and tally.day is not None and day > tally.day:
            self.days.append(Day(location, astuple(tally)))
        tally.day = day
        tally.advance(movement.at)
        if location is None or self._places:
            self._touched[location] = tally


def _cost(tally: Tally, layer: Layer, sign: int = 1) -> None:
    if layer.cost is None:
        tally.uncosted += sign * layer.quantity
    else:
        tally.cost += sign * layer.quantity * layer.cost


def _forgive(owed: list[Owed], quantity: int) -> int:
    """What comes back of what was sold and is owed, latest first, is not owed any more; returns what is left of it."""
    for one in reversed(owed):
        if one.how == SALE:
            part = min(one.quantity, quantity)
            one.quantity -= part
            quantity -= part
    owed[:] = [one for one in owed if one.quantity]
    return quantity


_RULES: dict[str, Callable[[Replay, Place, Movement, int], None]] = {
    "receipt": Replay._receipt,
    "sale": Replay._sale,
    "return": Replay._sale,
    "transfer": Replay._transfer,
    "adjustment": Replay._adjustment,
    "count": Replay._count,
}

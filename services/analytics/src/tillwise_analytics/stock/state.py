"""What is known of one product's stock after its last movement; a state can be put away and continued."""

from __future__ import annotations

from datetime import date

import msgspec

# A return reaches back to so many of the layers that were sold from last.
SOLD_KEPT = 64


class Layer(msgspec.Struct, array_like=True, gc=False):
    """Units that came together: when, as which delivery of the product (`serial`), at what cost per unit (None: unknown)."""

    at: int
    serial: int
    cost: int | None
    quantity: int

    def part(self, quantity: int) -> Layer:
        """So many of its units."""
        return Layer(self.at, self.serial, self.cost, quantity)


class Owed(msgspec.Struct, array_like=True, gc=False):
    """Units that left before they came, and how: `SALE`, `LOST` or `TRANSFER`."""

    how: str
    quantity: int


class Debt(msgspec.Struct, array_like=True, gc=False):
    """Units of a provisional layer (`serial`), which arrived by a transfer that nobody had sent yet."""

    serial: int
    quantity: int


class Tally(msgspec.Struct, array_like=True):
    """Running figures, of the product or of one of its places, up to its last movement (`at`).

    Times are in microseconds. `value` is that of layers whose cost is known, first in first out; `unknown` counts the units of
    the others. What runs from `since`, the first time that something came or was counted: `on_hand_time` and `value_time`
    (units and value, times how long they lay there), `out_time` (how long nothing was there) and the part of it in which nothing was owed
    either (`empty_time`): below zero goods are sold, whatever the books say.
    """

    day: date | None = None
    at: int = 0
    on_hand: int = 0
    value: int = 0
    unknown: int = 0
    received: int = 0
    sold: int = 0
    returned: int = 0
    cost: int = 0
    uncosted: int = 0
    on_hand_time: int = 0
    value_time: int = 0
    out_time: int = 0
    empty_time: int = 0
    # Of the product only: units on their way between places, and units of known cost with their value at the moving average.
    in_transit: int = 0
    average_quantity: int = 0
    average_value: int = 0
    since: int | None = None
    last_receipt: int | None = None
    last_sale: int | None = None
    last_count: int | None = None

    def advance(self, at: int) -> None:
        """Let time pass until `at`."""
        if self.since is not None:
            span = at - self.at
            self.value_time += self.value * span
            if self.on_hand > 0:
                self.on_hand_time += self.on_hand * span
            else:
                self.out_time += span
                self.empty_time += span if self.on_hand == 0 else 0
        self.at = at

    def hold(self, layer: Layer, sign: int = 1) -> None:
        """Count a layer in, or out (-1)."""
        if layer.cost is None:
            self.unknown += sign * layer.quantity
        else:
            self.value += sign * layer.quantity * layer.cost


class Place(msgspec.Struct, array_like=True):
    """A location: its layers, oldest first, or what it owes. Units on hand are the one less the other. `newest` is the newest
    layer of which something ever came here, whatever is left of it.
    """

    layers: list[Layer]
    owed: list[Owed]
    tally: Tally
    newest: Layer | None = None


class State(msgspec.Struct, array_like=True):
    """One product's stock. `transit` holds what was sent and has not arrived, in the order of sending; `debts` what arrived and was
    not sent. `sold` are the layers sold from, latest last.
    """

    places: dict[str, Place] = {}
    transit: list[Layer] = []
    debts: list[Debt] = []
    sold: list[Layer] = []
    serial: int = 0
    movements: int = 0
    out_since: int | None = None
    total: Tally = msgspec.field(default_factory=Tally)


# JSON, because the products of value and time outgrow 64 bits.
encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(State).decode

"""Lines become orders: they are gathered as long as lines of the same order keep coming, so that a file of any size streams."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from hashlib import blake2b
from typing import NamedTuple

from tillwise.imports.ledger import Ledger, Outgoing
from tillwise.imports.money import ZERO
from tillwise.imports.seen import Seen
from tillwise_common.contracts import events

# Lines of two orders may be mixed, but hardly further apart than this.
WINDOW = 2_000
LONGEST_KEY = 128
# Room for the suffix of an order that had to be split.
LONGEST_ORDER_ID = 120


class Line(events.OrderLine, forbid_unknown_fields=True, gc=False, omit_defaults=True):
    """A line of an order as it is sent: what is not known is left out."""


class Order(events.Order, forbid_unknown_fields=True, gc=False, omit_defaults=True):
    """An order as it is sent."""


class Placed(events.OrderPlaced, tag="order.placed", forbid_unknown_fields=True, gc=False, omit_defaults=True):
    """`order.placed` as it is sent."""


class Head(NamedTuple):
    """What a line says about its whole order. The first line that says something counts."""

    customer_id: str | None = None
    country: str | None = None
    channel: str | None = None
    shipping: int = 0
    tax: int = 0

    def completed(self, other: Head) -> Head:
        """What this one says, else the other."""
        return Head(
            self.customer_id or other.customer_id,
            self.country or other.country,
            self.channel or other.channel,
            self.shipping or other.shipping,
            self.tax or other.tax,
        )


class _Open:
    """An order that may still get lines."""

    __slots__ = ("at", "head", "lines", "minor", "numbers", "order_id", "rounding", "seen_at")

    def __init__(self, order_id: str, at: datetime, head: Head) -> None:
        self.order_id, self.at, self.head = order_id, at, head
        self.lines: list[events.OrderLine] = []
        self.numbers: list[int] = []
        self.minor = 0
        self.rounding = ZERO
        self.seen_at = 0


class OrderBook:
    """Gathers lines to orders. Give it every line with `add`, then take the rest with `close`."""

    def __init__(self, source: str, ledger: Ledger) -> None:
        self._prefix = f"import:{source}:"
        self._ledger = ledger
        self._seen = Seen()
        # Oldest last line first: the one in hand is always the last.
        self._open: dict[str, _Open] = {}
        self._key = ""
        self._order: _Open | None = None

    def add(
        self, key: str, number: int, at: datetime, head: Head, lines: list[Line], minor: int, rounding: Decimal = ZERO
    ) -> list[Outgoing]:
        """Put a line of the file (one line of an order, or two) into the order `key`; returns the orders that are complete."""
        finished: list[Outgoing] = []
        order = self._order
        if order is None or key != self._key:
            finished = self._turn_to(key, number, at, head)
            order = self._order
            assert order is not None
        if len(order.lines) + len(lines) > events.MAX_LINES:
            finished.append(self._finish(self._open.pop(key)))
            order = self._begin(key, at, order.head)
        if head != order.head:
            order.head = order.head.completed(head)
        order.seen_at = number
        order.lines += lines
        order.numbers.append(number)
        order.minor += minor
        if rounding:
            order.rounding += rounding
        return finished

    def close(self) -> Iterator[Outgoing]:
        """The orders that were still open when the file ended."""
        for order in self._open.values():
            yield self._finish(order)
        self._open.clear()
        self._order = None

    def _turn_to(self, key: str, number: int, at: datetime, head: Head) -> list[Outgoing]:
        finished = []
        while self._open:
            oldest, order = next(iter(self._open.items()))
            if number - order.seen_at <= WINDOW:
                break
            del self._open[oldest]
            finished.append(self._finish(order))
        found = self._open.pop(key, None)
        if found is None:
            self._begin(key, at, head)
        else:
            self._open[key] = found
            self._key, self._order = key, found
        return finished

    def _begin(self, key: str, at: datetime, head: Head) -> _Open:
        order = _Open(self._unused(key), at, head)
        self._open[key] = order
        self._key, self._order = key, order
        return order

    def _unused(self, key: str) -> str:
        """An order ID that this file has not had: an order.placed with a known one would replace the former order."""
        if self._seen.add(key):
            return key
        self._ledger.orders_split += 1
        part = 2
        while not self._seen.add(f"{key}#{part}"):
            part += 1
        return f"{key}#{part}"

    def _finish(self, order: _Open) -> Outgoing:
        head = order.head
        data = Order(
            order_id=order.order_id,
            lines=order.lines,
            customer_id=head.customer_id,
            channel=head.channel,
            country=head.country,
            shipping=head.shipping,
            tax=head.tax,
        )
        event = Placed(occurred_at=order.at, id=event_id(self._prefix, order.order_id), data=data)
        return Outgoing(event, order.at, order.numbers, order.minor, order.rounding)


def event_id(prefix: str, key: str) -> str:
    """The same ID for the same order in every run, so that a repeated import adds nothing."""
    whole = prefix + key
    if len(whole) <= LONGEST_KEY:
        return whole
    return f"{prefix}sha:{blake2b(key.encode(), digest_size=16).hexdigest()}"

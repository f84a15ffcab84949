"""From stream messages to the rows that are copied into the staging tables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec

from tillwise_common.contracts import batches, events
from tillwise_common.contracts.batches import Batch, Part
from tillwise_common.contracts.stores import Store

EVENT_COLUMNS = (
    "store_id", "event_id", "type", "subject", "occurred_at", "received_at", "request_id", "body_hash",
    "customer_id", "currency", "channel", "country", "shipping", "tax",
    "refund_id", "amount", "location", "quantity", "reason", "unit_cost", "attributes", "is_sale",
)  # fmt: skip
LINE_COLUMNS = (
    "store_id", "event_id", "line_no", "sku", "quantity", "unit_price", "amount", "name", "category", "unit_cost", "discount",
    "first_of_order", "first_of_sku",
)  # fmt: skip

SUBJECT = EVENT_COLUMNS.index("subject")

Row = tuple[Any, ...]
_encode = msgspec.json.Encoder(order="deterministic").encode


class Staged:
    """Rows of one transaction: what one or more messages say, without repeats among themselves."""

    def __init__(self) -> None:
        self.stores: dict[int, Store] = {}
        self.events: list[Row] = []
        self.lines: list[Row] = []
        self.kinds: set[str] = set()
        self.repeats = 0
        self.conflicts = 0
        # Orders that more than one event is about (of whichever store: what is not new for sure is looked up).
        self.told_twice: set[str] = set()
        self._seen: dict[tuple[int, str], int] = {}
        self._orders: set[tuple[int, str]] = set()

    def __len__(self) -> int:
        return len(self.events)

    def add(self, batch: Batch) -> None:
        """Add all events of a message. Raises msgspec.DecodeError for a message that no gateway lets through."""
        self.stores[batch.store.id] = batch.store
        for part in batch.parts:
            self._add_part(batch.store.id, part)

    def _add_part(self, store_id: int, part: Part) -> None:
        stamp = (part.received_at, part.request_id)
        seen, add_event, add_lines = self._seen, self.events.append, self.lines.extend
        for index, event in enumerate(batches.decode_events(part)):
            event_id = event.id or batches.event_id(part, index, event)
            body_hash = int.from_bytes(blake2b(_encode(event), digest_size=8).digest(), signed=True)
            before = seen.setdefault((store_id, event_id), body_hash)
            if before is not body_hash:
                self.repeats += 1
                self.conflicts += before != body_hash
                continue
            kind = type(event)
            self.kinds.add(kind.__name__)
            event_row, lines = _ROWS[kind](store_id, event_id, event, body_hash, stamp)
            add_event(event_row)
            if lines:
                add_lines(lines)
            if kind in _OF_ORDERS:
                self._know(store_id, event_row[SUBJECT])

    def _know(self, store_id: int, order_id: str) -> None:
        if (store_id, order_id) in self._orders:
            self.told_twice.add(order_id)
        self._orders.add((store_id, order_id))


def _head(store_id: int, event_id: str, kind: str, subject: str, event: Any, body_hash: int, stamp: tuple[datetime, str]) -> Row:
    return (store_id, event_id, kind, subject, event.occurred_at, *stamp, body_hash)


def _placed(store_id: int, event_id: str, event: events.OrderPlaced, body_hash: int, stamp: tuple[datetime, str]) -> tuple[Row, list[Row]]:
    order = event.data
    lines: list[Row] = []
    sold: set[str] = set()
    for n, e in enumerate(order.lines):
        counts = e.quantity > 0 and e.sku not in sold
        told = (store_id, event_id, n, e.sku, e.quantity, e.unit_price, None, e.name, e.category, e.unit_cost, e.discount)
        lines.append((*told, counts and not sold, counts))
        if counts:
            sold.add(e.sku)
    head = _head(store_id, event_id, "order.placed", order.order_id, event, body_hash, stamp)
    tail = (order.customer_id, order.currency, order.channel, order.country, order.shipping, order.tax)
    return (*head, *tail, None, None, None, None, None, None, None, bool(sold)), lines


def _refunded(
    store_id: int, event_id: str, event: events.OrderRefunded, body_hash: int, stamp: tuple[datetime, str]
) -> tuple[Row, list[Row]]:
    refund = event.data
    lines = [
        (store_id, event_id, n, line.sku, line.quantity, None, line.amount, None, None, None, 0, False, False)
        for n, line in enumerate(refund.lines)
    ]
    head = _head(store_id, event_id, "order.refunded", refund.order_id, event, body_hash, stamp)
    return (*head, *_NO_ORDER, refund.refund_id, refund.amount, None, None, None, None, None, False), lines


def _cancelled(store_id: int, event_id: str, event: events.OrderCancelled, body_hash: int, stamp: tuple[datetime, str]) -> tuple[Row, None]:
    head = _head(store_id, event_id, "order.cancelled", event.data.order_id, event, body_hash, stamp)
    return (*head, *_NO_ORDER, None, None, None, None, None, None, None, False), None


def _described(kind: str, key: str) -> Callable[..., tuple[Row, None]]:
    def rows(store_id: int, event_id: str, event: Any, body_hash: int, stamp: tuple[datetime, str]) -> tuple[Row, None]:
        head = _head(store_id, event_id, kind, event.data[key], event, body_hash, stamp)
        attributes = _encode({name: value for name, value in event.data.items() if name != key}).decode()
        return (*head, *_NO_ORDER, None, None, None, None, None, None, attributes, False), None

    return rows


def _stock(kind: str) -> Callable[..., tuple[Row, None]]:
    def rows(store_id: int, event_id: str, event: Any, body_hash: int, stamp: tuple[datetime, str]) -> tuple[Row, None]:
        data = event.data
        head = _head(store_id, event_id, kind, data.sku, event, body_hash, stamp)
        reason, unit_cost = getattr(data, "reason", None), getattr(data, "unit_cost", None)
        return (*head, *_NO_ORDER, None, None, data.location, data.quantity, reason, unit_cost, None, False), None

    return rows


_NO_ORDER = (None,) * 6
_OF_ORDERS = {events.OrderPlaced, events.OrderRefunded, events.OrderCancelled}
_ROWS: dict[type, Callable[..., tuple[Row, list[Row] | None]]] = {
    events.OrderPlaced: _placed,
    events.OrderRefunded: _refunded,
    events.OrderCancelled: _cancelled,
    events.ProductUpdated: _described("product.updated", "sku"),
    events.CustomerUpdated: _described("customer.updated", "customer_id"),
    events.StockMoved: _stock("stock.moved"),
    events.StockCounted: _stock("stock.counted"),
}

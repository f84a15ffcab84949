"""Lines of orders into orders, streaming: an order is complete when none of its lines was seen for a while."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from tillwise.imports.model import Outgoing, Target

# Lines of one order lie together in most files, but not always: so many rows apart they still find each other.
WINDOW_ROWS = 2_000
MOST_LINES = 2_000
REMEMBERED_ORDERS = 200_000


@dataclass
class Line:
    """One line of an order as a file has it."""

    row: int
    order_id: str
    at: datetime
    sku: str
    quantity: int
    price: Decimal
    fields: dict[str, Any] = field(default_factory=dict)
    order_fields: dict[str, Any] = field(default_factory=dict)
    discount: Decimal = Decimal(0)


@dataclass
class _Open:
    part: int
    first: Line
    last_row: int
    lines: list[dict[str, Any]] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    minor: int = 0
    exact: Decimal = Decimal(0)


class Grouper:
    """Groups lines by order. An order that goes on after its window (or gets too long) becomes a second one, `ID#2`."""

    def __init__(self, target: Target, source: str) -> None:
        self._target, self._source = target, source
        self._open: OrderedDict[str, _Open] = OrderedDict()
        # How many parts the latest orders have, in two generations: a second part is rare, but it must not replace
        # the first, and memory must not grow with the file.
        self._parts: dict[str, int] = {}
        self._older_parts: dict[str, int] = {}
        self.split_orders = 0

    def add(self, line: Line) -> Iterator[Outgoing]:
        """Take a line; gives the orders that are complete now."""
        order = self._open.get(line.order_id)
        if order is not None and len(order.lines) >= MOST_LINES:
            yield self._finish(self._open.pop(line.order_id))
            order = None
        if order is None:
            order = self._open[line.order_id] = _Open(self._next_part(line.order_id), line, line.row)
        self._put(order, line)
        while self._open:
            oldest = next(iter(self._open.values()))
            if line.row - oldest.last_row <= WINDOW_ROWS:
                break
            yield self._finish(self._open.pop(oldest.first.order_id))

    def rest(self) -> Iterator[Outgoing]:
        """The orders still open at the end of the file."""
        while self._open:
            yield self._finish(self._open.popitem(last=False)[1])

    def _next_part(self, order_id: str) -> int:
        if len(self._parts) >= REMEMBERED_ORDERS:
            self._parts, self._older_parts = {}, self._parts
        known = self._parts.get(order_id) or self._older_parts.get(order_id, 0)
        part = self._parts[order_id] = known + 1
        self.split_orders += part > 1
        return part

    def _put(self, order: _Open, line: Line) -> None:
        quantity, price = line.quantity, line.price
        if price < 0:
            # The API knows no negative prices: a reversal is a negative quantity.
            quantity, price = -quantity, -price
        minor, discount = self._target.minor(price), self._target.minor(line.discount)
        order.lines.append(
            {"sku": line.sku, "quantity": quantity, "unit_price": minor, **line.fields, **({"discount": discount} if discount else {})}
        )
        order.rows.append(line.row)
        order.minor += quantity * minor - discount
        order.exact += quantity * price - line.discount
        order.last_row = line.row
        self._open.move_to_end(line.order_id)

    def _finish(self, order: _Open) -> Outgoing:
        first = order.first
        order_id = first.order_id if order.part == 1 else f"{first.order_id}#{order.part}"
        event = {
            "type": "order.placed",
            # The same on every run, so that a second import adds nothing.
            "id": f"import:{self._source}:{order_id}",
            "occurred_at": first.at.isoformat(),
            "data": {"order_id": order_id, **first.order_fields, "lines": order.lines},
        }
        return Outgoing(event, order.rows, first.at.date(), order.minor, order.exact)

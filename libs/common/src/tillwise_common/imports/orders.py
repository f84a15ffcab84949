"""Lines of orders into orders, streaming: an order is complete when none of its lines was seen for a while."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from tillwise_common.imports.model import LONGEST_KEY, Outgoing, Refused, Target
from tillwise_common.imports.seen import Seen

# Lines of one order lie together in most files, but not always: so many rows apart they still find each other.
WINDOW_ROWS = 2_000
MOST_LINES = 2_000
# Room for "import:online-retail:" before it and "#2" behind it.
LONGEST_ORDER_ID = 100


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
    # What all pieces cost together, before the discount, where the file says that instead of a price.
    worth: Decimal | None = None


@dataclass
class _Open:
    order_id: str
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
        # All order ids of the file, in a few bytes each: a second part is rare, but it must never replace the first.
        self._used = Seen()
        self.split_orders = 0

    def add(self, line: Line) -> Iterator[Outgoing]:
        """Take a line; gives the orders that are complete now."""
        _check_names(line)
        order = self._open.get(line.order_id)
        if order is not None and len(order.lines) >= MOST_LINES:
            yield self._finish(self._open.pop(line.order_id))
            order = None
        if order is None:
            order = self._open[line.order_id] = _Open(self._unused(line.order_id), line, line.row)
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

    def _unused(self, order_id: str) -> str:
        """The id itself, or `ID#2` and so on when this file has used it: order.placed with a known id would replace the order."""
        if self._used.add(order_id):
            return order_id
        self.split_orders += 1
        part = 2
        while not self._used.add(f"{order_id}#{part}"):
            part += 1
        return f"{order_id}#{part}"

    def _put(self, order: _Open, line: Line) -> None:
        exact = line.quantity * line.price if line.worth is None else line.worth
        discount = self._target.minor(line.discount)
        # The API knows no negative prices: a reversal is a negative quantity.
        sign = -1 if exact < 0 or (line.quantity < 0 and not exact) else 1
        worth = self._target.minor(exact)
        for units, price in shares(abs(line.quantity), abs(worth), self._target.minor(abs(line.price))):
            sent = {"sku": line.sku, "quantity": sign * units, "unit_price": price, **line.fields}
            order.lines.append(sent | {"discount": discount} if discount else sent)
            # Of a line that is sent as two, the first has the discount.
            discount, order.minor = 0, order.minor - discount
        order.rows.append(line.row)
        order.minor += worth
        order.exact += exact - line.discount
        order.last_row = line.row
        self._open.move_to_end(line.order_id)

    def _finish(self, order: _Open) -> Outgoing:
        first, order_id = order.first, order.order_id
        event = {
            "type": "order.placed",
            # The same on every run, so that a second import adds nothing.
            "id": f"import:{self._source}:{order_id}",
            "occurred_at": first.at.isoformat(),
            "data": {"order_id": order_id, **first.order_fields, "lines": order.lines},
        }
        return Outgoing(event, order.rows, first.at.astimezone(self._target.zone).date(), order.minor, order.exact)


def shares(units: int, worth: int, price: int) -> list[tuple[int, int]]:
    """Units and unit prices in whole minor units that make `worth` exactly: 3 for 1000 are 2 at 333 and 1 at 334."""
    if units * price == worth:
        return [(units, price)]
    each, dearer = divmod(worth, units)
    return [(count, at) for count, at in ((units - dearer, each), (dearer, each + 1)) if count]


def _check_names(line: Line) -> None:
    if len(line.order_id) > LONGEST_ORDER_ID:
        raise Refused("bad_order_id")
    if len(line.sku) > LONGEST_KEY:
        raise Refused("bad_sku")
    if len(line.order_fields.get("customer_id", "")) > LONGEST_KEY:
        raise Refused("bad_customer")

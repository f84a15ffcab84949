"""Whole orders of shop systems into events: placed, and given back or cancelled where the file says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from tillwise_common.imports.model import LONGEST_KEY, Outgoing, Refused, Target
from tillwise_common.imports.orders import LONGEST_ORDER_ID, MOST_LINES, shares

LONGEST_NAME, LONGEST_COUNTRY = 256, 64


@dataclass
class Item:
    """A product on an order: what all its pieces cost together, and what was taken off."""

    sku: str
    name: str
    quantity: int
    worth: Decimal
    discount: Decimal = Decimal(0)


@dataclass
class Refund:
    """Money given back, goods or not."""

    at: datetime
    amount: Decimal


@dataclass
class Receipt:
    """One order with all that became of it, and the rows of the file that say so."""

    rows: list[int]
    order_id: str
    at: datetime
    items: list[Item]
    customer_id: str = ""
    country: str = ""
    channel: str = ""
    shipping: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    refunds: list[Refund] = field(default_factory=list)
    cancelled: datetime | None = None

    def check(self) -> None:
        """Raises Refused for what the platform could not take."""
        if not self.order_id or len(self.order_id) > LONGEST_ORDER_ID:
            raise Refused("bad_order_id" if self.order_id else "missing_order_id")
        if not self.items or len(self.items) > MOST_LINES:
            raise Refused("too_many_lines" if self.items else "no_lines")
        if len(self.customer_id) > LONGEST_KEY:
            raise Refused("bad_customer")
        for item in self.items:
            if not item.sku or len(item.sku) > LONGEST_KEY:
                raise Refused("bad_sku" if item.sku else "missing_sku")


def events(receipt: Receipt, source: str, target: Target) -> Iterator[Outgoing]:
    """The events of an order; the first stands for all its rows. Raises Refused before any."""
    receipt.check()
    lines, minor = _lines(receipt.items, target)
    exact = sum((item.worth - item.discount for item in receipt.items), Decimal(0))
    told = {"order_id": receipt.order_id, **_fields(receipt, target), "lines": lines}
    yield _event("order.placed", source, receipt, receipt.at, told, target, (minor, exact), rows=receipt.rows)
    if receipt.cancelled is not None:
        # It counts nothing any more, so nothing of it was given back.
        gone = {"order_id": receipt.order_id}
        yield _event("order.cancelled", source, receipt, receipt.cancelled, gone, target, (-minor, -exact), part=":cancelled")
        return
    for number, refund in enumerate(receipt.refunds, start=1):
        # Taxes and shipping are no sales: of goods, no more can be given back than was paid for them.
        back = min(refund.amount, exact)
        given = min(target.minor(back), minor)
        if given <= 0:
            continue
        minor, exact = minor - given, exact - back
        data = {"order_id": receipt.order_id, "refund_id": f"{receipt.order_id}:{number}", "amount": given}
        yield _event("order.refunded", source, receipt, refund.at, data, target, (-given, -back), part=f":refund:{number}")


def _event(
    kind: str,
    source: str,
    receipt: Receipt,
    at: datetime,
    data: dict[str, Any],
    target: Target,
    worth: tuple[int, Decimal],
    *,
    part: str = "",
    rows: list[int] | None = None,
) -> Outgoing:
    # The same on every run, so that a second import adds nothing.
    event = {"type": kind, "id": f"import:{source}:{receipt.order_id}{part}", "occurred_at": at.isoformat(), "data": data}
    return Outgoing(event, rows or [], at.astimezone(target.zone).date(), *worth)


def _lines(items: list[Item], target: Target) -> tuple[list[dict[str, Any]], int]:
    """The lines as the platform takes them, and what they are worth in minor units."""
    lines, total = list[dict[str, Any]](), 0
    for item in items:
        worth, discount = target.minor(item.worth), target.minor(item.discount)
        total += worth - discount
        about = {"name": item.name[:LONGEST_NAME]} if item.name else {}
        for units, price in shares(item.quantity, worth, worth // item.quantity if item.quantity else 0):
            line = {"sku": item.sku, "quantity": units, "unit_price": price, **about}
            lines.append(line | {"discount": discount} if discount else line)
            discount = 0
    return lines, total


def _fields(receipt: Receipt, target: Target) -> dict[str, Any]:
    said = {
        "customer_id": receipt.customer_id,
        "country": receipt.country[:LONGEST_COUNTRY],
        "channel": receipt.channel[:LONGEST_NAME],
        "shipping": max(target.minor(receipt.shipping), 0),
        "tax": max(target.minor(receipt.tax), 0),
    }
    return {name: value for name, value in said.items() if value}


def spread(discount: Decimal, items: list[Item], target: Target) -> None:
    """Give every item its share of what was taken off the whole order, in whole minor units."""
    left, open_worth = discount, sum((item.worth for item in items), Decimal(0))
    unit = Decimal(1).scaleb(-target.exponent)
    for item in items:
        share = (left * item.worth / open_worth).quantize(unit) if open_worth else Decimal(0)
        item.discount = share
        left, open_worth = left - share, open_worth - item.worth

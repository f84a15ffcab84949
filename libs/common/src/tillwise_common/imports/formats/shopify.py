"""Shopify's export of orders: a row for each line of an order, of which only the first has what belongs to the order.

An order is taken as a whole or not at all: a missing line would leave its discount wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import groupby

from tillwise_common.imports.amounts import amount, quantity
from tillwise_common.imports.cells import Columns, moment, paid
from tillwise_common.imports.model import Outgoing, Refused, Rejects, Target
from tillwise_common.imports.receipts import Item, Receipt, Refund, events, spread
from tillwise_common.imports.rows import Rows

NEEDED = ("Name", "Created at", "Currency", "Lineitem quantity", "Lineitem name", "Lineitem price")
TIMES = ("%Y-%m-%d %H:%M:%S %z", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S")
# Never paid for, and never will be.
VOID = ("voided", "expired")
Numbered = tuple[int, dict[str, str]]


class Shopify:
    """The adapter."""

    name = "shopify"
    description = "Shopify's CSV export of orders (Orders > Export)"

    def events(self, lines: Iterator[str], target: Target, reject: Rejects) -> Iterator[Outgoing]:
        """One order per Name, with what was given back or cancelled."""
        rows = Rows(lines, reject)
        columns = Columns(rows.header, NEEDED)
        named = ((row, columns.read(cells)) for row, cells in rows)
        for _, group in groupby(named, key=lambda found: found[1]["Name"]):
            yield from _order(list(group), target, reject)


def _order(rows: list[Numbered], target: Target, reject: Rejects) -> Iterator[Outgoing]:
    # What is wrong is told of its own row; the other rows of the order cannot be used for that.
    row = rows[0][0]
    try:
        receipt = _head(rows, target)
        for number, cells in rows:
            row = number
            receipt.items.append(_item(cells))
        row = rows[0][0]
        _discount(receipt, rows[0][1], target)
        made = list(events(receipt, Shopify.name, target))
    except Refused as refused:
        for number, _ in rows:
            reject(number, refused.code if number == row else "order_rejected")
        return
    yield from made


def _head(rows: list[Numbered], target: Target) -> Receipt:
    cells = rows[0][1]
    if not cells["Name"]:
        raise Refused("missing_order_id")
    if not cells["Created at"] and not cells["Currency"]:
        # The order's first row is not there, or was rejected.
        raise Refused("order_rejected")
    if cells["Currency"].upper() not in ("", target.currency):
        raise Refused("currency_mismatch")
    at = moment(cells["Created at"], TIMES, target)
    ended = moment(cells["Cancelled at"], TIMES, target) if cells.get("Cancelled at") else None
    if ended is None and cells.get("Financial Status", "").lower() in VOID:
        ended = at
    back = paid(cells, "Refunded Amount", "refund")
    return Receipt(
        [row for row, _ in rows], cells["Name"], at, [], cells.get("Email", "").lower(),
        cells.get("Shipping Country") or cells.get("Billing Country", ""), cells.get("Source", ""),
        paid(cells, "Shipping", "shipping"), paid(cells, "Taxes", "tax"), [Refund(at, back)] if back else [], ended,
    )  # fmt: skip


def _item(cells: dict[str, str]) -> Item:
    pieces = quantity(cells["Lineitem quantity"], none=True)
    price = amount(cells["Lineitem price"])
    if price < 0 or pieces < 0:
        raise Refused("bad_price" if price < 0 else "bad_quantity")
    name = cells["Lineitem name"]
    # Many products of small shops have no SKU: the name is what they are known by.
    return Item(cells.get("Lineitem sku") or name[:128], name, pieces, pieces * price)


def _discount(receipt: Receipt, head: dict[str, str], target: Target) -> None:
    """What was taken off the products: Subtotal is theirs after it. Discount Amount may be for the shipping as well."""
    before = sum((item.worth for item in receipt.items), Decimal(0))
    off = before - paid(head, "Subtotal", "amount") if head.get("Subtotal") else paid(head, "Discount Amount", "discount")
    if not 0 <= off <= before:
        raise Refused("bad_amount" if head.get("Subtotal") else "bad_discount")
    if off:
        spread(off, receipt.items, target)

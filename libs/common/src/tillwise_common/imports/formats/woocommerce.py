"""WooCommerce's orders as its usual CSV export plugin writes them: a row is an order, its products are in the columns line_item_1, 2, …"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from tillwise_common.imports.amounts import quantity
from tillwise_common.imports.cells import Columns, moment, paid
from tillwise_common.imports.model import Outgoing, Refused, Rejects, Target
from tillwise_common.imports.receipts import Item, Receipt, Refund, events
from tillwise_common.imports.rows import Rows

NEEDED = ("order_id", "order_date", "status", "order_currency", "line_item_1")
TIMES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S%z")
SALES = ("completed", "processing", "on-hold", "refunded", "cancelled")
_LINE_ITEM = re.compile(r"line_item_\d+")
# Names may hold the separator: a part begins where a key does.
_PART = re.compile(r"(?:^|\|)(name|product_id|sku|quantity|total|sub_total|tax|tax_data|refunded|_variation_id|meta:[^:|]*):")
_REFUND = re.compile(r"amount:(?P<amount>[^|]*)\|reason:(?P<reason>.*?)\|date:(?P<date>[^;|]*)(?:;|$)", re.DOTALL)


class WooCommerce:
    """The adapter."""

    name = "woocommerce"
    description = "WooCommerce orders as Order Export & Order Import for WooCommerce writes them"

    def events(self, lines: Iterator[str], target: Target, reject: Rejects) -> Iterator[Outgoing]:
        """One order per row, with what was given back or cancelled."""
        rows = Rows(lines, reject)
        columns = Columns(rows.header, NEEDED)
        for row, cells in rows:
            try:
                made = list(events(_receipt(row, columns.read(cells), target), self.name, target))
            except Refused as refused:
                reject(row, refused.code)
            else:
                yield from made


def _receipt(row: int, cells: dict[str, str], target: Target) -> Receipt:
    status = cells["status"].lower().removeprefix("wc-")
    if status not in SALES:
        raise Refused("not_a_sale")
    if cells["order_currency"].upper() not in ("", target.currency):
        raise Refused("currency_mismatch")
    at = moment(cells["order_date"], TIMES, target)
    return Receipt(
        [row], cells.get("order_number") or cells["order_id"], at, _items(cells), _customer(cells),
        cells.get("shipping_country") or cells.get("billing_country", ""), "",
        paid(cells, "shipping_total", "shipping"), paid(cells, "tax_total", "tax"), _refunds(cells, status, at, target),
        # When it was cancelled, the file does not say.
        at if status == "cancelled" else None,
    )  # fmt: skip


def _customer(cells: dict[str, str]) -> str:
    """The number of the account; guests (0) are known by their address."""
    known = cells.get("customer_id") or cells.get("customer_user", "")
    return known if known not in ("", "0") else cells.get("billing_email", "").lower()


def _items(cells: dict[str, str]) -> list[Item]:
    return [_item(_parts(text)) for name, text in cells.items() if text and _LINE_ITEM.fullmatch(name)]


def _item(said: dict[str, str]) -> Item:
    pieces = quantity(said.get("quantity", ""))
    after, before = paid(said, "total", "amount"), paid(said, "sub_total", "amount")
    if pieces < 0:
        raise Refused("bad_quantity")
    if "total" not in said:
        raise Refused("bad_amount")
    name = said.get("name", "")
    sku = said.get("sku") or said.get("product_id") or name[:128]
    # A line that was made dearer by hand is worth what was paid.
    return Item(sku, name, pieces, max(before, after), max(before - after, Decimal(0)))


def _parts(text: str) -> dict[str, str]:
    """`name:Mug|sku:M-1|quantity:2` by its keys; the first of a key counts."""
    found = list(_PART.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)]
    parts: dict[str, str] = {}
    for match, end in zip(found, ends, strict=True):
        parts.setdefault(match[1], text[match.end() : end].strip())
    return parts


def _refunds(cells: dict[str, str], status: str, at: datetime, target: Target) -> list[Refund]:
    found = [
        Refund(moment(match["date"].strip(), TIMES, target), paid({"amount": match["amount"].strip()}, "amount", "refund"))
        for match in _REFUND.finditer(cells.get("refund_items", ""))
    ]
    if not found and status == "refunded":
        # All of it was given back; when, nobody wrote down.
        return [Refund(at, paid(cells, "order_total", "amount"))]
    return found

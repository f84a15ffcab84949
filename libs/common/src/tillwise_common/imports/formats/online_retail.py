"""UCI "Online Retail": one CSV row an order line, with the dirt of a real shop.

Cancellations (invoices C…) are receipts with negative quantities and stay that: they keep their customer and
country. Lines without a customer, repeated lines and codes that are no products (postage, discounts, bank
charges) are kept, the latter in the category "non-product".
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from tillwise_common.imports.amounts import amount, quantity
from tillwise_common.imports.model import Outgoing, Refused, Rejects, Target
from tillwise_common.imports.orders import Grouper, Line
from tillwise_common.imports.rows import Rows

COLUMNS = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
NON_PRODUCT = "non-product"


class OnlineRetail:
    """The adapter."""

    name = "online-retail"
    description = "UCI Online Retail CSV: InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country"

    def events(self, lines: Iterator[str], target: Target, reject: Rejects) -> Iterator[Outgoing]:
        """One order per invoice, on the wall clock of the store."""
        rows = Rows(lines, reject, ",")
        if rows.header != COLUMNS:
            raise Refused("wrong_header")
        grouper = Grouper(target, self.name)
        moments: dict[str, datetime] = {}
        for row, cells in rows:
            try:
                yield from grouper.add(_line(row, cells, target, moments))
            except Refused as refused:
                reject(row, refused.code)
        yield from grouper.rest()


def _line(row: int, cells: list[str], target: Target, moments: dict[str, datetime]) -> Line:
    invoice, code, description, pieces, when, price, customer, country = cells
    if not invoice.strip():
        raise Refused("missing_order_id")
    if not code.strip():
        raise Refused("missing_sku")
    at = moments.get(when)
    if at is None:
        if len(moments) > 1000:
            moments.clear()
        at = moments[when] = _moment(when, target)
    order_fields = {"customer_id": customer.strip().removesuffix(".0")} if customer.strip() else {}
    if country.strip():
        order_fields["country"] = country.strip()[:64]
    fields = {"name": description.strip()[:256]} if description.strip() else {}
    if not code[:5].isdigit() and not code.startswith("DCGS"):
        fields["category"] = NON_PRODUCT
    return Line(row, invoice.strip(), at, code.strip(), quantity(pieces, none=True), amount(price), fields, order_fields)


def _moment(text: str, target: Target) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=target.zone)
    except ValueError:
        raise Refused("bad_date") from None

"""UCI's "Online Retail" (and "Online Retail II"): a UK gift shop's invoices, with all their dirt.

All of it is kept, so that the platform's net sales are the file's total: cancelled invoices (C…) are receipts with
negative quantities, corrections of bad debt (A…) return their amount, repeated lines count as often as they stand there.
"""

from __future__ import annotations

from collections.abc import Iterator

from tillwise.imports.formats import generic_orders
from tillwise.imports.formats.base import Format, Job
from tillwise.imports.formats.generic_orders import Rules, read_lines
from tillwise.imports.ledger import Outgoing
from tillwise.imports.mapping import Fields
from tillwise.imports.moments import ISO

FIELDS = Fields(
    synonyms={
        **dict.fromkeys(generic_orders.WANTED, ()),
        "order_id": ("InvoiceNo", "Invoice"),
        "sku": ("StockCode",),
        "name": ("Description",),
        "occurred_at": ("InvoiceDate",),
        "unit_price": ("UnitPrice", "Price"),
        "customer_id": ("CustomerID", "Customer ID"),
    },
    required=(("order_id",), ("sku",), ("name",), ("quantity",), ("occurred_at",), ("unit_price",), ("customer_id",), ("country",)),
)
# Postage, fees, samples, manual corrections. Products get no category, so that `product.updated` can give them one.
NON_PRODUCTS = frozenset("POST DOT M C2 D S B CRUK PADS AMAZONFEE".split()) | {"BANK CHARGES"}
NON_PRODUCT = "non-product"


def category_of(sku: str) -> str | None:
    """`non-product` for the codes of the shop's bookkeeping."""
    code = sku.upper()
    return NON_PRODUCT if code in NON_PRODUCTS or code.startswith("GIFT_") else None


def customer_of(text: str) -> str:
    """The file was written by a spreadsheet that took customers for decimal numbers: 17850.0."""
    return text.strip().removesuffix(".0")


def read(job: Job) -> Iterator[Outgoing]:
    """One order per invoice."""
    formats = (job.mapping.date_format,) if job.mapping.date_format else (ISO, "%m/%d/%Y %H:%M")
    return read_lines(job, FIELDS, Rules("online-retail", formats, customer_of, category_of))


FORMAT = Format("online-retail", 'UCI "Online Retail" invoices', FIELDS, read)

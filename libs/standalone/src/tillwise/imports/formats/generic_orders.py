"""Orders from any delimited file with a header and one line per product of an order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from tillwise.imports.formats.base import Format, Job
from tillwise.imports.ledger import Outgoing
from tillwise.imports.mapping import Fields, resolve
from tillwise.imports.moments import ISO, moment_reader
from tillwise.imports.money import LARGEST_PRICE, ZERO, Minor, amount_reader, less, magnitude, quantity_of, rounded, split
from tillwise.imports.orders import LONGEST_KEY, LONGEST_ORDER_ID, Head, Line, OrderBook
from tillwise.imports.rows import Rows

FIELDS = Fields(
    synonyms={
        "order_id": ("order", "order number", "order no", "invoice", "invoice no", "invoice number", "receipt", "transaction id",
                     "Bestellnummer", "Rechnungsnummer"),
        "occurred_at": ("date", "datetime", "timestamp", "created at", "order date", "invoice date", "placed at", "purchase date", "Datum"),
        "sku": ("stock code", "product id", "product code", "item", "item id", "article", "lineitem sku", "variant sku", "Artikelnummer"),
        "quantity": ("qty", "units", "count", "lineitem quantity", "Menge", "Anzahl"),
        "unit_price": ("price", "lineitem price", "item price", "Einzelpreis", "Preis"),
        "amount": ("line total", "line amount", "revenue", "sales", "Betrag"),
        "name": ("description", "product name", "product", "item name", "title", "lineitem name", "Bezeichnung"),
        "category": ("product category", "department", "Kategorie"),
        "unit_cost": ("cost", "cost price"),
        "discount": ("line discount", "lineitem discount", "Rabatt"),
        "customer_id": ("customer", "customer number", "client id", "user id", "email", "Kundennummer"),
        "country": ("shipping country", "billing country", "Land"),
        "channel": ("sales channel", "source"),
        "shipping": ("shipping cost", "freight", "Versand"),
        "tax": ("taxes", "vat"),
    },
    required=(("order_id",), ("occurred_at",), ("sku",), ("quantity",), ("unit_price", "amount")),
)  # fmt: skip
WANTED = tuple(FIELDS.synonyms)


class Rules(NamedTuple):
    """What a format knows beyond its columns."""

    source: str
    date_formats: Sequence[str] = (ISO,)
    customer: Callable[[str], str] = str.strip
    # The category of a line that has none, from its sku.
    category: Callable[[str], str | None] = lambda sku: None


def read(job: Job) -> Iterator[Outgoing]:
    """Orders of a file with a mapping."""
    formats = (job.mapping.date_format,) if job.mapping.date_format else (ISO,)
    return read_lines(job, FIELDS, Rules("csv", formats))


def read_lines(job: Job, fields: Fields, rules: Rules) -> Iterator[Outgoing]:
    """Orders of a file with one line per product, for this and other formats."""
    mapping, ledger = job.mapping, job.ledger
    rows = Rows(job.source.lines(), ledger, job.source.name, mapping.delimiter)
    columns = resolve(rows.header, WANTED, fields, mapping, job.source.name)
    pick, constants = columns.pick, columns.constants
    money, moment = amount_reader(job.exponent, mapping.decimal), moment_reader(job.zone, rules.date_formats)
    by_amount = "unit_price" not in columns.present or "amount" in mapping.columns
    head_of = _head_reader(rules, money)
    category_of = lru_cache(maxsize=16_384)(rules.category)
    book = OrderBook(rules.source, ledger)
    for number, row in rows:
        (order_id, date, sku, count, price_text, amount_text, name, category, cost, discount_text, *heading) = pick(row + constants)
        quantity = quantity_of(count)
        price = money(amount_text if by_amount else price_text)
        discount: Minor | None = money(discount_text) if discount_text else 0
        at = moment(date)
        head = head_of(*heading)
        order_id, sku = order_id.strip(), sku.strip()
        reason = _fault(order_id, sku, quantity, price, discount, at is None, head)
        if reason is None and by_amount and price and not quantity:
            reason = "bad_quantity"
        if reason is not None:
            ledger.reject(number, reason, "", _worth(quantity, price, discount, by_amount))
            continue
        assert quantity is not None and price is not None and discount is not None and at is not None and head is not None
        label = name.strip()[:256] or None
        kind = category.strip()[:256] or category_of(sku)
        unit_cost = _cost(money(cost)) if cost else None
        if type(price) is int and not discount and not by_amount:
            # A negative price is the same amount the other way round.
            line = (
                Line(sku, quantity, price, label, kind, unit_cost) if price >= 0 else Line(sku, -quantity, -price, label, kind, unit_cost)
            )
            yield from book.add(order_id, number, at, head, [line], quantity * price)
            continue
        worth: Minor = price if by_amount else quantity * price
        parts, minor, rounding = price_line(quantity, worth, discount, price < 0)
        if any(each > LARGEST_PRICE for _, each, _ in parts):
            ledger.reject(number, "bad_price", "", minor + rounding)
            continue
        lines = [Line(sku, units, each, label, kind, unit_cost, off) for units, each, off in parts]
        yield from book.add(order_id, number, at, head, lines, minor, rounding)
    yield from book.close()


def price_line(quantity: int, worth: Minor, discount: Minor, negative: bool) -> tuple[list[tuple[int, int, int]], int, Decimal]:
    """Units, unit price and discount of what is sent for a line that is worth `worth` before the discount, what that is
    worth in minor units, and what the file says beyond it.

    The amount is exact, whatever the unit price: three for 10.00 are two at 3.33 and one at 3.34.
    """
    discount = magnitude(discount)
    whole = 0
    if worth > 0 and isinstance(discount, int):
        whole = discount
    elif discount:
        # A return has no discount of its own, and a fraction of a cent is none: both become part of the price.
        worth = less(worth, discount)
    minor = rounded(worth)
    forward = minor > 0 if minor else (quantity > 0) != negative
    parts = split(abs(quantity), abs(minor)) if quantity else [(0, 0)]
    sent = [(units if forward else -units, each, 0) for units, each in parts]
    sent[0] = (*sent[0][:2], whole)
    rounding = ZERO if isinstance(worth, int) else worth - minor
    return sent, minor - whole, rounding


def _fault(
    order_id: str, sku: str, quantity: int | None, price: Minor | None, discount: Minor | None, undated: bool, head: Head | None
) -> str | None:
    """Why a line cannot be used."""
    if not order_id:
        return "missing_order_id"
    if len(order_id) > LONGEST_ORDER_ID:
        return "bad_order_id"
    if not sku:
        return "missing_sku"
    if len(sku) > LONGEST_KEY:
        return "bad_sku"
    if quantity is None:
        return "bad_quantity"
    if price is None or magnitude(price) > LARGEST_PRICE:
        return "bad_price"
    if discount is None or magnitude(discount) > LARGEST_PRICE:
        return "bad_discount"
    if undated:
        return "bad_date"
    return "bad_order_data" if head is None else None


def _worth(quantity: int | None, price: Minor | None, discount: Minor | None, by_amount: bool) -> Minor:
    if quantity is None or price is None:
        return 0
    return less(price if by_amount else quantity * price, discount or 0)


def _head_reader(rules: Rules, money: Callable[[str], Minor | None]) -> Callable[[str, str, str, str, str], Head | None]:
    """What a line says about its order; None when its shipping or tax is no amount, or the customer's ID is too long."""

    @lru_cache(maxsize=4_096)
    def read(customer: str, country: str, channel: str, shipping: str, tax: str) -> Head | None:
        customer_id = rules.customer(customer) or None
        shipping_cost, tax_cost = money(shipping or "0"), money(tax or "0")
        if (
            shipping_cost is None
            or tax_cost is None
            or max(shipping_cost, tax_cost) > LARGEST_PRICE
            or len(customer_id or "") > LONGEST_KEY
        ):
            return None
        # What a return gives back of them cannot be said.
        costs = max(rounded(shipping_cost), 0), max(rounded(tax_cost), 0)
        return Head(customer_id, country.strip()[:64] or None, channel.strip()[:256] or None, *costs)

    return read


def _cost(cost: Minor | None) -> int | None:
    return rounded(cost) if cost is not None and 0 <= cost <= LARGEST_PRICE else None


FORMAT = Format("csv", "any delimited file with a header, one line per product of an order", FIELDS, read)

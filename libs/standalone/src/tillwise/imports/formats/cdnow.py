"""The CDNOW purchases of the marketing literature: customer, day, number of CDs and dollars, in columns between spaces."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tillwise.imports.formats.base import Format, Job
from tillwise.imports.formats.generic_orders import price_line
from tillwise.imports.ledger import Outgoing
from tillwise.imports.mapping import Fields
from tillwise.imports.moments import moment_reader
from tillwise.imports.money import LARGEST_PRICE, Minor, amount_reader, quantity_of
from tillwise.imports.orders import LONGEST_ORDER_ID, Head, Line, OrderBook

SKU = "CD"
_DAY = re.compile(r"\d{8}", re.ASCII)


def read(job: Job) -> Iterator[Outgoing]:
    """One order per line. The master file has four columns; the sample has a fifth, the customer's number in the sample."""
    ledger = job.ledger
    money, moment = amount_reader(job.exponent), moment_reader(job.zone, ("%Y%m%d",))
    book = OrderBook("cdnow", ledger)
    same_day: tuple[str, int] = ("", 0)
    for number, text in enumerate(job.source.lines(), 1):
        cells = text.split()
        if not cells:
            continue
        ledger.lines_read += 1
        if not text.isascii() or "\0" in text:
            ledger.reject(number, "bad_encoding")
            continue
        if not 4 <= len(cells) <= 5:
            ledger.reject(number, "too_few_columns" if len(cells) < 4 else "too_many_columns", f"{len(cells)} instead of 4 or 5")
            continue
        customer, day = cells[0], cells[-3]
        quantity, amount = quantity_of(cells[-2]), money(cells[-1])
        at = moment(day) if _DAY.fullmatch(day) else None
        reason = _fault(customer, at is None, quantity, amount)
        if reason or quantity is None or amount is None or at is None:
            ledger.reject(number, reason or "", "", amount or 0)
            continue
        # A customer may buy twice a day; the lines of one customer stand together.
        key = f"{customer}-{day}"
        same_day = (key, same_day[1] + 1 if key == same_day[0] else 1)
        order_id = key if same_day[1] == 1 else f"{key}-{same_day[1]}"
        parts, minor, rounding = price_line(quantity, amount, 0, amount < 0)
        lines = [Line(SKU, units, each) for units, each, _ in parts]
        yield from book.add(order_id, number, at, Head(customer), lines, minor, rounding)
    yield from book.close()


def _fault(customer: str, undated: bool, quantity: int | None, amount: Minor | None) -> str | None:
    """Why a line cannot be used."""
    # Room for the day that follows in the order's ID.
    if len(customer) > LONGEST_ORDER_ID - 20:
        return "bad_customer"
    if undated:
        return "bad_date"
    if quantity is None or (amount and not quantity):
        return "bad_quantity"
    return "bad_price" if amount is None or abs(amount) > LARGEST_PRICE else None


FORMAT = Format("cdnow", "CDNOW_master.txt and CDNOW_sample.txt: customer, day, CDs, dollars", Fields({}, ()), read)

"""CDNOW: the purchase log of Fader and Hardie, one transaction a line (customer, date, CDs, dollars).

The file has no order ids: a transaction is named by its customer, date and place among that day's.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from tillwise_common.imports.amounts import amount, quantity
from tillwise_common.imports.model import LONGEST_KEY, Outgoing, Refused, Rejects, Target
from tillwise_common.imports.rows import is_text
from tillwise_common.imports.seen import Seen

SKU = "CD"


class Cdnow:
    """The adapter, for CDNOW_master.txt (4 columns) and CDNOW_sample.txt (5, the second being the sample's id)."""

    name = "cdnow"
    description = "CDNOW_master.txt or CDNOW_sample.txt: customer, [sample id,] date, number of CDs, dollar value"

    def events(self, lines: Iterator[str], target: Target, reject: Rejects) -> Iterator[Outgoing]:
        """One order per line."""
        seen = Seen()
        for row, line in enumerate(lines, start=1):
            cells = line.split()
            if not cells:
                continue
            try:
                if not is_text(line):
                    raise Refused("bad_encoding")
                if len(cells) not in (4, 5):
                    raise Refused("too_few_columns" if len(cells) < 4 else "too_many_columns")
                customer, when, pieces, dollars = cells[0], *cells[-3:]
                if len(customer) > LONGEST_KEY - 40:
                    raise Refused("bad_customer")
                repeat = 1
                while not seen.add(key := f"{customer}-{when}-{repeat}"):
                    repeat += 1
                yield _event(row, key, customer, when, quantity(pieces), amount(dollars), target)
            except Refused as refused:
                reject(row, refused.code)


def _event(row: int, order_id: str, customer: str, when: str, pieces: int, total: Decimal, target: Target) -> Outgoing:
    try:
        at = datetime.strptime(when, "%Y%m%d").replace(hour=12, tzinfo=target.zone)
    except ValueError:
        raise Refused("bad_date") from None
    if pieces < 0 or total < 0:
        raise Refused("bad_quantity" if pieces < 0 else "bad_price")
    minor = target.minor(total)
    event = {
        "type": "order.placed",
        "id": f"import:cdnow:{order_id}",
        "occurred_at": at.isoformat(),
        "data": {"order_id": order_id, "customer_id": customer, "lines": _lines(pieces, minor)},
    }
    return Outgoing(event, [row], at.date(), minor, total)


def _lines(pieces: int, minor: int) -> list[dict[str, Any]]:
    """`pieces` CDs for exactly `minor`: where it does not divide, one CD costs the rest more."""
    price, rest = divmod(minor, pieces)
    if not rest:
        return [{"sku": SKU, "quantity": pieces, "unit_price": price}]
    dearer = [{"sku": SKU, "quantity": 1, "unit_price": price + rest}]
    return [*([{"sku": SKU, "quantity": pieces - 1, "unit_price": price}] if pieces > 1 else []), *dearer]

"""Stock movements and counts from a CSV with the columns sku, quantity, reason, occurred_at, location, unit_cost."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from tillwise.imports.amounts import amount, quantity
from tillwise.imports.model import LONGEST_KEY, Outgoing, Refused, Rejects, Target
from tillwise.imports.rows import Rows
from tillwise.problems import Problem

REQUIRED = ("sku", "quantity", "reason", "occurred_at")
REASONS = ("receipt", "sale", "return", "transfer", "adjustment")
COUNT = "count"


class Stock:
    """The adapter. The reason "count" makes a count of what is there; the others are movements."""

    name = "stock"

    def events(self, lines: Iterator[str], target: Target, reject: Rejects) -> Iterator[Outgoing]:
        """One event per row; its id is made of what the row says, so that a second run adds nothing."""
        rows = Rows(lines, reject)
        header = [name.strip() for name in rows.header]
        missing = [name for name in REQUIRED if name not in header]
        if missing:
            raise Problem(f"the file has no column {', '.join(missing)}; it has {', '.join(header)}")
        repeats: dict[str, int] = {}
        for row, cells in rows:
            try:
                yield _event(row, {name: cell.strip() for name, cell in zip(header, cells, strict=True)}, target, repeats)
            except Refused as refused:
                reject(row, refused.code)


def _event(row: int, cells: dict[str, str], target: Target, repeats: dict[str, int]) -> Outgoing:
    if not cells["sku"]:
        raise Refused("missing_sku")
    if len(cells["sku"]) > LONGEST_KEY:
        raise Refused("bad_sku")
    try:
        at = datetime.fromisoformat(cells["occurred_at"])
    except ValueError:
        raise Refused("bad_date") from None
    at = at if at.tzinfo else at.replace(tzinfo=target.zone)
    data: dict[str, Any] = {"sku": cells["sku"]}
    if cells.get("location"):
        data["location"] = cells["location"][:256]
    if cells["reason"] == COUNT:
        data["quantity"] = 0 if cells["quantity"] == "0" else quantity(cells["quantity"])
        if data["quantity"] < 0:
            raise Refused("bad_quantity")
    elif cells["reason"] in REASONS:
        data |= {"quantity": quantity(cells["quantity"]), "reason": cells["reason"]}
        if cells.get("unit_cost"):
            data["unit_cost"] = target.minor(amount(cells["unit_cost"]))
    else:
        raise Refused("bad_reason")
    digest = hashlib.sha256(repr(sorted(cells.items())).encode()).hexdigest()[:24]
    # Two equal rows are two movements.
    repeats[digest] = repeats.get(digest, 0) + 1
    event = {
        "type": "stock.counted" if cells["reason"] == COUNT else "stock.moved",
        "id": f"import:stock:{digest}:{repeats[digest]}",
        "occurred_at": at.isoformat(),
        "data": data,
    }
    return Outgoing(event, [row], at.date(), 0, Decimal(0))

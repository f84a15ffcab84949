"""Stock movements and counts from a CSV with the columns sku, quantity, reason, occurred_at, location, unit_cost."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from tillwise_common.imports.amounts import quantity
from tillwise_common.imports.columns import Fields, Wording, money
from tillwise_common.imports.model import LONGEST_KEY, Outgoing, Refused, Rejects, Target
from tillwise_common.imports.rows import Rows

FIELDS = Fields(
    {
        "sku": ("sku", "product", "productid", "productcode", "stockcode", "item", "itemid"),
        "quantity": ("quantity", "qty", "pieces"),
        "reason": ("reason", "movement", "movementtype"),
        "occurred_at": ("occurredat", "date", "datetime", "createdat", "timestamp"),
        "location": ("location", "warehouse"),
        "unit_cost": ("unitcost", "costprice", "purchaseprice"),
    },
    required=("sku", "quantity", "reason", "occurred_at"),
    fixed=frozenset({"reason", "occurred_at", "location", "unit_cost"}),
)
REASONS = ("receipt", "sale", "return", "transfer", "adjustment")
COUNT = "count"


class Stock:
    """The adapter. The reason "count" makes a count of what is there; the others are movements."""

    name = "stock"

    def __init__(self, wording: Wording | None = None) -> None:
        self._wording = wording or Wording()

    def events(self, lines: Iterator[str], target: Target, reject: Rejects) -> Iterator[Outgoing]:
        """One event per row; its id is made of what the row says, so that a second run adds nothing."""
        rows = Rows(lines, reject, self._wording.delimiter)
        header = [name.strip() for name in rows.header]
        places, values = FIELDS.places(header, self._wording), self._wording.values
        # Two files that differ only in what is assumed of them, such as the location, are two.
        assumed = {f"={name}": value for name, value in values.items()}
        repeats: dict[str, int] = {}
        for row, cells in rows:
            stripped = [cell.strip() for cell in cells]
            found = {name: stripped[place] or values.get(name, "") for name, place in places.items()}
            try:
                event_id = _event_id(dict(zip(header, stripped, strict=True)) | assumed, repeats)
                yield self._event(row, {**values, **found}, event_id, target)
            except Refused as refused:
                reject(row, refused.code)

    def _event(self, row: int, cells: dict[str, str], event_id: str, target: Target) -> Outgoing:
        if not cells["sku"]:
            raise Refused("missing_sku")
        if len(cells["sku"]) > LONGEST_KEY:
            raise Refused("bad_sku")
        at = self._moment(cells["occurred_at"], target)
        data: dict[str, Any] = {"sku": cells["sku"]}
        if cells.get("location"):
            data["location"] = cells["location"][:256]
        if cells["reason"] == COUNT:
            data["quantity"] = 0 if cells["quantity"] == "0" else quantity(cells["quantity"], self._wording.decimal)
            if data["quantity"] < 0:
                raise Refused("bad_quantity")
        elif cells["reason"] in REASONS:
            data |= {"quantity": quantity(cells["quantity"], self._wording.decimal), "reason": cells["reason"]}
            cost = money(cells, "unit_cost", self._wording.decimal)
            if cost is not None:
                data["unit_cost"] = target.minor(cost)
        else:
            raise Refused("bad_reason")
        kind = "stock.counted" if cells["reason"] == COUNT else "stock.moved"
        return Outgoing({"type": kind, "id": event_id, "occurred_at": at.isoformat(), "data": data}, [row], at.date(), 0, Decimal(0))

    def _moment(self, text: str, target: Target) -> datetime:
        pattern = self._wording.date_format
        try:
            at = datetime.strptime(text, pattern) if pattern else datetime.fromisoformat(text)
        except ValueError:
            raise Refused("bad_date") from None
        return at if at.tzinfo else at.replace(tzinfo=target.zone)


def _event_id(cells: dict[str, str], repeats: dict[str, int]) -> str:
    """Made of all that a row says, in the words of the file. Two equal rows are two movements."""
    digest = hashlib.sha256(repr(sorted(cells.items())).encode()).hexdigest()[:24]
    repeats[digest] = repeats.get(digest, 0) + 1
    return f"import:stock:{digest}:{repeats[digest]}"

"""Any CSV of order lines: columns are found by their usual names, or named by the user."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from tillwise.imports.amounts import amount, quantity
from tillwise.imports.model import Outgoing, Refused, Rejects, Target
from tillwise.imports.orders import Grouper, Line
from tillwise.imports.rows import Rows
from tillwise.problems import Problem

# Our name of a column, and what it is called elsewhere (compared without case, spaces and punctuation).
SYNONYMS: dict[str, tuple[str, ...]] = {
    "order_id": ("orderid", "order", "ordernumber", "orderno", "invoiceno", "invoice", "invoicenumber"),
    "occurred_at": ("occurredat", "date", "datetime", "createdat", "orderdate", "invoicedate", "timestamp"),
    "sku": ("sku", "product", "productid", "productcode", "stockcode", "item", "itemid", "lineitemsku"),
    "quantity": ("quantity", "qty", "pieces", "lineitemquantity"),
    "unit_price": ("unitprice", "price", "lineitemprice"),
    "customer_id": ("customerid", "customer"),
    "country": ("country", "countrycode"),
    "channel": ("channel", "source", "saleschannel"),
    "category": ("category", "producttype", "productcategory"),
    "name": ("name", "description", "productname", "title", "lineitemname"),
    "discount": ("discount", "linediscount"),
}
REQUIRED = ("order_id", "occurred_at", "sku", "quantity", "unit_price")
ORDER_FIELDS, LINE_FIELDS = ("customer_id", "country", "channel"), ("category", "name")
LONGEST = {"country": 64, "customer_id": 200, "channel": 256, "category": 256, "name": 256}


class GenericCsv:
    """The adapter. `mapping`: our name of a column -> the file's; `decimal`: the decimal mark; `date_format`: strptime's."""

    name = "csv"
    description = "any CSV of order lines; --map order_id=Column names columns that are called otherwise"

    def __init__(
        self, mapping: dict[str, str] | None = None, *, decimal: str = ".", date_format: str | None = None, delimiter: str = ""
    ) -> None:
        self._mapping, self._decimal, self._date_format, self._delimiter = mapping or {}, decimal, date_format, delimiter
        unknown = sorted(set(self._mapping) - set(SYNONYMS))
        if unknown:
            raise Problem(f"--map knows no column {', '.join(unknown)}: choose from {', '.join(SYNONYMS)}")

    def events(self, lines: Iterator[str], target: Target, reject: Rejects) -> Iterator[Outgoing]:
        """One order per order id. Raises Problem when a needed column is missing."""
        rows = Rows(lines, reject, self._delimiter)
        places = self._places(rows.header)
        grouper = Grouper(target, self.name)
        for row, cells in rows:
            try:
                yield from grouper.add(self._line(row, {name: cells[place].strip() for name, place in places.items()}, target))
            except Refused as refused:
                reject(row, refused.code)
        yield from grouper.rest()

    def _places(self, header: list[str]) -> dict[str, int]:
        plain = ["".join(c for c in cell.lower() if c.isalnum()) for cell in header]
        places: dict[str, int] = {}
        for name, synonyms in SYNONYMS.items():
            wanted = self._mapping.get(name)
            if wanted is not None:
                if wanted not in header:
                    raise Problem(f"the file has no column {wanted!r} (--map {name}={wanted}); it has {', '.join(header)}")
                places[name] = header.index(wanted)
            elif found := [plain.index(synonym) for synonym in synonyms if synonym in plain]:
                places[name] = found[0]
        missing = [name for name in REQUIRED if name not in places]
        if missing:
            raise Problem(f"no column for {', '.join(missing)}: name it with --map {missing[0]}=COLUMN; the file has {', '.join(header)}")
        return places

    def _line(self, row: int, cells: dict[str, str], target: Target) -> Line:
        for name in ("order_id", "sku"):
            if not cells[name]:
                raise Refused(f"missing_{name}")
        fields = {name: cells[name][: LONGEST[name]] for name in LINE_FIELDS if cells.get(name)}
        order_fields = {name: cells[name][: LONGEST[name]] for name in ORDER_FIELDS if cells.get(name)}
        discount = amount(cells["discount"], self._decimal) if cells.get("discount") else Decimal(0)
        price = amount(cells["unit_price"], self._decimal)
        if discount < 0:
            raise Refused("bad_price")
        return Line(
            row, cells["order_id"], self._moment(cells["occurred_at"], target), cells["sku"],
            quantity(cells["quantity"]), price, fields, order_fields, discount,
        )  # fmt: skip

    def _moment(self, text: str, target: Target) -> datetime:
        try:
            at = datetime.strptime(text, self._date_format) if self._date_format else datetime.fromisoformat(text)
        except ValueError:
            raise Refused("bad_date") from None
        if not 1970 <= at.year <= 2199:
            raise Refused("bad_date")
        return at if at.tzinfo else at.replace(tzinfo=target.zone)

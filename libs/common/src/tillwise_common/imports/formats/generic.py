"""Any CSV of order lines: columns are found by their usual names, or named by the user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from tillwise_common.imports.amounts import amount, quantity
from tillwise_common.imports.columns import Fields, Wording, money
from tillwise_common.imports.model import Outgoing, Refused, Rejects, Target
from tillwise_common.imports.orders import Grouper, Line
from tillwise_common.imports.rows import Rows

# Our name of a column, and what it is called elsewhere (compared without case, spaces and punctuation).
FIELDS = Fields(
    {
        "order_id": ("orderid", "order", "ordernumber", "orderno", "invoiceno", "invoice", "invoicenumber"),
        "occurred_at": ("occurredat", "date", "datetime", "createdat", "orderdate", "invoicedate", "timestamp"),
        "sku": ("sku", "product", "productid", "productcode", "stockcode", "item", "itemid", "lineitemsku"),
        "quantity": ("quantity", "qty", "pieces", "lineitemquantity"),
        "unit_price": ("unitprice", "price", "lineitemprice"),
        "amount": ("amount", "lineamount", "linetotal", "lineitemtotal"),
        "discount": ("discount", "linediscount"),
        "unit_cost": ("unitcost", "costprice", "costperitem", "purchaseprice"),
        "customer_id": ("customerid", "customer"),
        "country": ("country", "countrycode"),
        "channel": ("channel", "source", "saleschannel"),
        "shipping": ("shipping", "shippingcost", "shippingamount"),
        "tax": ("tax", "taxes", "taxamount", "vat"),
        "currency": ("currency", "currencycode"),
        "category": ("category", "producttype", "productcategory"),
        "name": ("name", "description", "productname", "title", "lineitemname"),
    },
    required=("order_id", "occurred_at", "sku", "quantity"),
    fixed=frozenset({"quantity", "country", "channel", "currency", "category", "name", "unit_cost"}),
    either=(("unit_price", "amount"),),
)
ORDER_FIELDS, LINE_FIELDS = ("customer_id", "country", "channel"), ("category", "name")
LONGEST = {"country": 64, "customer_id": 200, "channel": 256, "category": 256, "name": 256}


class GenericCsv:
    """The adapter."""

    name = "csv"
    description = "any CSV of order lines; --map order_id=Column names columns that are called otherwise"

    def __init__(self, wording: Wording | None = None) -> None:
        self._wording = wording or Wording()

    def events(self, lines: Iterator[str], target: Target, reject: Rejects) -> Iterator[Outgoing]:
        """One order per order id. Raises Unusable when a needed column is missing."""
        rows = Rows(lines, reject, self._wording.delimiter)
        places, values = FIELDS.places(rows.header, self._wording), self._wording.values
        grouper = Grouper(target, self.name)
        for row, cells in rows:
            found = {name: cells[place].strip() or values.get(name, "") for name, place in places.items()}
            try:
                yield from grouper.add(self._line(row, {**values, **found}, target))
            except Refused as refused:
                reject(row, refused.code)
        yield from grouper.rest()

    def _line(self, row: int, cells: Mapping[str, str], target: Target) -> Line:
        for name in ("order_id", "sku"):
            if not cells[name]:
                raise Refused(f"missing_{name}")
        if cells.get("currency", "").upper() not in ("", target.currency):
            raise Refused("currency_mismatch")
        # None is what is left of a line that was struck from its order.
        pieces = quantity(cells["quantity"], self._wording.decimal, none=True)
        price, worth = self._price(cells, pieces)
        return Line(
            row, cells["order_id"], self._moment(cells["occurred_at"], target), cells["sku"], pieces, price,
            self._line_fields(cells, target), self._order_fields(cells, target),
            money(cells, "discount", self._wording.decimal) or Decimal(0), worth,
        )  # fmt: skip

    def _price(self, cells: Mapping[str, str], pieces: int) -> tuple[Decimal, Decimal | None]:
        """Of one piece; or of the whole line, where the file has that. A reversal is negative in both or in its amount alone."""
        if "amount" not in cells:
            return amount(cells["unit_price"], self._wording.decimal), None
        worth = money(cells, "amount", self._wording.decimal, signed=True)
        if worth is None or (worth > 0 and pieces < 0) or (worth and not pieces):
            raise Refused("bad_amount")
        return Decimal(0), worth

    def _line_fields(self, cells: Mapping[str, str], target: Target) -> dict[str, Any]:
        fields: dict[str, Any] = {name: cells[name][: LONGEST[name]] for name in LINE_FIELDS if cells.get(name)}
        cost = money(cells, "unit_cost", self._wording.decimal)
        return fields if cost is None else fields | {"unit_cost": target.minor(cost)}

    def _order_fields(self, cells: Mapping[str, str], target: Target) -> dict[str, Any]:
        fields: dict[str, Any] = {name: cells[name][: LONGEST[name]] for name in ORDER_FIELDS if cells.get(name)}
        for name in ("shipping", "tax"):
            if found := money(cells, name, self._wording.decimal):
                fields[name] = target.minor(found)
        return fields

    def _moment(self, text: str, target: Target) -> datetime:
        pattern = self._wording.date_format
        try:
            at = datetime.strptime(text, pattern) if pattern else datetime.fromisoformat(text)
        except ValueError:
            raise Refused("bad_date") from None
        if not 1970 <= at.year <= 2199:
            raise Refused("bad_date")
        return at if at.tzinfo else at.replace(tzinfo=target.zone)

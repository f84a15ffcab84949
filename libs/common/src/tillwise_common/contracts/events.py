"""The events that shops send: what happened, when, and the facts of it.

Amounts are integer minor units (cents). Texts and amounts are bounded, so that no event can break the store:
a line's amount stays below 10^17, which a 64-bit integer holds with room for sums.
Schemas are closed: a misspelt or foreign field is refused instead of silently lost, except for the free
attributes of customers and products.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from tillwise_common.money import flaw_of_currency

Key = Annotated[str, Meta(min_length=1, max_length=128)]
Label = Annotated[str, Meta(min_length=1, max_length=256)]
# Which one it is, `check` says: it can only be the store's.
Currency = Annotated[str, Meta(min_length=1, max_length=64)]
Country = Annotated[str, Meta(min_length=1, max_length=64)]
Quantity = Annotated[int, Meta(ge=-1_000_000, le=1_000_000)]
Amount = Annotated[int, Meta(ge=0, le=100_000_000_000)]
Moment = Annotated[datetime, Meta(tz=True)]
Days = Annotated[float, Meta(ge=0, le=10_000)]

MAX_LINES = 5_000


class OrderLine(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One product on an order. A negative quantity is a return on the same receipt."""

    sku: Key
    quantity: Quantity
    unit_price: Amount
    name: Label | None = None
    category: Label | None = None
    unit_cost: Amount | None = None
    discount: Amount = 0


class Order(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    order_id: Key
    lines: Annotated[list[OrderLine], Meta(min_length=1, max_length=MAX_LINES)]
    customer_id: Key | None = None
    currency: Currency | None = None
    channel: Label | None = None
    country: Country | None = None
    shipping: Amount = 0
    tax: Amount = 0


class RefundLine(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    sku: Key
    quantity: Annotated[int, Meta(ge=0, le=1_000_000)]
    amount: Amount


class Refund(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Money given back: by line, or as one amount for the whole order."""

    order_id: Key
    refund_id: Key
    lines: Annotated[list[RefundLine], Meta(max_length=MAX_LINES)] = []
    amount: Amount | None = None


class Cancellation(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    order_id: Key


class StockMovement(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    sku: Key
    quantity: Quantity
    reason: Literal["receipt", "sale", "return", "transfer", "adjustment"]
    location: Label | None = None
    unit_cost: Amount | None = None


class StockCount(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    sku: Key
    quantity: Annotated[int, Meta(ge=0, le=1_000_000_000)]
    location: Label | None = None


class _Event(msgspec.Struct, tag_field="type", forbid_unknown_fields=True, kw_only=True, gc=False):
    """What all events have. Without an `id` the server makes one, and a repeat counts as a new event."""

    occurred_at: Moment
    id: Key | None = None


class OrderPlaced(_Event, tag="order.placed"):
    data: Order


class OrderRefunded(_Event, tag="order.refunded"):
    data: Refund


class OrderCancelled(_Event, tag="order.cancelled"):
    data: Cancellation


class CustomerUpdated(_Event, tag="customer.updated"):
    """`data` holds `customer_id` and any attributes."""

    data: dict[str, Any]


class ProductUpdated(_Event, tag="product.updated"):
    """`data` holds `sku`, and any of name, category, unit_cost, lead_time_days and further attributes."""

    data: dict[str, Any]


class StockMoved(_Event, tag="stock.moved"):
    data: StockMovement


class StockCounted(_Event, tag="stock.counted"):
    data: StockCount


Event = OrderPlaced | OrderRefunded | OrderCancelled | CustomerUpdated | ProductUpdated | StockMoved | StockCounted


class KnownProduct(msgspec.Struct, gc=False):
    """The attributes of a product that Tillwise understands; the others are kept as they are."""

    sku: Key
    name: Label | None = None
    category: Label | None = None
    unit_cost: Amount | None = None
    lead_time_days: Days | None = None


class KnownCustomer(msgspec.Struct, gc=False):
    customer_id: Key


_KNOWN: dict[type, type] = {CustomerUpdated: KnownCustomer, ProductUpdated: KnownProduct}

one = msgspec.json.Decoder(Event)
many = msgspec.json.Decoder(list[Event])
raw_many = msgspec.json.Decoder(list[msgspec.Raw])

EARLIEST, LATEST = 1970, 2199
# Ten trillion in a currency with cents; sums of it stay far from the limits of 64 bits.
LARGEST_ORDER = 10**15
# Lists and objects within each other, the event being the first; what decoders and the database take varies with their stacks.
DEEPEST = 100


class Unacceptable(ValueError):
    """An event that is well formed and still makes no sense; `code` is stable, `str()` says what to do."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class TooDeep(Unacceptable):
    """An event with more levels than `DEEPEST`."""

    def __init__(self) -> None:
        super().__init__("too_deep", f"nested deeper than {DEEPEST} levels")


def check(event: Event, currency: str) -> None:
    """Check what a schema cannot say: dates in range, one currency per store, text the database can hold.

    Raises Unacceptable.
    """
    if not EARLIEST <= event.occurred_at.year <= LATEST:
        raise Unacceptable("date_out_of_range", f"occurred_at must lie between {EARLIEST} and {LATEST} - at `$.occurred_at`")
    data = event.data
    if isinstance(data, Order):
        if sum([abs(line.quantity) * line.unit_price for line in data.lines]) > LARGEST_ORDER:
            raise Unacceptable("amount_too_large", "the order's amount is beyond anything that can be counted - at `$.data.lines`")
        if data.currency is not None and data.currency != currency:
            raise _other_currency(data.currency, currency)
    elif isinstance(data, StockMovement):
        if data.quantity == 0:
            raise Unacceptable("empty_movement", "a movement of 0 is none; stock.counted tells what is there - at `$.data.quantity`")
    elif isinstance(data, Refund):
        if data.amount is None and not data.lines:
            raise Unacceptable("empty_refund", "a refund needs lines or an amount - at `$.data`")
    elif isinstance(data, dict):
        if _deeper_than(DEEPEST - 1, data):
            raise TooDeep
        try:
            msgspec.convert(data, _KNOWN[type(event)])
        except msgspec.ValidationError as error:
            # The path is told from the whole event, as for every other error.
            detail = in_our_words(error)
            detail = detail.replace("`$", "`$.data") if "`$" in detail else f"{detail} - at `$.data`"
            raise Unacceptable("invalid_event", detail) from None


def in_our_words(error: msgspec.ValidationError) -> str:
    """What a schema says is wrong, where its own words do not say what to do."""
    return str(error).replace("Expected `str` of length >= 1", "an empty text: leave the field out instead, or fill it")


def _other_currency(code: str, currency: str) -> Unacceptable:
    flaw = flaw_of_currency(code)
    if flaw is not None:
        return Unacceptable("unknown_currency", f"{flaw} - at `$.data.currency`")
    return Unacceptable("currency_mismatch", f"this store counts in {currency}, not {code} - at `$.data.currency`")


def _deeper_than(levels: int, value: Any) -> bool:
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return False
    return levels == 0 or any(_deeper_than(levels - 1, inner) for inner in value)

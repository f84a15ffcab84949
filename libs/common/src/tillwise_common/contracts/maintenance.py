"""Orders to the analytics service about what it keeps."""

from __future__ import annotations

import msgspec

TOPIC = "maintenance"


class Rebuild(msgspec.Struct, tag="rebuild"):
    """Recompute what is derived from a store's facts; with `check`, compare and change nothing."""

    store_id: int
    check: bool


class ListStores(msgspec.Struct, tag="stores"):
    """Which stores have facts?"""


Order = Rebuild | ListStores


class Difference(msgspec.Struct):
    """How many rows of a table differ from what the facts say."""

    table: str
    rows: int


class Rebuilt(msgspec.Struct):
    """What a rebuild found."""

    orders: int
    differences: list[Difference]


class StoreIds(msgspec.Struct):
    """The stores that have facts."""

    ids: list[int]


encode = msgspec.msgpack.Encoder().encode
decode_order = msgspec.msgpack.Decoder(Order).decode
decode_rebuilt = msgspec.msgpack.Decoder(Rebuilt).decode
decode_store_ids = msgspec.msgpack.Decoder(StoreIds).decode

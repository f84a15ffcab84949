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


class RefitLifetimeValue(msgspec.Struct, tag="refit_lifetime_value"):
    """Fit a store's models of purchases and spend anew, and store what they foretell."""

    store_id: int


Order = Rebuild | ListStores | RefitLifetimeValue


class Difference(msgspec.Struct):
    """How many rows of a table differ from what the facts say."""

    table: str
    rows: int


class Rebuilt(msgspec.Struct):
    """What a rebuild found."""

    orders: int
    differences: list[Difference]


class LifetimeValueRefitted(msgspec.Struct):
    """On how many customers was fitted; not `changed`: nothing had come since the last fit. `failed`: the log says why."""

    customers: int = 0
    changed: bool = False
    failed: bool = False


class StoreIds(msgspec.Struct):
    """The stores that have facts."""

    ids: list[int]


encode = msgspec.msgpack.Encoder().encode
decode_order = msgspec.msgpack.Decoder(Order).decode
decode_rebuilt = msgspec.msgpack.Decoder(Rebuilt).decode
decode_refitted = msgspec.msgpack.Decoder(LifetimeValueRefitted).decode
decode_store_ids = msgspec.msgpack.Decoder(StoreIds).decode

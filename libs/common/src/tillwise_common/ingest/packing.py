"""How events that arrived together for one store become one message on its stream."""

from __future__ import annotations

from typing import Any

import msgspec

from tillwise_common.bus import envelope, names
from tillwise_common.bus.envelope import Envelope
from tillwise_common.contracts import batches
from tillwise_common.contracts.batches import Batch, Part
from tillwise_common.contracts.stores import Store


def packing(source: str, partitions: int) -> Any:
    """How parts of one store become one message: `pack` for the publisher."""

    def pack(store: Store, parts: list[Part]) -> tuple[str, Envelope]:
        data = batches.encode(Batch(store, parts))
        message = envelope.new(batches.TYPE, source, data, subject=store.name, store=str(store.id))
        # The flight is made for all who wait; each part carries its own request ID.
        message = msgspec.structs.replace(message, request_id=parts[0].request_id)
        return names.events(names.partition_of(store.id, partitions)), message

    return pack

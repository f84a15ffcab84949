"""The message on the event streams: what arrived together for one store, packed.

The events travel as the JSON that the client sent (validated at the door, never re-encoded), so that a batch
of five hundred costs the gateway one check and one copy.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from tillwise_common.contracts import events
from tillwise_common.contracts.stores import Store

TYPE = "tillwise.events.batch"


class Part(msgspec.Struct, array_like=True):
    """The events of one HTTP request. An event without an id gets `<id>:<index>`, the same on every delivery."""

    id: str
    request_id: str
    received_at: datetime
    form: Literal["one", "array", "lines"]
    body: bytes


class Batch(msgspec.Struct):
    """Everything one stream message holds; `store` comes with it, so that the consumer has to ask nobody."""

    store: Store
    parts: list[Part]


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Batch).decode


def decode_events(part: Part) -> list[events.Event]:
    """The events of a part, in the order in which the client sent them.

    Raises msgspec.DecodeError when the body is not what the gateway lets through (a poison message).
    """
    if part.form == "one":
        return [events.one.decode(part.body)]
    if part.form == "array":
        return events.many.decode(part.body)
    return events.one.decode_lines(part.body)


def event_id(part: Part, index: int, event: events.Event) -> str:
    """The client's id of an event, else one made from the request it came with."""
    return event.id or f"{part.id}:{index}"

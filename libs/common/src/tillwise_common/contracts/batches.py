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


def split(data: bytes) -> list[bytes]:
    """The same message as one message per event, each with its id; nothing when it cannot even be read."""
    try:
        batch = decode(data)
        return [encode(Batch(batch.store, [one])) for part in batch.parts for one in _split_part(part)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []


def _split_part(part: Part) -> list[Part]:
    if part.form == "lines":
        raws = [line for line in part.body.splitlines() if line.strip()]
    else:
        raws = [bytes(raw) for raw in events.raw_many.decode(part.body)] if part.form == "array" else [part.body]
    return [msgspec.structs.replace(part, form="one", body=_named(raw, f"{part.id}:{index}")) for index, raw in enumerate(raws)]


def _named(raw: bytes, made_id: str) -> bytes:
    """An event's JSON with the id it would have had in its message; what is no event stays as it is."""
    try:
        if events.one.decode(raw).id:
            return raw
        return msgspec.json.encode({**msgspec.json.decode(raw), "id": made_id})
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return raw


def event_id(part: Part, index: int, event: events.Event) -> str:
    """The client's id of an event, else one made from the request it came with."""
    return event.id or f"{part.id}:{index}"

"""Events as the bodies of requests: NDJSON, so many events or so many bytes at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from tillwise.imports.ledger import Outgoing

MOST_EVENTS = 500
MOST_BYTES = 2_000_000
_encode = msgspec.json.Encoder().encode


class Batch(NamedTuple):
    """One request: `body` has a line for each of `events`, in their order. `number` counts from 1."""

    number: int
    body: bytes
    events: list[Outgoing]


def batches(outgoing: Iterable[Outgoing], most_events: int = MOST_EVENTS, most_bytes: int = MOST_BYTES) -> Iterator[Batch]:
    """Pack events in order; only an event that is larger than `most_bytes` by itself makes a body larger than that."""
    number, size = 1, 0
    lines: list[bytes] = []
    events: list[Outgoing] = []
    for one in outgoing:
        line = _encode(one.event)
        if events and (len(events) >= most_events or size + len(line) >= most_bytes):
            yield Batch(number, b"\n".join(lines), events)
            number, size, lines, events = number + 1, 0, [], []
        lines.append(line)
        events.append(one)
        size += len(line) + 1
    if events:
        yield Batch(number, b"\n".join(lines), events)

"""What a consumer gets, and what its handler may answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from tillwise_common.bus.envelope import Envelope


class Entry(msgspec.Struct, frozen=True):
    """A message as it lies on a stream."""

    id: bytes
    envelope: Envelope


Handler = Callable[[Sequence[Entry]], Awaitable[None]]
# Cuts a message into the smallest ones that make sense alone, so that one bad part does not hold back the good.
Split = Callable[[Envelope], list[Envelope]]


class Poison(Exception):
    """Raised by a handler for an entry that can never be handled: it is put aside at once."""


class Transient(Exception):
    """Raised by a handler when what it needs is away: the same entries are tried again, as often as it takes."""

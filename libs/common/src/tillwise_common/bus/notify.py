"""Notices: short-lived news read by many (job and lifecycle events). Everybody sees them, nobody acknowledges."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from tillwise_common.bus import envelope, names
from tillwise_common.bus.connection import RedisConnection
from tillwise_common.bus.envelope import Envelope

KEPT = 10_000


async def notify(redis: Any, topic: str, kind: str, source: str, data: bytes) -> None:
    """Tell everybody who follows `topic`. The stream keeps the last ten thousand notices."""
    message = envelope.new(kind, source, data)
    await redis.xadd(names.notices(topic), message.fields(), maxlen=KEPT, approximate=True)


async def follow(connection: RedisConnection, topic: str, since: str = "$") -> AsyncIterator[Envelope]:
    """The notices of `topic` from now (or from the entry `since`) on, without end.

    Raises what the connection raises: the caller decides whether to follow again.
    """
    last: bytes | str = since
    while True:
        found = await connection.blocking.xread({names.notices(topic): last}, count=100, block=5000)
        for entry_id, fields in found[0][1] if found else []:
            last = entry_id
            yield envelope.parse(fields)

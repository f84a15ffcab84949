"""Events of an import onto the store's stream: checked and packed as the gateway does, and no faster than they are stored."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry, Counter

from tillwise_common import logs, request_id
from tillwise_common.bus.publish import NotAccepted, PackingPublisher
from tillwise_common.contracts.batches import Part
from tillwise_common.contracts.stores import Store
from tillwise_common.ingest.decode import Decoded, Rejection, decode
from tillwise_common.ingest.pressure import Pressure

# So often a batch is sent that the stream did not take; then the job is tried again as a whole.
MOST_TRIES = 20
log = logs.get("import")


class Stream:
    """The gateway's own way of events, for a job."""

    def __init__(
        self, publisher: PackingPublisher[Store, Part], pressure: Pressure, registry: CollectorRegistry, look_seconds: float = 0.5
    ) -> None:
        self._publisher, self._pressure, self._look_seconds = publisher, pressure, look_seconds
        events = Counter("tillwise_import_events", "Events of imports by outcome", ["outcome"], registry=registry)
        self._accepted, self._rejected = events.labels("accepted"), events.labels("rejected")

    async def send(self, store: Store, events: list[dict[str, Any]]) -> list[Rejection]:
        """Send events, when there is room for them; returns those that were refused. Raises NotAccepted when it cannot be done."""
        decoded = await asyncio.to_thread(_checked, events, store)
        if decoded.count:
            await self._publish(store, decoded)
        self._accepted.inc(decoded.count)
        self._rejected.inc(len(decoded.rejected))
        return decoded.rejected

    async def _publish(self, store: Store, decoded: Decoded) -> None:
        for attempt in range(1, MOST_TRIES + 1):
            await self._room()
            part = Part(request_id.new(), request_id.current.get(), datetime.now(UTC), decoded.form, decoded.body)
            try:
                return await self._publisher.publish(store, part, len(decoded.body))
            except NotAccepted as error:
                # Whether it was taken is unknown: the same ids again are harmless.
                log.warning("events_not_taken", attempt=attempt, reason=str(error))
                if attempt == MOST_TRIES:
                    raise
                # By chance, so that many do not come back at once.
                await asyncio.sleep(random.uniform(0.5, 1.5) * self._look_seconds)  # noqa: S311 - not for secrets
        return None

    async def _room(self) -> None:
        """Wait while the consumers lag too far behind, or the server is full or away."""
        while self._pressure.too_high or self._pressure.away:  # noqa: ASYNC110 - it is looked at once a second, too
            await asyncio.sleep(self._look_seconds)


def _checked(events: list[dict[str, Any]], store: Store) -> Decoded:
    return decode(msgspec.json.Encoder().encode_lines(events), lines=True, currency=store.currency)

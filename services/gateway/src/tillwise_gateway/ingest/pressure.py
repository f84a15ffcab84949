"""Back-pressure: when the consumers lag too far behind or Redis gets full, events are refused before they are lost."""

from __future__ import annotations

import asyncio
from typing import Any

from prometheus_client import CollectorRegistry, Gauge
from redis.exceptions import ResponseError

from tillwise_common import logs, tasks
from tillwise_common.bus import names
from tillwise_common.bus.connection import RedisError, Unreachable

log = logs.get("pressure")
GROUP = "analytics"
EVERY_SECONDS = 1.0


class Pressure:
    """Looks at the event streams once a second; `too_high` says whether to refuse events."""

    def __init__(self, redis: Any, partitions: int, max_lag: int, max_memory_share: float, registry: CollectorRegistry) -> None:
        self._redis = redis
        self._partitions = partitions
        self._max_lag = max_lag
        self._max_share = max_memory_share
        self._gauge = Gauge("tillwise_stream_lag", "Messages not yet consumed", ["partition"], registry=registry)
        self._task: asyncio.Task[None] | None = None
        self.too_high = False

    async def start(self) -> None:
        self._task = asyncio.create_task(self._watch(), name="pressure")

    async def drain(self) -> None:
        """It looks until the end."""

    async def close(self) -> None:
        await tasks.end(self._task)

    async def pending(self, partition: int) -> int:
        """Messages of a partition that were accepted and are not yet in the database."""
        try:
            groups = await self._redis.xinfo_groups(names.events(partition))
        except ResponseError:
            # No stream, nothing in it.
            return 0
        for group in groups:
            if group["name"] == GROUP.encode():
                return int(group["pending"]) + int(group["lag"] or 0)
        return int(await self._redis.xlen(names.events(partition)))

    async def _watch(self) -> None:
        while True:
            try:
                too_high = await self._look()
                if too_high != self.too_high:
                    log.warning("back_pressure", on=too_high)
                self.too_high = too_high
            except (RedisError, *Unreachable):
                # Publishing fails by itself then.
                pass
            await asyncio.sleep(EVERY_SECONDS)

    async def _look(self) -> bool:
        lags = [await self.pending(partition) for partition in range(self._partitions)]
        for partition, lag in enumerate(lags):
            self._gauge.labels(str(partition)).set(lag)
        memory = await self._redis.info("memory")
        limit = memory.get("maxmemory", 0)
        full = bool(limit) and memory["used_memory"] > limit * self._max_share
        return full or max(lags) > self._max_lag

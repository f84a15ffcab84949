"""Back-pressure: when the consumers lag too far behind or Redis gets full or is away, events are refused at once."""

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
AWAY_SECONDS = 0.2


class Pressure:
    """Looks at the event streams once a second: `too_high` says whether to refuse events, `away` that Redis does not answer."""

    def __init__(
        self, redis: Any, partitions: int, *, max_lag: int, max_memory_share: float, max_memory_bytes: int, registry: CollectorRegistry
    ) -> None:
        self._redis = redis
        self._partitions = partitions
        self._max_lag = max_lag
        self._max_share = max_memory_share
        self._max_bytes = max_memory_bytes
        self._gauge = Gauge("tillwise_stream_lag", "Messages not yet consumed", ["partition"], registry=registry)
        self._task: asyncio.Task[None] | None = None
        self.too_high = False
        self.away = False

    async def start(self) -> None:
        self._task = tasks.keep(self._watch, "pressure")

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
                # The server does not always know its lag (redis#13957); the stream's length is never less.
                lag = group["lag"]
                return int(group["pending"]) + int(lag) if lag is not None else int(await self._redis.xlen(names.events(partition)))
        return int(await self._redis.xlen(names.events(partition)))

    async def _watch(self) -> None:
        while True:
            try:
                self._now(await self._look(), away=False)
            except (RedisError, *Unreachable):
                self._now(self.too_high, away=True)
            await asyncio.sleep(AWAY_SECONDS if self.away else EVERY_SECONDS)

    def _now(self, too_high: bool, *, away: bool) -> None:
        if (too_high, away) != (self.too_high, self.away):
            log.warning("back_pressure", too_high=too_high, redis_away=away)
        self.too_high, self.away = too_high, away

    async def _look(self) -> bool:
        lags = [await self.pending(partition) for partition in range(self._partitions)]
        for partition, lag in enumerate(lags):
            self._gauge.labels(str(partition)).set(lag)
        memory = await self._redis.info("memory")
        limit = memory.get("maxmemory", 0)
        # A server without a limit of its own gets ours.
        full = memory["used_memory"] > (limit * self._max_share if limit else self._max_bytes)
        return full or max(lags) > self._max_lag

"""What somebody has to do for a queue now and then, and any worker may: take back jobs of the dead, bring parents news of their
children, add the jobs of schedules, say who is alive.
"""

from __future__ import annotations

import asyncio
import time

import msgspec

from tillwise_common import logs
from tillwise_common.bus.connection import RedisError, Unreachable
from tillwise_common.jobs import schedules
from tillwise_common.jobs.control import Control, WorkerSeen
from tillwise_worker.engine.metrics import Metrics
from tillwise_worker.engine.parents import deliver
from tillwise_worker.engine.worker import Worker

log = logs.get("engine")
EVERY_SECONDS = 1.0
SHOW_SECONDS, ALIVE_SECONDS = 2.0, 10.0
# A job that brought so many workers down is not given to another one.
MOST_STALLS = 3
_STALLED = msgspec.json.encode({"type": "Stalled", "message": f"the worker died or froze {MOST_STALLS + 1} times over it"})
_NOT_BUILT = msgspec.json.encode({"type": "NotBuilt", "message": "whoever added this flow died before all of its children were added"})


class Sweeper:
    """Sweeps for one worker's queue, every second."""

    def __init__(self, worker: Worker, service: str, metrics: Metrics | None = None) -> None:
        self._worker, self._queue = worker, worker.queue
        self._service, self._metrics = service, metrics
        self._since = time.time()
        self._shown = 0.0

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                wait = await self.sweep()
            except (*Unreachable, RedisError) as error:
                log.warning("sweep_failed", queue=self._queue.name, reason=type(error).__name__)
                wait = EVERY_SECONDS
            await asyncio.sleep(wait)

    async def sweep(self) -> float:
        """Once; returns in how many seconds the next time is: at once when a schedule is due."""
        back, failed, news = await self._queue.run("reap", MOST_STALLS, _STALLED, _NOT_BUILT, self._worker.kept[1])
        if back or failed:
            log.warning("stalled_jobs", queue=self._queue.name, taken_back=back, failed=failed)
        if news:
            await deliver(self._queue)
        due = await schedules.tick(self._queue)
        if time.time() - self._shown >= SHOW_SECONDS:
            self._shown = time.time()
            await self._show()
        if self._metrics is not None:
            self._metrics.states(self._queue.name, await Control(self._queue).counts())
        return EVERY_SECONDS if due is None else min(max(due - time.time(), 0.005), EVERY_SECONDS)

    async def leave(self) -> None:
        """This worker is no more."""
        await self._queue.redis.hdel(self._queue.key("workers"), self._worker.name)

    async def _show(self) -> None:
        key, now = self._queue.key("workers"), time.time()
        seen = WorkerSeen(
            name=self._worker.name, service=self._service, since=self._since, at_once=self._worker.max_jobs, running=[*self._worker.running]
        )
        await self._queue.redis.hset(key, self._worker.name, msgspec.msgpack.encode((now + ALIVE_SECONDS, seen)))
        found: dict[bytes, bytes] = await self._queue.redis.hgetall(key)
        dead = [name for name, value in found.items() if msgspec.msgpack.decode(value)[0] < now]
        if dead:
            await self._queue.redis.hdel(key, *dead)

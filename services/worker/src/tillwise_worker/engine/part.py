"""Workers as a part of the service's life: one for each queue."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from prometheus_client import CollectorRegistry

from tillwise_common import logs, tasks
from tillwise_common.bus.connection import RedisConnection, RedisError, Unreachable
from tillwise_common.jobs import schedules
from tillwise_common.jobs.queue import Queue
from tillwise_common.jobs.schedules import Schedule
from tillwise_worker.engine.metrics import Metrics
from tillwise_worker.engine.sweeper import Sweeper
from tillwise_worker.engine.work import Work
from tillwise_worker.engine.worker import PAUSE_AFTER_ERROR, Worker

log = logs.get("engine")
# The end of what is handed back must be told within this.
HAND_BACK_SECONDS = 3.0


class Jobs:
    """The queues that this process works on, each with its functions and schedules."""

    def __init__(
        self,
        redis: RedisConnection,
        instance: str,
        queues: Mapping[str, Sequence[Work]],
        plans: Mapping[str, Sequence[Schedule]],
        registry: CollectorRegistry,
        *,
        at_once: int,
        at_once_of: Mapping[str, int] | None = None,
        drain_seconds: float,
    ) -> None:
        self._redis, self._instance, self._plans = redis, instance, plans
        self._works, self._at_once, self._drain_seconds = queues, at_once, drain_seconds
        # Queues whose jobs are heavier or lighter than others.
        self._at_once_of = at_once_of or {}
        self._metrics = Metrics(registry)
        self._workers: list[Worker] = []
        self._running: list[asyncio.Task[None]] = []
        self._others: list[asyncio.Task[None]] = []
        self._sweepers: list[Sweeper] = []

    async def start(self) -> None:
        for name, works in self._works.items():
            queue = Queue(self._redis.commands, name)
            at_once = self._at_once_of.get(name, self._at_once)
            worker = Worker(queue, self._redis.blocking, works, name=f"{self._instance}/{name}", at_once=at_once, metrics=self._metrics)
            sweeper = Sweeper(worker, self._instance, self._metrics)
            self._workers.append(worker)
            self._sweepers.append(sweeper)
            self._running.append(tasks.keep(worker.async_run, f"jobs-{name}"))
            self._others.append(tasks.keep(sweeper.run, f"sweeper-{name}"))
        self._others.append(tasks.keep(self._plan, "schedules"))

    async def drain(self) -> None:
        """Claim no more jobs, let those in hand end, and hand back the rest at the deadline."""
        for worker in self._workers:
            worker.drain()
        if self._running:
            _, left = await asyncio.wait(self._running, timeout=self._drain_seconds)
            for worker in self._workers if left else []:
                worker.hand_back()
            if left:
                await asyncio.wait(left, timeout=HAND_BACK_SECONDS)

    async def close(self) -> None:
        for task in (*self._others, *self._running):
            await tasks.end(task)
        for sweeper in self._sweepers:
            try:
                await sweeper.leave()
            except (*Unreachable, RedisError):
                log.warning("worker_left_silently")

    async def _plan(self) -> None:
        """Say what comes when, as soon as the server is there."""
        for name, plans in self._plans.items():
            for plan in plans:
                while True:
                    try:
                        await schedules.put(Queue(self._redis.commands, name), plan)
                        break
                    except (*Unreachable, RedisError):
                        await asyncio.sleep(PAUSE_AFTER_ERROR)

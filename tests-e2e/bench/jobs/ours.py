"""One worker of ours: `python ours.py URL JOBS CALLS` prints jobs a second, bulk enqueues a second and milliseconds until a job starts."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import uvloop
from arq.worker import func
from prometheus_client import CollectorRegistry

from tillwise_common import logs
from tillwise_common.bus.connection import RedisConnection
from tillwise_common.jobs.queue import Entry, Queue
from tillwise_common.service import calm_garbage_collection
from tillwise_common.settings import Secret
from tillwise_worker.engine.metrics import Metrics
from tillwise_worker.engine.sweeper import Sweeper
from tillwise_worker.engine.worker import Worker

AT_ONCE = 100


async def measure(url: str, jobs: int, calls: int) -> dict[str, object]:
    redis = RedisConnection(Secret(url))
    queue, begun, starts = Queue(redis.commands, "bench"), asyncio.Event(), list[float]()

    async def noop(_: object, number: int) -> None:
        """Nothing."""

    async def told(_: object) -> None:
        starts.append(time.perf_counter())
        begun.set()

    began = time.perf_counter()
    await queue.add_many(Entry(name="noop", data=b'{"number":1}') for _ in range(jobs))
    added = jobs / (time.perf_counter() - began)
    worker = Worker(
        queue, redis.blocking, [func(noop, name="noop"), func(told, name="told")], name="bench", at_once=AT_ONCE,
        metrics=Metrics(CollectorRegistry()),
    )  # fmt: skip
    sweeping = asyncio.create_task(Sweeper(worker, "bench").run())
    began = time.perf_counter()
    running = asyncio.create_task(worker.async_run())
    while worker.jobs_complete < jobs:
        if worker.jobs_retried or worker.jobs_failed:
            raise RuntimeError("jobs that do nothing failed")
        await asyncio.sleep(0.002)
    rate = jobs / (time.perf_counter() - began)
    waits = []
    for _ in range(calls):
        await asyncio.sleep(0.01)
        begun.clear()
        began = time.perf_counter()
        await queue.enqueue_job("told")
        await begun.wait()
        waits.append((starts[-1] - began) * 1000)
    worker.drain()
    worker.hand_back()
    await running
    sweeping.cancel()
    await redis.close()
    return {"rate": rate, "added": added, "waits": waits}


if __name__ == "__main__":
    # Lines are written as in production, to where nobody reads them.
    with open("/dev/null", "wb") as nowhere:
        logs.configure("bench", "bench", "INFO", "json", nowhere)
        calm_garbage_collection()
        print(json.dumps(uvloop.run(measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))))

"""One worker of arq as it comes: `python plain_arq.py URL JOBS CALLS` prints the same figures as ours.py."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import uvloop
from arq.connections import RedisSettings, create_pool
from arq.worker import Worker, func

AT_ONCE = 100


async def measure(url: str, jobs: int, calls: int) -> dict[str, object]:
    settings = RedisSettings.from_dsn(url)
    pool, begun, starts = await create_pool(settings), asyncio.Event(), list[float]()

    async def noop(_: object, number: int) -> None:
        """Nothing."""

    async def told(_: object) -> None:
        starts.append(time.perf_counter())
        begun.set()

    began = time.perf_counter()
    for begin in range(0, jobs, AT_ONCE):
        await asyncio.gather(*(pool.enqueue_job("noop", number=1) for _ in range(begin, min(begin + AT_ONCE, jobs))))
    added = jobs / (time.perf_counter() - began)
    functions = [func(noop, name="noop"), func(told, name="told")]
    worker = Worker(functions, redis_settings=settings, handle_signals=False, max_jobs=AT_ONCE, log_results=False)
    began = time.perf_counter()
    running = asyncio.create_task(worker.async_run())
    while worker.jobs_complete < jobs:
        await asyncio.sleep(0.002)
    rate = jobs / (time.perf_counter() - began)
    waits = []
    for _ in range(calls):
        begun.clear()
        began = time.perf_counter()
        await pool.enqueue_job("told")
        await begun.wait()
        waits.append((starts[-1] - began) * 1000)
    # Closed in order it raises.
    running.cancel()
    return {"rate": rate, "added": added, "waits": waits}


if __name__ == "__main__":
    print(json.dumps(uvloop.run(measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))))

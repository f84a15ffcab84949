"""Adds many jobs that run after all others: `python fill.py URL JOBS`."""

from __future__ import annotations

import asyncio
import sys

from tillwise_common.bus.connection import RedisConnection
from tillwise_common.jobs.queue import Entry, Queue
from tillwise_common.settings import Secret


async def fill(url: str, jobs: int) -> None:
    redis = RedisConnection(Secret(url))
    queue = Queue(redis.commands, "bench")
    for begin in range(0, jobs, 10_000):
        await queue.add_many(Entry(name="noop", data=b'{"number":1}', priority=900) for _ in range(begin, min(begin + 10_000, jobs)))
    await redis.close()


if __name__ == "__main__":
    asyncio.run(fill(sys.argv[1], int(sys.argv[2])))

"""The life of jobs as others follow it: a stream of events for each queue, and waiting for a result without asking again and again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import msgspec

from tillwise_common.jobs.control import Control
from tillwise_common.jobs.errors import JobFailed
from tillwise_common.jobs.queue import Queue
from tillwise_common.jobs.record import Job

BLOCK_MS = 4000


class Event(NamedTuple):
    """What happened to some jobs: "added", "active", "progress", "completed", "failed", "retrying", "stalled", or what an operator did."""

    position: str
    what: str
    ids: list[str]
    at: int
    more: dict[str, str]


async def follow(queue: Queue, blocking: Any, since: str = "$") -> AsyncIterator[Event]:
    """Events from now (or from a position) on, without end. `blocking` is a client whose reads may take five seconds."""
    last = since if since != "$" else await position(queue)
    while True:
        found = await blocking.xread({queue.key("events"): last}, count=200, block=BLOCK_MS)
        for entry, fields in found[0][1] if found else []:
            last = entry.decode()
            told = {name.decode(): value.decode(errors="replace") for name, value in fields.items()}
            yield Event(last, told.pop("event"), told.pop("ids").split(","), int(told.pop("at")), told)


async def position(queue: Queue) -> str:
    """Where the stream of events ends now."""
    found = await queue.redis.xrevrange(queue.key("events"), count=1)
    return found[0][0].decode() if found else "0"


async def result(queue: Queue, blocking: Any, job_id: str, timeout: float) -> Any:
    """What a job returned, as soon as it has ended. Raises JobFailed, JobGone, and TimeoutError."""
    control, since = Control(queue), await position(queue)
    async with asyncio.timeout(timeout):
        job = await control.job(job_id)
        if job.state not in ("completed", "failed"):
            async for event in follow(queue, blocking, since):
                if event.what in ("completed", "failed", "cancel", "remove") and job_id in event.ids:
                    break
            job = await control.job(job_id)
            if job.state not in ("completed", "failed"):
                # Cancelled while it runs: its end is told later.
                return await result(queue, blocking, job_id, timeout)
    return _outcome(job)


def _outcome(job: Job) -> Any:
    if job.state == "failed":
        raise JobFailed(f"{job.error.kind}: {job.error.message}" if job.error else "the job failed")
    return msgspec.json.decode(job.result) if job.result is not None else None

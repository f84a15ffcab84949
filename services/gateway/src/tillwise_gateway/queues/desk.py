"""What is seen of the queues."""

from __future__ import annotations

import asyncio
from typing import Any

from tillwise_common.jobs import control, schedules
from tillwise_common.jobs.control import Control
from tillwise_common.jobs.errors import BadJob
from tillwise_common.jobs.queue import Queue
from tillwise_common.jobs.record import LISTS, Job, State
from tillwise_common.web.problems import Problem
from tillwise_gateway.queues import views
from tillwise_gateway.queues.known import Known

PAGE = 50
# A search looks at so many jobs at a time, so that it answers within a second and keeps nobody waiting; `next` goes on.
SEARCHED = 10_000


class Desk:
    """Reads the queues. `redis` is a client that answers in bytes."""

    def __init__(self, redis: Any, known: Known) -> None:
        self.redis, self.known = redis, known

    async def names(self) -> list[str]:
        """All queues: those that were ever used, and those of the known kinds."""
        return sorted({*await control.queues(self.redis), *self.known.queues()})

    async def control(self, name: str) -> Control:
        """Raises Problem 404 for a queue that is none."""
        try:
            found = Control(Queue(self.redis, name))
        except BadJob:
            found = None
        if found is None or name not in await self.names():
            raise Problem(404, "not_found", f"There is no queue named {name[:80]!r}.")
        return found

    async def overview(self) -> list[dict[str, Any]]:
        """All queues in short."""
        found = [Control(Queue(self.redis, name)) for name in await self.names()]
        return list(await asyncio.gather(*(self.summary(one) for one in found)))

    async def summary(self, queue: Control, minutes: int = 60) -> dict[str, Any]:
        """A queue with its counts, limits, workers, and the rates of the last minutes."""
        counts, limits, workers, rates = await asyncio.gather(queue.counts(), queue.limits(), queue.workers(), queue.rates(minutes))
        return {
            "name": queue.queue.name,
            "paused": limits.paused,
            "limits": {"concurrency": limits.concurrency, "rate": limits.rate, "rate_seconds": limits.rate_seconds},
            "counts": counts,
            "workers": [views.worker(one) for one in sorted(workers, key=lambda one: one.name)],
            "rates": views.rates(rates),
        }

    async def jobs(self, queue: Control, state: State, words: str = "", offset: int = 0, limit: int = PAGE) -> dict[str, Any]:
        """A page of the jobs of a state, or of those that hold some words; `next` is where to go on."""
        if words.strip():
            found = await queue.search(state, words, offset, limit, most=SEARCHED)
            shown = [job for job in found.jobs if self._holds(job, words)]
            return {"jobs": [views.in_list(job, self.known) for job in shown], "next": found.after}
        jobs = await queue.jobs(state, offset, limit + 1)
        more = offset + limit if len(jobs) > limit else None
        return {"jobs": [views.in_list(job, self.known) for job in jobs[:limit]], "next": more}

    async def job(self, queue: Control, job_id: str) -> dict[str, Any]:
        """One job. Raises JobGone."""
        job, lines, children = await asyncio.gather(queue.job(job_id), queue.lines(job_id), queue.children(job_id))
        return views.in_full(job, self.known, lines, children)

    async def schedules(self, queue: Control) -> list[dict[str, Any]]:
        return [views.planned(one, self.known) for one in await schedules.planned(queue.queue)]

    async def server(self) -> dict[str, Any]:
        """Figures of Redis."""
        told = await self.redis.info()
        return {
            "server": told.get("server_name", "redis"),
            "version": told.get("valkey_version") or told.get("redis_version"),
            "memory_bytes": told.get("used_memory"),
            "most_memory_bytes": told.get("maxmemory") or None,
            "clients": told.get("connected_clients"),
            "operations_per_second": told.get("instantaneous_ops_per_sec"),
            "uptime_seconds": told.get("uptime_in_seconds"),
        }

    def _holds(self, job: Job, words: str) -> bool:
        """Whether the words are also in what may be shown: nobody finds out by searching what a secret field holds."""
        if not self.known.hides(job.name):
            return True
        error = "" if job.error is None else f"{job.error.kind} {job.error.message}"
        shown = self.known.shown(job.name, bytes(job.data)).decode(errors="replace")
        text = "\n".join((job.id, job.name, job.request_id, shown, error)).lower()
        return all(word.lower() in text for word in words.split())


def state_of(text: str) -> State:
    """Raises Problem 422 for what is no state."""
    for state in LISTS:
        if text == state:
            return state
    raise Problem(422, "invalid_parameters", f"state: one of {', '.join(LISTS)}", field="state")

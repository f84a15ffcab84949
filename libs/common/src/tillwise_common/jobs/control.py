"""What operators see of a queue and do to it. Everything comes in pages or bounded steps: a queue may hold a million jobs."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from tillwise_common.jobs import flows, keys, record
from tillwise_common.jobs.errors import BadJob, JobGone
from tillwise_common.jobs.queue import Queue
from tillwise_common.jobs.record import LISTS, Job, State

Action = Literal["retry", "promote", "cancel", "remove"]
PAGE = 500
# So many jobs are looked at by one search, so that it ends in about a second.
MOST_SEARCHED = 50_000
# No job is older than a century.
LONGEST_AGE = 100 * 366 * 86_400.0


class Limits(msgspec.Struct, kw_only=True):
    """What holds a queue back, over all workers: at most `concurrency` jobs at once, at most `rate` begun in `rate_seconds`."""

    paused: bool = False
    concurrency: int | None = None
    rate: int | None = None
    rate_seconds: float | None = None


class WorkerSeen(msgspec.Struct, kw_only=True):
    """A worker that is alive: since when (Unix time), how many jobs it takes at once, and which ones it runs."""

    name: str
    service: str
    since: float
    at_once: int
    running: list[str]


class Page(NamedTuple):
    """Some jobs, and where to go on; None at the end."""

    jobs: list[Job]
    after: int | None


class Control:
    """The queue's desk."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self._redis = queue.redis

    async def job(self, job_id: str) -> Job:
        """Raises JobGone."""
        kept = await self._redis.hgetall(self.queue.key(f"job:{keys.checked(job_id)}"))
        if b"state" not in kept:
            raise JobGone(f"the queue {self.queue.name} has no job {job_id}")
        return record.read(self.queue.name, job_id, kept)

    async def counts(self) -> dict[State, int]:
        """How many jobs are in each state."""
        pipe = self._redis.pipeline(transaction=False)
        for name in LISTS.values():
            pipe.zcard(self.queue.key(name))
        return dict(zip(LISTS, await pipe.execute(), strict=True))

    async def jobs(self, state: State, offset: int = 0, limit: int = 50) -> list[Job]:
        """Jobs of a state: what is next first; of those that ended, the newest first."""
        newest_first = state in ("completed", "failed")
        found = await self._redis.zrange(self.queue.key(LISTS[state]), offset, offset + limit - 1, desc=newest_first)
        return await self._read([one.decode() for one in found])

    async def count(self, state: State, *, older_than: float = 0.0) -> int:
        """How many jobs of a state came into it at least so many seconds ago: to how many `do_to_all` would do something."""
        before = "+inf" if not older_than else int((time.time() - min(older_than, LONGEST_AGE)) * 1000)
        return int(await self._redis.zcount(self.queue.key(LISTS[state]), "-inf", before))

    async def search(self, state: State, words: str, offset: int = 0, limit: int = 50, *, most: int = MOST_SEARCHED) -> Page:
        """Jobs of a state whose id, name, request ID, payload or error holds all the words (in any case), among the next `most`."""
        wanted, found = [word.lower().encode() for word in words.split()], list[Job]()
        end = offset + most
        while offset < end:
            page = await self._page(state, offset)
            for job_id, kept in page:
                offset += 1
                if kept and _holds(job_id, kept, wanted):
                    found.append(record.read(self.queue.name, job_id, kept))
                    if len(found) == limit:
                        return Page(found, offset)
            if len(page) < PAGE:
                return Page(found, None)
        return Page(found, offset)

    async def do(self, action: Action, job_ids: Sequence[str]) -> int:
        """Do it to these; returns to how many it was done (others are in a state in which it cannot be)."""
        done, _ = await self.queue.run("act", action, "", *map(keys.checked, job_ids))
        return int(done)

    async def do_to_all(self, action: Action, state: State, *, older_than: float = 0.0, most: int = 1_000_000) -> AsyncIterator[int]:
        """Do it to all of a state that came into it at least so many seconds ago; tells how many were done after every step."""
        before = "+inf" if not older_than else str(int((time.time() - min(older_than, LONGEST_AGE)) * 1000))
        total = 0
        while total < most:
            done, left = await self.queue.run("act", action, f"all:{state}:-inf:{before}:{min(PAGE, most - total)}")
            total += done
            yield total
            if not done or not left:
                return

    async def update(self, job_id: str, data: bytes) -> bool:
        """Change the payload of a job that does not run."""
        done, _ = await self.queue.run("act", "update", data, keys.checked(job_id))
        return bool(done)

    async def prioritise(self, job_id: str, priority: int) -> bool:
        """Change a job's priority."""
        done, _ = await self.queue.run("act", "prioritise", str(priority), keys.checked(job_id))
        return bool(done)

    async def limits(self) -> Limits:
        kept = await self._redis.hgetall(self.queue.key("meta"))
        rate = int(kept[b"rate"]) if b"rate" in kept else None
        return Limits(
            paused=kept.get(b"paused") == b"1",
            concurrency=int(kept[b"concurrency"]) if b"concurrency" in kept else None,
            rate=rate,
            rate_seconds=int(kept[b"rate_ms"]) / 1000 if rate is not None else None,
        )

    async def pause(self) -> None:
        """No more jobs are begun; those that run go on."""
        await self._redis.hset(self.queue.key("meta"), "paused", "1")

    async def resume(self) -> None:
        await self._redis.hdel(self.queue.key("meta"), "paused")
        await self._wake()

    async def limit(self, *, concurrency: int | None = None, rate: int | None = None, rate_seconds: float = 1.0) -> None:
        """How many jobs may run at once, and how many may be begun in so many seconds, over all workers; None: any number."""
        if (concurrency is not None and concurrency < 1) or (rate is not None and (rate < 1 or rate_seconds <= 0)):
            raise BadJob("limits are at least 1; to let nothing run, pause the queue")
        pipe = self._redis.pipeline(transaction=True)
        pipe.hdel(self.queue.key("meta"), "concurrency", "rate", "rate_ms")
        if concurrency is not None:
            pipe.hset(self.queue.key("meta"), "concurrency", concurrency)
        if rate is not None:
            pipe.hset(self.queue.key("meta"), mapping={"rate": rate, "rate_ms": max(int(rate_seconds * 1000), 1)})
        await pipe.execute()
        await self._wake()

    async def lines(self, job_id: str) -> list[tuple[int, str]]:
        """What a job said while it ran: when (ms) and what."""
        found = await self._redis.lrange(self.queue.key(f"logs:{keys.checked(job_id)}"), 0, -1)
        return [(int(moment), said.decode(errors="replace")) for moment, _, said in (line.partition(b" ") for line in found)]

    async def children(self, job_id: str) -> dict[str, str]:
        """The children of a job ("queue:id") with how they stand: "waiting", "completed" or "failed"."""
        return {child: how for how, child, _ in await flows.kin(self.queue, job_id)}

    async def rates(self, minutes: int = 60) -> list[tuple[int, int, int]]:
        """For each of the last minutes (Unix time of its begin): how many jobs were completed, and how many failed."""
        last = int(time.time() // 60)
        hours = range((last - minutes + 1) // 60, last // 60 + 1)
        pipe = self._redis.pipeline(transaction=False)
        for hour in hours:
            pipe.hgetall(self.queue.key(f"rates:{hour}"))
        kept: dict[bytes, bytes] = {}
        for found in await pipe.execute():
            kept |= found
        many = {field: int(value) for field, value in kept.items()}
        return [
            (minute * 60, many.get(b"%d:completed" % minute, 0), many.get(b"%d:failed" % minute, 0))
            for minute in range(last - minutes + 1, last + 1)
        ]

    async def workers(self) -> list[WorkerSeen]:
        """Those that showed themselves in the last seconds."""
        found = await self._redis.hgetall(self.queue.key("workers"))
        seen = [msgspec.msgpack.decode(value, type=tuple[float, WorkerSeen]) for value in found.values()]
        return [worker for until, worker in seen if until > time.time()]

    async def _wake(self) -> None:
        await self._redis.rpush(self.queue.key("marker"), "")

    async def _page(self, state: State, offset: int) -> list[tuple[str, dict[bytes, bytes]]]:
        newest_first = state in ("completed", "failed")
        ids = [one.decode() for one in await self._redis.zrange(self.queue.key(LISTS[state]), offset, offset + PAGE - 1, desc=newest_first)]
        pipe = self._redis.pipeline(transaction=False)
        for one in ids:
            pipe.hgetall(self.queue.key(f"job:{one}"))
        return list(zip(ids, await pipe.execute(), strict=True)) if ids else []

    async def _read(self, ids: list[str]) -> list[Job]:
        pipe = self._redis.pipeline(transaction=False)
        for one in ids:
            pipe.hgetall(self.queue.key(f"job:{one}"))
        kept = await pipe.execute() if ids else []
        return [record.read(self.queue.name, one, fields) for one, fields in zip(ids, kept, strict=True) if b"state" in fields]


def _holds(job_id: str, kept: dict[bytes, bytes], wanted: list[bytes]) -> bool:
    text = b"\n".join((job_id.encode(), *(kept.get(name, b"") for name in (b"name", b"request_id", b"data", b"error")))).lower()
    return all(word in text for word in wanted)


async def queues(redis: Any) -> list[str]:
    """The names of all queues to which a job was ever added."""
    return sorted(name.decode() for name in await redis.smembers(keys.QUEUES))

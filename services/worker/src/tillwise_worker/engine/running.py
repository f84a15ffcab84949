"""A job that runs, and what its function may do with it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import msgspec

from tillwise_common.jobs import flows
from tillwise_common.jobs.errors import BadJob, ClaimLost
from tillwise_common.jobs.kinds import Options
from tillwise_common.jobs.queue import Queue

MOST_LINES = 1000
LONGEST_LINE = 2000
LARGEST_PROGRESS = 10_000


class Running:
    """One job in hand. Functions find it in their context as `ctx["job"]`."""

    __slots__ = (
        "attempt", "began", "created", "data", "entered", "id", "name", "options", "queue", "request_id", "task", "timer", "token",
        "traceparent", "why",
    )  # fmt: skip

    def __init__(self, queue: Queue, token: str, claimed: list[Any], options: Options) -> None:
        job_id, name, self.data, _, attempt, request_id, traceparent, created = claimed
        self.queue, self.token, self.options = queue, token, options
        self.attempt = int(attempt)
        self.id: str = job_id.decode()
        self.name: str = name.decode()
        self.request_id: str = (request_id or job_id).decode()
        self.traceparent: str = (traceparent or b"").decode()
        self.created = int(created)
        self.began = time.monotonic()
        self.task: asyncio.Task[None] | None = None
        self.timer: asyncio.TimerHandle | None = None
        # A task that is cancelled before its first step never runs, not even to say so.
        self.entered = False
        # Why its task was cancelled: "timeout", "cancelled", "lost" or "back".
        self.why: str | None = None

    async def progress(self, value: Any) -> None:
        """Tell how far it is: a number from 0 to 1, or anything that is JSON. Raises ClaimLost."""
        told = msgspec.json.encode(value)
        if len(told) > LARGEST_PROGRESS:
            raise BadJob(f"progress of {len(told)} bytes: it is told to everybody who watches, so at most {LARGEST_PROGRESS}")
        await self._note("progress", told)

    async def log(self, line: str) -> None:
        """Add a line to the job's log; the last thousand are kept. Raises ClaimLost."""
        await self._note("log", line[:LONGEST_LINE])

    async def children(self) -> dict[str, Any]:
        """What its children returned, by "queue:id"."""
        return await flows.results(self.queue, self.id)

    async def faults(self) -> dict[str, Any]:
        """How those of its children failed that did."""
        return await flows.faults(self.queue, self.id)

    def context(self) -> dict[str, Any]:
        """What arq tells a function of its job, and the job itself."""
        moment = datetime.fromtimestamp(self.created / 1000, UTC)
        return {"job_id": self.id, "job_try": self.attempt, "enqueue_time": moment, "score": self.created, "job": self}

    def stop(self, why: str) -> None:
        """End it before its time."""
        if self.task is not None and not self.task.done():
            self.why = self.why or why
            if self.entered:
                self.task.cancel()

    async def _note(self, what: str, said: bytes | str) -> None:
        if not await self.queue.run("note", self.id, self.token, what, said, MOST_LINES):
            self.why = "lost"
            raise ClaimLost(f"the job {self.id} is another worker's now")


def netstrings(data: bytes) -> list[bytes]:
    """The parts of "3:abc0:2:xy"."""
    found, at = [], 0
    while at < len(data):
        colon = data.index(b":", at)
        end = colon + 1 + int(data[at:colon])
        found.append(data[colon + 1 : end])
        at = end
    return found

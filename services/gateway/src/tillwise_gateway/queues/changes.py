"""What operators do to queues and jobs. Every change is logged: by whom, what and to which jobs, never with payloads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from tillwise_common import logs
from tillwise_common.jobs import schedules
from tillwise_common.jobs.control import Action, Control
from tillwise_common.jobs.errors import JobGone
from tillwise_common.jobs.kinds import HIGHEST, LOWEST
from tillwise_common.jobs.queue import Added, Entry
from tillwise_common.jobs.record import State
from tillwise_common.web.problems import Problem
from tillwise_gateway.queues.known import Known

log = logs.get("queues")
# From which states jobs can be so treated.
POSSIBLE: dict[Action, tuple[State, ...]] = {
    "retry": ("failed", "completed"),
    "promote": ("delayed",),
    "cancel": ("waiting", "delayed", "active", "children"),
    "remove": ("failed", "completed", "waiting", "delayed", "children"),
}
# Only of these is it kept since when they are what they are.
AGED: tuple[State, ...] = ("failed", "completed", "children")
NAMED_IN_LOG = 20
Priority = Annotated[int, Meta(ge=HIGHEST, le=LOWEST)]


class NewJob(msgspec.Struct, forbid_unknown_fields=True):
    """A job to add."""

    name: str
    payload: dict[str, Any] = {}
    priority: Priority | None = None
    delay: Annotated[float, Meta(ge=0, le=366 * 86400)] = 0.0
    id: str = ""


class Limits(msgspec.Struct, forbid_unknown_fields=True):
    """What holds a queue back; null: nothing does."""

    concurrency: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    rate: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    rate_seconds: Annotated[float, Meta(ge=0.001, le=86_400)] = 1.0


class Bulk(msgspec.Struct, forbid_unknown_fields=True):
    """The same for all jobs of a state that came into it at least so many seconds ago. A dry run only counts them."""

    action: Action
    state: State
    older_than: Annotated[float, Meta(ge=0)] = 0.0
    dry_run: bool = False

    def check(self) -> None:
        """Raises Problem 422 for what cannot be done."""
        if self.state not in POSSIBLE[self.action]:
            there = ", ".join(POSSIBLE[self.action])
            raise Problem(422, "invalid_request", f"state: to {self.action}, jobs must be {there}", field="state")
        if self.older_than and self.state not in AGED:
            detail = f"older_than: since when a job is {self.state} is not kept; leave it out, or choose {', '.join(AGED)}"
            raise Problem(422, "invalid_request", detail, field="older_than")


class Changes:
    """Changes a queue in the name of an admin."""

    def __init__(self, queue: Control, known: Known, admin: str) -> None:
        self._queue, self._known, self._admin = queue, known, admin
        self.queue = queue.queue.name

    async def do(self, action: Action, ids: Sequence[str]) -> int:
        """Do it to some jobs; returns to how many it could be done."""
        done = await self._queue.do(action, ids)
        self._log(action, jobs=list(ids[:NAMED_IN_LOG]), count=done)
        return done

    async def do_to_all(self, wish: Bulk) -> int:
        """Do it to all that are meant, five hundred in a step; returns how many those are (dry run), or to how many it was done."""
        wish.check()
        meant = await self._queue.count(wish.state, older_than=wish.older_than)
        if wish.dry_run or not meant:
            return meant
        done = 0
        try:
            if wish.state == "active":
                # They stay in their list until their workers have noticed.
                done = await self._queue.do(wish.action, [job.id for job in await self._queue.jobs("active", 0, meant)])
            else:
                async for so_far in self._queue.do_to_all(wish.action, wish.state, older_than=wish.older_than, most=meant):
                    done = so_far
        finally:
            self._log(wish.action, state=wish.state, older_than=wish.older_than, count=done)
        return done

    async def add(self, wish: NewJob) -> Added:
        """Add a job of a known kind. Raises Problem 422 with the field."""
        kind = self._known.find(wish.name, self._queue.queue.name)
        priority = kind.priority if wish.priority is None else wish.priority
        data = self._known.fitting(kind.name, wish.payload)
        entry = Entry(name=kind.name, data=data, id=wish.id, priority=priority, delay=wish.delay, options=kind.options)
        return await self._add("add", entry)

    async def duplicate(self, job_id: str, payload: dict[str, Any] | None) -> Added:
        """Add a job like another one, with its payload or a changed one. Raises JobGone, Problem 422."""
        job = await self._queue.job(job_id)
        data = bytes(job.data) if payload is None else self._known.fitting(job.name, payload, bytes(job.data))
        return await self._add("duplicate", Entry(name=job.name, data=data, priority=job.priority, options=job.options), like=job_id)

    async def change(self, job_id: str, payload: dict[str, Any] | None, priority: int | None) -> None:
        """Change a job that does not run. Raises JobGone, Problem 409 or 422."""
        job = await self._queue.job(job_id)
        if payload is not None:
            if not await self._queue.update(job_id, self._known.fitting(job.name, payload, bytes(job.data))):
                raise Problem(409, "not_changeable", f"The job is {job.state}: its payload cannot be changed. Duplicate it instead.")
            self._log("change_payload", jobs=[job_id])
        if priority is not None:
            if job.state == "active" or not await self._queue.prioritise(job_id, priority):
                raise Problem(409, "not_changeable", f"The job is {job.state}: its priority cannot be changed.")
            self._log("change_priority", jobs=[job_id], priority=priority)

    async def pause(self) -> None:
        await self._queue.pause()
        self._log("pause")

    async def resume(self) -> None:
        await self._queue.resume()
        self._log("resume")

    async def limit(self, wish: Limits) -> None:
        await self._queue.limit(concurrency=wish.concurrency, rate=wish.rate, rate_seconds=wish.rate_seconds)
        self._log("limit", concurrency=wish.concurrency, rate=wish.rate, rate_seconds=wish.rate_seconds)

    async def run_schedule(self, name: str) -> Added:
        """Add a schedule's job now. Raises JobGone."""
        added = await schedules.run_now(self._queue.queue, name)
        self._log("run_schedule", schedule=name, jobs=[added.id])
        return added

    async def remove_schedule(self, name: str) -> None:
        """Raises JobGone."""
        if all(one.schedule.name != name for one in await schedules.planned(self._queue.queue)):
            raise JobGone(f"the queue {self._queue.queue.name} has no schedule {name[:80]}")
        await schedules.remove(self._queue.queue, name)
        self._log("remove_schedule", schedule=name)

    async def _add(self, what: str, entry: Entry, **more: Any) -> Added:
        added = (await self._queue.queue.add_many([entry]))[0]
        self._log(what, name=entry.name, jobs=[added.id], **more)
        return added

    def _log(self, what: str, **more: Any) -> None:
        log.warning("queue_changed", admin=self._admin, what=what, queue=self._queue.queue.name, **more)

"""arq's worker, claiming and finishing many jobs in one step, under leases, and woken up when something comes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from itertools import count
from typing import Any

from arq.connections import RedisSettings
from arq.worker import Function
from arq.worker import Worker as ArqWorker

from tillwise_common import logs, tasks
from tillwise_common import request_id as request_ids
from tillwise_common.bus.connection import RedisError, Unreachable
from tillwise_common.jobs import kinds
from tillwise_common.jobs.errors import Cancelled, Unrecoverable
from tillwise_common.jobs.queue import Queue
from tillwise_worker.engine import outcome as outcomes
from tillwise_worker.engine.metrics import Metrics
from tillwise_worker.engine.outcome import BACK, LOST, Outcome
from tillwise_worker.engine.parents import deliver
from tillwise_worker.engine.running import Running, netstrings
from tillwise_worker.engine.work import Work

log = logs.get("engine")
LEASE_SECONDS = 5.0
LONGEST_SLEEP = 4.0
PAUSE_AFTER_ERROR = 0.5
KEEP_COMPLETED, KEEP_SECONDS = 1000, 86_400.0
_tokens = count(1)


class Worker(ArqWorker):
    """Takes the jobs of one queue. `redis` of the queue answers commands, `blocking` waits for news."""

    def __init__(
        self,
        queue: Queue,
        blocking: Any,
        functions: Sequence[Work | Function],
        *,
        name: str,
        at_once: int = 10,
        metrics: Metrics | None = None,
        keep: int = KEEP_COMPLETED,
        keep_seconds: float = KEEP_SECONDS,
        lease: float = LEASE_SECONDS,
        **hooks: Any,
    ) -> None:
        works = [one if isinstance(one, Work) else Work(one) for one in functions]
        super().__init__(
            [one.function for one in works], queue_name=queue.name, redis_settings=RedisSettings(), handle_signals=False, max_jobs=at_once,
            log_results=False, **hooks,
        )  # fmt: skip
        self.queue, self.name, self.lease = queue, name, lease
        self.running: dict[str, Running] = {}
        self._works = {one.function.name: one for one in works}
        self._blocking, self._metrics = blocking, metrics
        self.kept = (keep, round(keep_seconds * 1000))
        self._ended: list[tuple[Running, Outcome]] = []
        # Something ended, or something came.
        self._news, self._hungry = asyncio.Event(), asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._telling: asyncio.Task[None] | None = None
        self._draining = False
        self.ctx["redis"] = queue
        # So that a hook of arq's that asks the pool finds none: the queue is what there is.
        self._pool = None

    async def main(self) -> None:
        """Take jobs until it is drained and none is left in hand."""
        await self._hook(self.on_startup, self.ctx)
        waker, minder = tasks.keep(self._wait_for_news, "jobs-news"), tasks.keep(self._keep_leases, "jobs-leases")
        self._news.set()
        try:
            await self._turns()
            await tasks.end(waker)
            await self._empty_inbox()
            await self._turns()
        finally:
            if self._timer is not None:
                self._timer.cancel()
            for task in (waker, minder, self._telling):
                await tasks.end(task)
            await self._hook(self.on_shutdown, self.ctx)

    async def _turns(self) -> None:
        while not (self._draining and not self.running and not self._ended):
            await self._news.wait()
            self._news.clear()
            await self._turn()
        await self._leave()

    async def _leave(self) -> None:
        """Nothing more is to be handed over to this worker."""
        try:
            await self.queue.redis.zrem(self.queue.key("idle"), f"{round(self.lease * 1000)} {self.name}")
        except (*Unreachable, RedisError) as error:
            log.warning("not_taken_off_the_idle", queue=self.queue.name, reason=type(error).__name__)

    def drain(self) -> None:
        """Claim no more jobs; `main` ends with the last one in hand."""
        self._draining = True
        self.allow_pick_jobs = False
        self._news.set()

    def hand_back(self) -> None:
        """End what is in hand; others run it, and it was no attempt."""
        for one in list(self.running.values()):
            one.stop("back")

    async def close(self) -> None:
        """Hand back what is in hand and end."""
        self.drain()
        self.hand_back()
        if self.main_task is not None:
            await asyncio.wait({self.main_task}, timeout=self.lease)

    async def _turn(self) -> None:
        ended, self._ended = self._ended, []
        want = 0 if self._draining else self.max_jobs - len(self.running)
        if not ended and want <= 0:
            return
        token = f"{self.name}:{next(_tokens)}"
        idle = "" if self.running or self._draining else "1"
        args: list[Any] = [len(ended)]
        for one, how in ended:
            args += (one.id, one.token, how.what, how.value, how.delay)
        try:
            told = await self.queue.run("turn", *args, want, round(self.lease * 1000), token, self.name, *self.kept, idle)
        except (*Unreachable, RedisError) as error:
            # How they ended is told when the server is back. Told twice, it is refused.
            self._ended = ended + self._ended
            log.warning("queue_unreachable", queue=self.queue.name, reason=type(error).__name__)
            await asyncio.sleep(PAUSE_AFTER_ERROR)
            self._news.set()
            return
        for lost in told[5]:
            log.warning("claim_lost", queue=self.queue.name, job=lost.decode())
        for claimed in told[6:]:
            self._begin(token, claimed)
        if told[4] and (self._telling is None or self._telling.done()):
            self._telling = asyncio.create_task(self._tell_parents())
        if len(told) - 6 < want:
            self._rest(told)

    async def _tell_parents(self) -> None:
        try:
            await deliver(self.queue)
        except (*Unreachable, RedisError) as error:
            # The sweeper does it.
            log.warning("parents_not_told", queue=self.queue.name, reason=type(error).__name__)

    def _rest(self, told: list[Any]) -> None:
        """There is room for more than there was: wait for news, for the end of a pause, or for what is delayed."""
        now, pause, due = told[0], told[1], told[2]
        waits = [pause] if pause else [due - now] if due else []
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(max(waits[0], 1) / 1000, self._news.set) if waits else None
        self._hungry.set()

    async def _wait_for_news(self) -> None:
        inbox, marker = self.queue.key(f"inbox:{self.name}"), self.queue.key("marker")
        while True:
            await self._hungry.wait()
            try:
                found = await self._blocking.blpop([inbox, marker], timeout=LONGEST_SLEEP)
            except (*Unreachable, RedisError):
                found = None
                await asyncio.sleep(PAUSE_AFTER_ERROR)
            self._hungry.clear()
            if found is not None and found[1]:
                self._take(found[1])
            self._news.set()

    def _take(self, given: bytes) -> None:
        """Begin a job that was handed over when it was added; while it drains, it hands it back."""
        token, *claimed = netstrings(given)
        one = self._begin(token.decode(), claimed)
        if self._draining:
            one.stop("back")

    async def _empty_inbox(self) -> None:
        """What was handed over at the last moment goes to others."""
        try:
            while (given := await self.queue.redis.lpop(self.queue.key(f"inbox:{self.name}"))) is not None:
                self._take(given)
        except (*Unreachable, RedisError) as error:
            # Its lease ends soon.
            log.warning("inbox_not_emptied", queue=self.queue.name, reason=type(error).__name__)

    def _begin(self, token: str, claimed: list[Any]) -> Running:
        work = self._works.get(claimed[1].decode())
        options = kinds.unpack(claimed[3])
        one = Running(self.queue, token, claimed, options if work is None else work.options(options))
        before = self.running.get(one.id)
        if before is not None:
            # Its lease ended while the server was away, and here it is again: what still runs of it is another claim's.
            before.stop("lost")
        self.running[one.id] = one
        if one.options.timeout is not None:
            one.timer = self.loop.call_later(one.options.timeout, one.stop, "timeout")
        one.task = self.loop.create_task(self._run(one, work))
        return one

    async def _run(self, one: Running, work: Work | None) -> None:
        request_ids.current.set(one.request_id)
        one.entered = True
        how = await self._attempt(one, work)
        if one.timer is not None:
            one.timer.cancel()
        if self.running.get(one.id) is one:
            del self.running[one.id]
        if how is not LOST:
            self._ended.append((one, how))
        self._news.set()
        self._tell(one, how)
        if self.after_job_end is not None:
            await self._hook(self.after_job_end, {**self.ctx, **one.context()})

    async def _attempt(self, one: Running, work: Work | None) -> Outcome:
        try:
            if one.why is not None:
                raise asyncio.CancelledError
            if work is None:
                raise Unrecoverable(f"no worker of {self.queue.name} knows {one.name!r}: it has {', '.join(sorted(self._works))}")
            ctx = {**self.ctx, **one.context()}
            if self.on_job_start is not None:
                await self.on_job_start(ctx)
            result = await work(ctx, one.data)
            if self.on_job_end is not None:
                await self._hook(self.on_job_end, ctx)
            return LOST if one.why == "lost" else outcomes.completed(one.id, result)
        except asyncio.CancelledError as error:
            return self._stopped(one, error)
        except BaseException as error:
            # Not even SystemExit of a job ends the worker.
            return LOST if one.why == "lost" else self._raised(one, error)

    def _stopped(self, one: Running, error: asyncio.CancelledError) -> Outcome:
        match one.why:
            case "lost":
                return LOST
            case "back":
                return BACK
            case "cancelled":
                return self._raised(one, Cancelled("cancelled"))
            case "timeout":
                return self._raised(one, TimeoutError(f"it took longer than {one.options.timeout:g} s"))
        return self._raised(one, error)

    def _raised(self, one: Running, error: BaseException) -> Outcome:
        how = outcomes.raised(error, one.attempt, one.options)
        told = {"job": one.id, "name": one.name, "attempt": one.attempt, "reason": type(error).__name__}
        if how.what == "failed" and not isinstance(error, Unrecoverable | TimeoutError):
            log.error("job_failed", **told, exc_info=error)
        elif how.what == "failed":
            log.error("job_failed", **told, detail=str(error))
        else:
            log.warning("job_tried_again", **told, seconds=how.delay / 1000)
        return how

    def _tell(self, one: Running, how: Outcome) -> None:
        took = time.monotonic() - one.began
        match how.what:
            case "completed":
                self.jobs_complete += 1
                logs.add_line(event="job", part="engine", job=one.id, name=one.name, attempt=one.attempt, ms=round(took * 1000, 2))
            case "failed":
                self.jobs_failed += 1
            case "retry" | "free":
                self.jobs_retried += 1
        if self._metrics is not None:
            self._metrics.ended(self.queue.name, one.name, how.what, took)

    async def _keep_leases(self) -> None:
        """Every third of a lease: say that this worker lives, for all jobs in hand at once."""
        while True:
            await asyncio.sleep(self.lease / 3)
            held = list(self.running.values())
            if not held:
                continue
            pairs = [part for one in held for part in (one.id, one.token)]
            try:
                lost, cancelled = await self.queue.run("renew", round(self.lease * 1000), *pairs)
            except (*Unreachable, RedisError) as error:
                log.warning("leases_not_renewed", queue=self.queue.name, reason=type(error).__name__)
                continue
            for ids, why in ((lost, "lost"), (cancelled, "cancelled")):
                for job_id in ids:
                    one = self.running.get(job_id.decode())
                    if one is not None:
                        one.stop(why)

    async def _hook(self, hook: Any, ctx: dict[Any, Any]) -> None:
        """A hook that raises is a fault of the hook, not the end of the worker."""
        if hook is None:
            return
        try:
            await hook(ctx)
        except Exception as error:
            log.exception("hook_failed", queue=self.queue.name, reason=type(error).__name__)

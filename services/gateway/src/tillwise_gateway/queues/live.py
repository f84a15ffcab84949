"""Live news of queues: one reader for each queue, however many people look, and at most four messages a second to each of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from tillwise_common import logs, tasks
from tillwise_common.bus.connection import RedisError, Unreachable
from tillwise_common.jobs import watching
from tillwise_common.jobs.control import Control
from tillwise_common.jobs.queue import Queue
from tillwise_common.web.problems import Problem

log = logs.get("queues")
SECONDS_BETWEEN = 0.25
SECONDS_AFTER_ERROR = 1.0
MOST_LISTENERS, MOST_WATCHED = 100, 24
# So many jobs are named in one message; of more, only how many is told.
MOST_NAMED = 100


class Listener:
    """Somebody who looks. What they have not read yet is replaced by what is newer, so that a slow one costs no memory."""

    def __init__(self) -> None:
        self._news: dict[str, dict[str, Any]] = {}
        self._fresh = asyncio.Event()
        self.over = False

    def tell(self, news: dict[str, Any]) -> None:
        before = self._news.get(news["queue"])
        self._news[news["queue"]] = news if before is None else _both(before, news)
        self._fresh.set()

    def end(self) -> None:
        self.over = True
        self._fresh.set()

    async def next(self, patience: float) -> list[dict[str, Any]]:
        """What is new, as soon as there is something; nothing when the time is over."""
        try:
            await asyncio.wait_for(self._fresh.wait(), patience)
        except TimeoutError:
            return []
        self._fresh.clear()
        news, self._news = list(self._news.values()), {}
        return news


class Watch:
    """The news of one queue, while somebody listens."""

    def __init__(self, queue: Queue, blocking: Any) -> None:
        self._queue, self._blocking = queue, blocking
        self._happened: Counter[str] = Counter()
        self._jobs: set[str] = set()
        self._fresh = asyncio.Event()
        self.listeners: set[Listener] = set()
        self._tasks = [tasks.keep(self._follow, f"news of {queue.name}"), tasks.keep(self._tell, f"telling of {queue.name}")]

    async def close(self) -> None:
        for task in self._tasks:
            await tasks.end(task)

    def begin(self) -> None:
        """Tell how things stand."""
        self._fresh.set()

    async def _follow(self) -> None:
        while True:
            try:
                since = await watching.position(self._queue)
                # What happened before is in what is told now, and nothing after it is missed.
                self.begin()
                async for event in watching.follow(self._queue, self._blocking, since):
                    self._happened[event.what] += len(event.ids)
                    self._jobs.update(event.ids[:MOST_NAMED])
                    self._fresh.set()
            except (RedisError, *Unreachable) as error:
                log.warning("no_news_of_queue", queue=self._queue.name, reason=type(error).__name__)
                await asyncio.sleep(SECONDS_AFTER_ERROR)

    async def _tell(self) -> None:
        control = Control(self._queue)
        while True:
            await self._fresh.wait()
            self._fresh.clear()
            happened, self._happened = self._happened, Counter()
            jobs, self._jobs = self._jobs, set()
            try:
                counts, limits = await asyncio.gather(control.counts(), control.limits())
            except (RedisError, *Unreachable):
                await asyncio.sleep(SECONDS_AFTER_ERROR)
                self._fresh.set()
                continue
            news = {
                "queue": self._queue.name, "counts": counts, "paused": limits.paused, "happened": dict(happened),
                "jobs": sorted(jobs)[:MOST_NAMED],
            }  # fmt: skip
            for listener in self.listeners:
                listener.tell(news)
            await asyncio.sleep(SECONDS_BETWEEN)


class Live:
    """All watches, as a part of the gateway's life: added last, it ends the streams first. `blocking` may wait for five seconds."""

    def __init__(self, redis: Any, blocking: Any) -> None:
        self._redis, self._blocking = redis, blocking
        self._watches: dict[str, Watch] = {}
        self._listeners: set[Listener] = set()
        self._over = False

    @asynccontextmanager
    async def listening(self, queues: Iterable[str]) -> AsyncIterator[Listener]:
        """A listener to some queues. Raises Problem 503 when too many listen, or at the end."""
        names = list(queues)[:MOST_WATCHED]
        if self._over or len(self._listeners) >= MOST_LISTENERS or len({*names, *self._watches}) > MOST_WATCHED:
            raise Problem(503, "too_many_listeners", "Too many people look at once. Try again shortly.", headers={"Retry-After": "10"})
        listener = Listener()
        self._listeners.add(listener)
        for name in names:
            if name not in self._watches:
                self._watches[name] = Watch(Queue(self._redis, name), self._blocking)
            self._watches[name].listeners.add(listener)
            self._watches[name].begin()
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            await self._leave(listener, names)

    async def start(self) -> None:
        """Nothing to do: a queue is watched while somebody looks."""

    async def drain(self) -> None:
        self._over = True
        for listener in self._listeners:
            listener.end()

    async def close(self) -> None:
        await self.drain()
        for watch in self._watches.values():
            await watch.close()
        self._watches.clear()

    async def _leave(self, listener: Listener, names: list[str]) -> None:
        ended = []
        for name in names:
            watch = self._watches.get(name)
            if watch is not None:
                watch.listeners.discard(listener)
                if not watch.listeners:
                    ended.append(self._watches.pop(name))
        for watch in ended:
            await watch.close()


def _both(before: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
    return {
        **news,
        "happened": dict(Counter(before["happened"]) + Counter(news["happened"])),
        "jobs": sorted({*before["jobs"], *news["jobs"]})[:MOST_NAMED],
    }

"""A queue on a real server, and workers in this process or in others."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tillwise.embedded.valkey import EmbeddedValkey
from tillwise_common import tasks
from tillwise_common.bus.connection import RedisConnection
from tillwise_common.jobs import watching
from tillwise_common.jobs.control import Control
from tillwise_common.jobs.queue import Queue
from tillwise_common.settings import Secret
from tillwise_worker.engine.sweeper import Sweeper
from tillwise_worker.engine.worker import Worker

PATIENCE = 20.0


class Desk:
    """A queue with its control, and workers that live as long as a test."""

    def __init__(self, redis: RedisConnection, name: str) -> None:
        self.redis = redis
        self.queue = Queue(redis.commands, name)
        self.control = Control(self.queue)

    def other(self, name: str) -> Desk:
        return Desk(self.redis, name)

    @contextlib.asynccontextmanager
    async def worker(self, *functions: Any, name: str = "one", sweeps: bool = True, **asked: Any) -> AsyncIterator[Worker]:
        """A worker that runs; it is drained at the end, and what does not end by itself then is handed back."""
        worker = Worker(self.queue, self.redis.blocking, functions, name=name, **asked)
        running = asyncio.create_task(worker.async_run())
        sweeping = asyncio.create_task(Sweeper(worker, name).run()) if sweeps else None
        try:
            yield worker
        finally:
            worker.drain()
            worker.hand_back()
            await asyncio.wait({running}, timeout=PATIENCE)
            await tasks.end(sweeping)
            assert running.done()
            running.result()

    async def result(self, job_id: str) -> Any:
        return await watching.result(self.queue, self.redis.blocking, job_id, PATIENCE)

    async def ended(self, job_id: str) -> str:
        """The state in which a job ends."""
        with contextlib.suppress(Exception):
            await self.result(job_id)
        return (await self.control.job(job_id)).state

    async def until(self, what: str, job_id: str) -> None:
        """Wait until this has happened to a job (since the begin of the stream)."""
        async with asyncio.timeout(PATIENCE):
            async for event in watching.follow(self.queue, self.redis.blocking, "0"):
                if event.what == what and job_id in event.ids:
                    return


@pytest.fixture
async def desk(redis_url: str) -> AsyncIterator[Desk]:
    connection = RedisConnection(Secret(redis_url))
    yield Desk(connection, "work")
    await connection.close()


@pytest.fixture
async def desk_at() -> AsyncIterator[Any]:
    """Makes desks on other servers."""
    opened: list[RedisConnection] = []

    def make(url: str) -> Desk:
        opened.append(RedisConnection(Secret(url)))
        return Desk(opened[-1], "work")

    yield make
    for connection in opened:
        await connection.close()


class Restartable:
    """A server of a test's own, which can be killed and started again with its data."""

    def __init__(self, folder: Path) -> None:
        self._server = EmbeddedValkey(folder)
        self.url = self._server.url
        self._start()

    def restart(self) -> None:
        self.kill()
        self._start()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(PATIENCE)

    def _start(self) -> None:
        self._server.prepare()
        self._process = subprocess.Popen(self._server.command(), stdin=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE
        while not self._server.ready():
            assert time.monotonic() < until
            time.sleep(0.02)


@pytest.fixture
def restartable_valkey(tmp_path: Path) -> Iterator[Restartable]:
    server = Restartable(tmp_path / "valkey")
    yield server
    server.kill()

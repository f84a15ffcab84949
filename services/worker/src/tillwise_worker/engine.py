"""arq as a part of our life: our signals, our logs, our serialisation."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
from arq.connections import RedisSettings
from arq.cron import CronJob
from arq.worker import Function, Worker
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from tillwise_common import logs, tasks
from tillwise_common.settings import Secret

log = logs.get("engine")
RETRIES = 8


def redis_settings(url: Secret) -> RedisSettings:
    """arq's connection, which outlives a restart of the server (arq's default dies of it)."""
    settings = RedisSettings.from_dsn(url.reveal())
    settings.retry = Retry(ExponentialBackoff(cap=2, base=0.05), RETRIES)
    settings.retry_on_error = [RedisConnectionError, RedisTimeoutError]
    return settings


class Engine:
    """Runs arq's worker until it is drained; a worker that dies is started again."""

    def __init__(self, url: Secret, functions: Sequence[Function], crons: Sequence[CronJob], *, at_once: int, drain_seconds: float) -> None:
        self._url = url
        self._functions, self._crons = functions, crons
        self._at_once = at_once
        self._drain_seconds = drain_seconds
        self._worker: Worker | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="arq")

    async def drain(self) -> None:
        """Claim no more jobs and let those in hand end; what is left at the deadline is cancelled by `close`."""
        self._stopping = True
        await tasks.end(self._task)
        # arq waits for jobs only when it handles the signals itself; closed now, it would cancel them.
        in_hand = [job for job in self._worker.tasks.values() if not job.done()] if self._worker is not None else []
        if in_hand:
            await asyncio.wait(in_hand, timeout=self._drain_seconds)

    async def close(self) -> None:
        if self._worker is not None:
            await self._worker.close()

    async def _run(self) -> None:
        while not self._stopping:
            self._worker = self._new_worker()
            try:
                await self._worker.async_run()
            except Exception as error:
                log.warning("worker_interrupted", reason=type(error).__name__)
            await asyncio.sleep(1.0)

    def _new_worker(self) -> Worker:
        return Worker(
            functions=self._functions,
            cron_jobs=self._crons,
            redis_settings=redis_settings(self._url),
            handle_signals=False,
            max_jobs=self._at_once,
            # Never pickle: whoever can write to Redis could run code here.
            job_serializer=msgspec.msgpack.encode,
            job_deserializer=msgspec.msgpack.decode,
            # Arguments may be personal data.
            log_results=False,
            ctx={},
        )

"""Background tasks and their end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tillwise_common import logs

log = logs.get("tasks")
AGAIN_SECONDS = 0.2
AFTER_FAILURE_SECONDS = 1.0


def keep(work: Callable[[], Awaitable[None]], name: str) -> asyncio.Task[None]:
    """A task that does `work` until it returns. An exception that nobody foresaw is told, and the work begun again:
    a service whose task has died looks alive and does nothing.
    """
    return asyncio.create_task(_keep(work, name), name=name)


async def _keep(work: Callable[[], Awaitable[None]], name: str) -> None:
    while True:
        try:
            return await work()
        except Exception:
            log.exception("task_failed", task=name)
            await asyncio.sleep(AFTER_FAILURE_SECONDS)


async def end(task: asyncio.Task[Any] | asyncio.Future[Any] | None) -> None:
    """Cancel a task until it is over.

    Once is not enough: a cancellation that meets a reply on its way can get lost inside redis-py, and the task
    would go on reading (seen with 5.3.1: one in twenty).
    """
    while task is not None and not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=AGAIN_SECONDS)
    if task is not None and not task.cancelled():
        # Looked at, so that nobody is told that it never was.
        task.exception()

"""Background tasks and their end."""

from __future__ import annotations

import asyncio
from typing import Any

AGAIN_SECONDS = 0.2


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

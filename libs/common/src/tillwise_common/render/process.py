"""Makes files of answers outside of the event loop: in a process of its own, which comes when it is needed and goes when it is not.

Drawing and typesetting cost memory (300 MB) that a service should not hold, and minutes of the processor when somebody is unlucky:
only a process can be stopped.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from tillwise_common import logs
from tillwise_common.render import forms
from tillwise_common.render.document import Unmakeable

log = logs.get("renderer")
# So many files may be asked for at once, the one in hand included.
MOST_WAITING = 8
PATIENCE_SECONDS = 30.0
# After so long without work the process goes.
IDLE_SECONDS = 60.0


class Busy(Exception):
    """Too many files are asked for at once."""


class TooSlow(Exception):
    """The file was not ready in time, and making it was called off."""


class Renderer:
    """A part of a service's life."""

    def __init__(self, patience: float = PATIENCE_SECONDS, most_waiting: int = MOST_WAITING) -> None:
        self._patience, self._most_waiting = patience, most_waiting
        self._pool: ProcessPoolExecutor | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._leaving: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Nothing: the process starts when it is needed first."""

    async def drain(self) -> None:
        """Files end with the requests that wait for them."""

    async def close(self) -> None:
        self._stay()
        await self._end()

    async def render(self, body: bytes, form: str, title: str | None, chart: int = 1, most_cells: int | None = None) -> bytes:
        """An answer in a form, as tillwise_common.render makes it. Raises Unmakeable, Busy and TooSlow."""
        if self._waiting >= self._most_waiting:
            raise Busy
        self._waiting += 1
        self._stay()
        try:
            async with asyncio.timeout(self._patience), self._turn:
                return await self._made(body, form, title, chart, most_cells)
        except TimeoutError:
            raise TooSlow from None
        finally:
            self._waiting -= 1
            if not self._waiting and self._pool is not None:
                self._leaving = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._leave)

    async def _made(self, body: bytes, form: str, title: str | None, chart: int, most_cells: int | None) -> bytes:
        """A process that died (of memory, say) is replaced; what killed it is not tried again."""
        try:
            made = await asyncio.wrap_future(self._ready().submit(_render, body, form, title, chart, most_cells))
        except BrokenProcessPool:
            log.warning("renderer_died")
            await self._end()
            raise Unmakeable("the file could not be made") from None
        except asyncio.CancelledError:
            # Its work goes on in the process, and cannot be stopped otherwise.
            await self._end()
            raise
        if isinstance(made, str):
            raise Unmakeable(made)
        return made

    def _ready(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # Not forked: the service's sockets and threads stay where they are.
            self._pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_begin)
        return self._pool

    def _stay(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None

    def _leave(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False)

    async def _end(self) -> None:
        pool, self._pool = self._pool, None
        if pool is None:
            return
        processes = list((getattr(pool, "_processes", None) or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.kill()
        await asyncio.to_thread(lambda: [process.join() for process in processes])


def _render(body: bytes, form: str, title: str | None, chart: int, most_cells: int | None) -> bytes | str:
    """The file, or in words why there is none."""
    try:
        return forms.render(body, form, title, chart=chart, most_cells=most_cells)
    except Unmakeable as error:
        return str(error)


def _begin() -> None:
    """Give way to those who answer, and do not outlive the service, however it ends."""
    os.nice(5)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)

"""Long computations in a process of their own, so that they block neither the intake nor other reports.

The process starts with the first computation (numpy and its kin cost memory and a second of start-up), serves one at a
time, and is ended when a computation takes longer than the one who asked will wait: nothing else can stop it. Who gives up
while it still gets ready leaves it to the next one: on a busy machine nobody would ever see it ready else.

A module whose functions run here may have a function `get_ready()` that imports what they need.
"""

from __future__ import annotations

import asyncio
import importlib
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

from tillwise_common import logs

P = ParamSpec("P")
T = TypeVar("T")
log = logs.get("calculator")


class TooSlow(Exception):
    """The computation did not end in time and was called off."""


class Calculator:
    """Runs functions of modules (they travel by name) with arguments and results that can be pickled."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._turn = asyncio.Lock()
        # By module, from its first function on.
        self._ready_for: dict[str, Future[None]] = {}

    async def start(self) -> None:
        """Nothing: the process starts when it is needed first."""

    async def drain(self) -> None:
        """Computations end with the questions that wait for them."""

    async def close(self) -> None:
        await self._end()

    async def run(self, timeout: float, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The function's result, computed elsewhere within `timeout` seconds, waiting for its turn included.

        Raises TooSlow, and what the function raises. A process that died is replaced, and its work done once more.
        """
        try:
            async with asyncio.timeout(timeout), self._turn:
                await self._get_ready(function.__module__)
                return await self._run(function, *args, **kwargs)
        except TimeoutError as error:
            raise TooSlow(getattr(function, "__name__", "computation")) from error

    async def _get_ready(self, module: str) -> None:
        """Start the process and let it import what a module needs, however long the asker waits for that."""
        if module not in self._ready_for:
            self._ready_for[module] = self._ready().submit(_get_ready, module)
        try:
            await asyncio.shield(asyncio.wrap_future(self._ready_for[module]))
        except BrokenProcessPool:
            await self._end()

    async def _run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            try:
                return await asyncio.wrap_future(self._ready().submit(function, *args, **kwargs))
            except BrokenProcessPool:
                log.warning("calculator_died")
                await self._end()
                return await asyncio.wrap_future(self._ready().submit(function, *args, **kwargs))
        except (asyncio.CancelledError, BrokenProcessPool):
            await self._end()
            raise

    def _ready(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # Not forked: the service's threads and connections stay where they are.
            self._pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_be_polite)
        return self._pool

    async def _end(self) -> None:
        pool, self._pool = self._pool, None
        self._ready_for.clear()
        if pool is None:
            return
        # Waiting for a computation to end would be waiting for what was just called off.
        processes = list((getattr(pool, "_processes", None) or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.kill()
        await asyncio.to_thread(lambda: [process.join() for process in processes])


def _get_ready(module: str) -> None:
    getattr(importlib.import_module(module), "get_ready", lambda: None)()


def _be_polite() -> None:
    """Give way to the intake and the reports, and compute on one core."""
    os.nice(5)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"

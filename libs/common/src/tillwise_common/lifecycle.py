"""The life of a service: start its parts in order, wait for a signal, drain, stop.

signal -> not ready -> grace (load balancers notice) -> stop taking work and finish what is in hand, last part
first, within a deadline -> close, last part first -> exit 0.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import Protocol

from tillwise_common import logs
from tillwise_common.health import Health

log = logs.get("lifecycle")


class Part(Protocol):
    """Something with a life: a pool, a server, a consumer."""

    async def start(self) -> None:
        """Be ready for use, or raise."""

    async def drain(self) -> None:
        """Take no more work and finish what is in hand."""

    async def close(self) -> None:
        """Let go of everything, also after a `start` that failed half way."""


class StartError(Exception):
    """A part could not start for a reason the operator can mend; `str()` is one clear line."""


class Lifecycle:
    """Runs parts in the order in which they were added and ends them in the reverse order."""

    def __init__(self, health: Health, *, grace_seconds: float = 0.0, drain_seconds: float = 20.0, lifeline_fd: int = -1) -> None:
        self._health = health
        self._grace = grace_seconds
        self._drain = drain_seconds
        self._lifeline_fd = lifeline_fd
        self._parts: list[Part] = []
        self._started: list[Part] = []
        self._stop = asyncio.Event()

    def add(self, part: Part) -> None:
        self._parts.append(part)

    def stop(self) -> None:
        """Ask for the end; the same as SIGTERM."""
        self._stop.set()

    async def run(self) -> None:
        """Live until a signal (or `stop`), then end in order."""
        self._listen()
        try:
            for part in self._parts:
                self._started.append(part)
                await part.start()
            self._health.serving = True
            log.info("ready")
            await self._stop.wait()
        finally:
            await self._end()

    def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        if self._lifeline_fd >= 0:
            # The supervisor holds the other end: end of file means it is gone, however it died.
            loop.add_reader(self._lifeline_fd, self._lifeline_cut)

    def _lifeline_cut(self) -> None:
        if not os.read(self._lifeline_fd, 1024):
            asyncio.get_running_loop().remove_reader(self._lifeline_fd)
            self._stop.set()

    async def _end(self) -> None:
        self._health.draining = True
        self._health.serving = False
        if self._stop.is_set() and self._grace:
            await asyncio.sleep(self._grace)
        log.info("draining")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._drain):
                for part in reversed(self._started):
                    await self._quietly(part.drain(), part, "drain")
        for part in reversed(self._started):
            await self._quietly(asyncio.wait_for(part.close(), 5), part, "close")
        log.info("stopped")

    @staticmethod
    async def _quietly(step: object, part: Part, what: str) -> None:
        try:
            await step  # type: ignore[misc]
        except asyncio.CancelledError:
            log.warning(f"{what}_deadline_passed", part=type(part).__name__)
            raise
        except Exception:
            log.warning(f"{what}_failed", part=type(part).__name__, exc_info=True)

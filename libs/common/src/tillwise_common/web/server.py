"""An aiohttp application on a port, as a part of a service."""

from __future__ import annotations

import os

from aiohttp import web

from tillwise_common.lifecycle import StartError

BACKLOG = 1024
KEEPALIVE_SECONDS = 75.0


class HttpServer:
    """Serves `app`. Draining stops the listener and lets requests in hand finish."""

    def __init__(self, app: web.Application, host: str, port: int, *, reuse_port: bool = False, drain_seconds: float = 20.0) -> None:
        self._app = app
        self._host, self._port, self._reuse_port = host, port, reuse_port
        self._drain_seconds = drain_seconds
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None

    async def start(self) -> None:
        self._runner = web.AppRunner(
            self._app,
            # Every request is logged by what surrounds its handler.
            access_log=None,
            # A client that hangs up does not stop work that was begun.
            handler_cancellation=False,
            keepalive_timeout=KEEPALIVE_SECONDS,
            shutdown_timeout=self._drain_seconds,
        )
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, self._host, self._port, reuse_port=self._reuse_port, backlog=BACKLOG)
        try:
            await self._site.start()
        except OSError as error:
            raise StartError(f"cannot listen on {self._host}:{self._port} (PORT): {os.strerror(error.errno or 0)}") from None

    @property
    def port(self) -> int:
        """The port that is served, also when it was asked for as 0."""
        if self._runner is None or not self._runner.addresses:
            return self._port
        return int(self._runner.addresses[0][1])

    async def drain(self) -> None:
        if self._site is not None:
            await self._site.stop()
            self._site = None
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def close(self) -> None:
        await self.drain()

"""An aiohttp application on a port, as a part of a service."""

from __future__ import annotations

import asyncio
import os
import socket

from aiohttp import web

from tillwise_common.lifecycle import StartError
from tillwise_common.web.protocol import Runner

BACKLOG = 1024
KEEPALIVE_SECONDS = 75.0
# How long a connection that says nothing is kept while draining, so that its next request is its last, not a broken one.
LAST_REQUEST_SECONDS = 1.0
LOOKS = 50


class HttpServer:
    """Serves `app`. Draining closes the door, serves who is inside until each had a last answer, and ends."""

    def __init__(self, app: web.Application, host: str, port: int, *, reuse_port: bool = False, drain_seconds: float = 20.0) -> None:
        self._app = app
        self._host, self._port, self._reuse_port = host, port, reuse_port
        self._drain_seconds = drain_seconds
        self._runner: Runner | None = None
        self._doors: list[tuple[web.SockSite, socket.socket]] = []

    async def start(self) -> None:
        self._runner = Runner(
            self._app,
            # Every request is logged by what surrounds its handler.
            access_log=None,
            # Nobody works for a client that has gone; what must not be broken off (a flight to the stream) is a task of its own.
            handler_cancellation=True,
            # aiohttp takes what arrived of a packed body that broke off for all of it: who takes packed bodies unpacks them.
            auto_decompress=False,
            keepalive_timeout=KEEPALIVE_SECONDS,
            shutdown_timeout=self._drain_seconds,
        )
        await self._runner.setup()
        try:
            for door in self._listen():
                site = web.SockSite(self._runner, door, backlog=BACKLOG)
                await site.start()
                self._doors.append((site, door))
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
            raise StartError(f"cannot listen on {self._host}:{self._port} (PORT): {reason}") from None

    def _listen(self) -> list[socket.socket]:
        found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        addresses = {address[:2]: family for family, _, _, _, address in found}
        doors: list[socket.socket] = []
        for address, family in addresses.items():
            door = socket.create_server(address, family=family, backlog=BACKLOG, reuse_port=self._reuse_port)
            door.setblocking(False)
            doors.append(door)
        return doors

    @property
    def port(self) -> int:
        """The port that is served, also when it was asked for as 0."""
        return int(self._doors[0][1].getsockname()[1]) if self._doors else self._port

    async def drain(self) -> None:
        if self._runner is None:
            return
        await self._close_doors()
        await self._last_answers()
        await self._runner.cleanup()
        self._runner = None

    async def close(self) -> None:
        await self.drain()

    async def _close_doors(self) -> None:
        """Stop listening. Whoever the kernel has let in already is served: closing a door on them would reset their connection."""
        doors, self._doors = self._doors, []
        for site, door in doors:
            inside = _who_waits(door)
            # Closes before it waits for anything, so nobody comes in between.
            await site.stop()
            for client in inside:
                assert self._runner is not None
                await asyncio.get_running_loop().connect_accepted_socket(self._server, client)

    @property
    def _server(self) -> web.Server:
        assert self._runner is not None
        assert self._runner.server is not None
        return self._runner.server

    async def _last_answers(self) -> None:
        """Answers say "Connection: close" by now; those who asked nothing for a while may be let go."""
        for _ in range(LOOKS):
            if not self._server.connections:
                return
            await asyncio.sleep(min(LAST_REQUEST_SECONDS, self._drain_seconds) / LOOKS)


def _who_waits(door: socket.socket) -> list[socket.socket]:
    inside: list[socket.socket] = []
    while True:
        try:
            client, _ = door.accept()
        except OSError:
            return inside
        client.setblocking(False)
        inside.append(client)

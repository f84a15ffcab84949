"""The HTTP server: who hangs up is not worked for; while draining everybody gets a last answer, also who waits at the door."""

from __future__ import annotations

import asyncio
import socket

import pytest
from aiohttp import web

from tillwise_common import metrics
from tillwise_common.health import Health
from tillwise_common.web.middleware import Surroundings
from tillwise_common.web.server import HttpServer

REQUEST = b"GET /work HTTP/1.1\r\nHost: x\r\n\r\n"


class Served:
    """A server with one address, `/work`, whose work ends when `may_end` is set."""

    def __init__(self) -> None:
        self.health, self.registry = Health(), metrics.new_registry()
        self.begun, self.may_end, self.cancelled = asyncio.Event(), asyncio.Event(), asyncio.Event()
        app = web.Application()
        Surroundings(self.registry, self.health).install(app, [web.get("/work", self._work)])
        self.server = HttpServer(app, "127.0.0.1", 0)

    async def _work(self, _: web.Request) -> web.Response:
        self.begun.set()
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return web.Response(text="done")

    async def connect(self):
        return await asyncio.open_connection("127.0.0.1", self.server.port)


@pytest.fixture
async def served():
    one = Served()
    await one.server.start()
    yield one
    one.may_end.set()
    await one.server.close()


async def head(reader):
    return (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).decode().lower()


async def test_a_client_that_hangs_up_cancels_its_handler_and_is_counted(served):
    _, writer = await served.connect()
    writer.write(REQUEST)
    await asyncio.wait_for(served.begun.wait(), 5)
    writer.close()
    await asyncio.wait_for(served.cancelled.wait(), 5)
    assert b'route="/work",status="499"' in metrics.render(served.registry)


async def test_draining_gives_the_request_in_hand_its_answer_and_says_close(served):
    reader, writer = await served.connect()
    writer.write(REQUEST)
    await asyncio.wait_for(served.begun.wait(), 5)
    served.health.draining = True
    draining = asyncio.create_task(served.server.drain())
    await asyncio.sleep(0)
    served.may_end.set()
    assert "connection: close" in await head(reader)
    assert await reader.read() == b"done"
    await asyncio.wait_for(draining, 5)


async def test_an_open_connection_may_still_ask_while_the_door_is_closed_already(served):
    served.may_end.set()
    port = served.server.port
    reader, writer = await served.connect()
    writer.write(REQUEST)
    assert "connection: close" not in await head(reader)
    assert await reader.readexactly(4) == b"done"
    served.health.draining = True
    draining = asyncio.create_task(served.server.drain())
    await asyncio.sleep(0.05)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST)
    assert "connection: close" in await head(reader)
    await asyncio.wait_for(draining, 5)


async def test_who_waits_at_the_door_when_it_closes_is_served(served):
    served.may_end.set()
    # Nobody turns the loop between this connection and the drain, so only the kernel knows of it.
    with socket.create_connection(("127.0.0.1", served.server.port)) as client:
        client.sendall(REQUEST)
        draining = asyncio.create_task(served.server.drain())
        answer = await asyncio.to_thread(client.recv, 4096)
        assert answer.startswith(b"HTTP/1.1 200")
    await asyncio.wait_for(draining, 5)

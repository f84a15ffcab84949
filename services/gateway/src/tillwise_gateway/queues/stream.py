"""Server-sent events: news on a connection that stays open."""

from __future__ import annotations

import asyncio

import orjson
from aiohttp import web

from tillwise_gateway.queues.live import Listener

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    # nginx would keep events back until its buffer is full.
    "X-Accel-Buffering": "no",
}
HEARTBEAT_SECONDS = 15.0
# Then the browser connects anew, and whether it may is asked again.
LONGEST_SECONDS = 600.0
AGAIN_MILLISECONDS = 2000


async def send(request: web.Request, listener: Listener) -> web.StreamResponse:
    """Send what a listener hears until one of both goes, or we end."""
    response = web.StreamResponse(headers=HEADERS)
    response.force_close()
    await response.prepare(request)
    await response.write(f"retry: {AGAIN_MILLISECONDS}\n\n".encode())
    until = asyncio.get_running_loop().time() + LONGEST_SECONDS
    while not listener.over and asyncio.get_running_loop().time() < until:
        news = await listener.next(HEARTBEAT_SECONDS)
        lines = b"".join(b"event: news\ndata: %b\n\n" % orjson.dumps(one) for one in news)
        await response.write(lines or b": still here\n\n")
    await response.write_eof()
    return response

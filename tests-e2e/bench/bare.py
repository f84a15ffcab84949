"""The limit: an aiohttp handler that reads the body and answers, with nothing around it. `python bare.py PORT uvloop|asyncio`."""

from __future__ import annotations

import asyncio
import sys

import uvloop
from aiohttp import web


async def answer(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(status=202, body=b'{"accepted":1,"duplicates":null,"rejected":[]}', content_type="application/json")


async def main(port: int) -> None:
    app = web.Application(client_max_size=8 << 20)
    app.router.add_post("/api/v1/events", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


(uvloop if sys.argv[2] == "uvloop" else asyncio).run(main(int(sys.argv[1])))

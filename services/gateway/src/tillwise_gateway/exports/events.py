"""Progress as server-sent events: one when something happens, and a sign of life when nothing does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from tillwise_common.jobs import watching
from tillwise_common.jobs.queue import Queue
from tillwise_common.web.problems import Problem
from tillwise_gateway.exports.views import ENDED

# Each listener holds a connection to Redis.
MOST_LISTENERS = 50
SIGN_OF_LIFE_SECONDS = 15.0
_HEADERS = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no",
            "X-Content-Type-Options": "nosniff"}  # fmt: skip
Tell = Callable[[], Awaitable[dict[str, Any] | None]]


class Streams:
    """Those who listen to jobs of a queue."""

    def __init__(self, queue: Queue, blocking: Any) -> None:
        self._queue, self._blocking = queue, blocking
        self._listeners = 0
        self._ending = asyncio.Event()

    def end(self) -> None:
        """Let no listener stay."""
        self._ending.set()

    async def send(self, request: web.Request, job_id: str, tell: Tell) -> web.StreamResponse:
        """A job's state now and whenever it changes, until it has ended. `tell` says what it is; None: it is gone."""
        if self._listeners >= MOST_LISTENERS:
            raise Problem(503, "too_many_listeners", "Ask for the state instead, every few seconds.", headers={"Retry-After": "10"})
        self._listeners += 1
        try:
            response = web.StreamResponse(headers=_HEADERS)
            await response.prepare(request)
            await self._follow(response, job_id, tell)
            await response.write_eof()
            return response
        finally:
            self._listeners -= 1

    async def _follow(self, response: web.StreamResponse, job_id: str, tell: Tell) -> None:
        # The place in the stream first: what happens after the first look is heard.
        events = watching.follow(self._queue, self._blocking, await watching.position(self._queue))
        ending = asyncio.ensure_future(self._ending.wait())
        try:
            while await _write(response, await tell()):
                if not await self._heard(response, events, job_id, ending):
                    return
        finally:
            ending.cancel()
            await events.aclose()  # type: ignore[attr-defined]

    async def _heard(self, response: web.StreamResponse, events: Any, job_id: str, ending: asyncio.Future[Any]) -> bool:
        """Wait until something happened to the job; false when it is time to go."""
        while True:
            heard = asyncio.ensure_future(anext(events))
            try:
                while not (await asyncio.wait({heard, ending}, timeout=SIGN_OF_LIFE_SECONDS, return_when=asyncio.FIRST_COMPLETED))[0]:
                    await response.write(b": still here\n\n")
            finally:
                if not heard.done():
                    heard.cancel()
                    await asyncio.wait({heard})
            if ending.done():
                return False
            if job_id in heard.result().ids:
                return True


async def _write(response: web.StreamResponse, state: dict[str, Any] | None) -> bool:
    """Tell the state; false when it will not change any more."""
    if state is None:
        await response.write(b"event: gone\ndata: {}\n\n")
        return False
    name = "end" if state["state"] in ENDED else "progress"
    await response.write(b"event: %s\ndata: %s\n\n" % (name.encode(), orjson.dumps(state)))
    return name != "end"

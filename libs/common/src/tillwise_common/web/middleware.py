"""What surrounds every request: request ID, problem details, metrics, one line in the log.

Handlers are wrapped when they are registered. As a middleware of aiohttp the same work costs twice as much per
request, on the hottest path of the platform.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiohttp import HttpVersion11, web
from multidict import istr
from prometheus_client import CollectorRegistry

from tillwise_common import logs, request_id
from tillwise_common.health import Health
from tillwise_common.metrics import RequestFigures
from tillwise_common.web.problems import Problem, problem_of
from tillwise_common.web.protocol import REFUSED

log = logs.get("http")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
UNMATCHED = "unmatched"


class Surroundings:
    """Wraps handlers. While `health` drains, connections are closed after their answer."""

    def __init__(self, registry: CollectorRegistry, health: Health | None = None) -> None:
        self._health = health
        self._figures = RequestFigures(registry)

    def install(self, app: web.Application, routes: Iterable[web.RouteDef], missing: Handler | None = None) -> None:
        """Add `routes`, wrapped, and an answer for every other address; who GETs one is answered by `missing`, if given."""

        async def nothing_here(request: web.Request) -> web.StreamResponse:
            allowed = await _allowed(request)
            if allowed:
                raise web.HTTPMethodNotAllowed(request.method, sorted(allowed))
            if missing is None or request.method not in ("GET", "HEAD"):
                raise web.HTTPNotFound
            return await missing(request)

        for route in routes:
            handler = self.around(route.handler, route.method, route.path)
            app.router.add_routes([web.RouteDef(route.method, route.path, handler, {"expect_handler": _invite, **route.kwargs})])
        app.router.add_route("*", "/{anything:.*}", self.around(nothing_here, "any", UNMATCHED), expect_handler=_invite)
        refused = self._figures.counts("any", UNMATCHED)
        app[REFUSED] = lambda status: refused.update({status: refused.get(status, 0) + 1})

    def around(self, handler: Any, method: str, route: str) -> Handler:
        """`handler`, surrounded; its metrics carry `method` and `route`."""
        observe, counts = self._figures.times(route).observe, self._figures.counts(method, route)
        accept, current, header, health = request_id.accept, request_id.current, istr(request_id.HEADER), self._health
        # What leads to a route without variables is the route itself.
        fixed = None if "{" in route or route == UNMATCHED else route

        async def surrounded(request: web.Request) -> web.StreamResponse:
            began = time.perf_counter()
            rid = accept(request.headers.get(header))
            current.set(rid)
            try:
                response: web.StreamResponse = await handler(request)
            except Problem as problem:
                response = problem.response()
            except web.HTTPException as error:
                response = from_http_exception(error)
            except web.RequestPayloadError:
                response = Problem(400, "unreadable_body", "The body could not be read: its chunks are broken.").response()
                response.force_close()
            except asyncio.CancelledError:
                # The client has gone, or we have to end: nobody reads an answer.
                self._gone(request, method, route, began)
                raise
            except Exception as error:
                if isinstance(error, ConnectionError) and request.transport is None:
                    # The same, where the handler was not cancelled before it read on.
                    self._gone(request, method, route, began)
                    raise asyncio.CancelledError from None
                log.exception("request_failed", method=request.method, path=request.path)
                response = Problem(500, "internal_error", "Something went wrong here. Tell us the request_id.").response()
            if not response.prepared:
                response.headers[header] = rid
                if health is not None and health.draining:
                    response.force_close()
            status = response.status
            counts[status] = counts.get(status, 0) + 1
            took = time.perf_counter() - began
            observe(took)
            # The path without its query, which may hold personal data.
            logs.add_line(
                event="request", part="access", method=request.method, path=fixed or request.path, status=status,
                ms=round(took * 1000, 2), remote=request.remote, request_id=rid,
            )  # fmt: skip
            return response

        return surrounded

    def _gone(self, request: web.Request, method: str, route: str, began: float) -> None:
        counts = self._figures.counts(method, route)
        counts[499] = counts.get(499, 0) + 1
        log.info("client_gone", method=request.method, path=request.path, ms=round((time.perf_counter() - began) * 1000, 2))


async def _invite(request: web.Request) -> None:
    """`Expect: 100-continue`: tell the client to send its body, unless it says itself that it is too large."""
    if request.version < HttpVersion11:
        return
    if request.headers.get("Expect", "").lower() != "100-continue":
        raise web.HTTPExpectationFailed
    if (request.content_length or 0) > request.client_max_size:
        raise web.HTTPRequestEntityTooLarge(request.client_max_size, request.content_length or 0)
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    # The answer proper has not begun.
    request.writer.output_size = 0


async def _allowed(request: web.Request) -> set[str]:
    """The methods that an address of ours knows; none for any other."""
    allowed: set[str] = set()
    for resource in request.app.router.resources():
        _, methods = await resource.resolve(request)
        allowed |= methods
    return allowed - {"*"}


def from_http_exception(error: web.HTTPException) -> web.StreamResponse:
    """aiohttp's own refusals (404, 405, 413, redirects) in our form."""
    if error.status < 400:
        redirect = web.Response(status=error.status, headers=error.headers, text=error.text)
        redirect.cookies.update(error.cookies)
        return redirect
    return problem_of(error).response()

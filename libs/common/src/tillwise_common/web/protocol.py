"""Connections below the application: what never becomes a request is refused in the form of every other error.

aiohttp answers a request that it cannot read, and what its router refuses by itself, as plain text without a request
ID, and logs the client's fault as an error of ours, with a traceback.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, cast

from aiohttp import web
from aiohttp.hdrs import EXPECT
from aiohttp.http_exceptions import BadHttpMethod, BadStatusLine, HttpProcessingError, InvalidURLError, LineTooLong
from aiohttp.web_protocol import RequestHandler, _ErrInfo

from tillwise_common import logs, request_id
from tillwise_common.web.problems import Problem, problem_of

log = logs.get("http")
# Told the status of every refusal; what surrounds an application counts them.
Refused = Callable[[int], None]
REFUSED: web.AppKey[Refused] = web.AppKey("refused")


# How long, and not beyond the largest body there may be, what a client still sends is read after its answer. It may look for
# the answer only then, and closing on a client that sends takes the answer away from it.
LINGER_SECONDS = 2.0


class Runner(web.AppRunner):
    """Serves an application over connections of ours."""

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        # aiohttp would read on for ten seconds, however much comes.
        options = {**self._kwargs, "lingering_time": 0.0}
        return _Server(made, _short_way(self.app) or made.request_handler, self.app.get(REFUSED), options)


def _short_way(app: web.Application) -> Callable[[web.Request], Awaitable[web.StreamResponse]] | None:
    """What answers requests: for addresses without variables and query the handler itself, which leaves aiohttp's router nothing to
    search. None where something stands between (middlewares, or who has wrapped the application, as tracing does).
    """
    long_way = app._handle
    if app.middlewares or long_way.__module__ != web.Application.__module__:
        return None
    found: dict[tuple[str, str], tuple[web.UrlMappingMatchInfo, Any]] = {}
    for resource in app.router.resources():
        for route in resource if type(resource) is web.PlainResource else ():
            info = web.UrlMappingMatchInfo({}, route)
            info.add_app(app)
            info.freeze()
            found.setdefault((route.method, resource.canonical), (info, route.handler))

    def answer(request: web.Request) -> Awaitable[web.StreamResponse]:
        known = found.get((request.method, request.raw_path))
        if known is None or EXPECT in request.headers:
            return long_way(request)
        request._match_info, handler = known
        return cast(Awaitable[web.StreamResponse], handler(request))

    return answer


class _Server(web.Server):
    def __init__(self, made: web.Server, handler: Any, refused: Refused | None, options: Mapping[str, Any]) -> None:
        super().__init__(handler, request_factory=made.request_factory, **options)
        self._refused = refused

    def __call__(self) -> RequestHandler:
        return _Connection(self, self._refused, loop=self._loop, **self._kwargs)


class _Connection(RequestHandler):
    __slots__ = ("_refused",)

    def __init__(self, manager: web.Server, refused: Refused | None, **options: Any) -> None:
        super().__init__(manager, **options)
        self._refused = refused

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._messages and isinstance(self._messages[-1][0], _ErrInfo):
            self._end_broken_body(self._messages[-1][0])

    def _end_broken_body(self, error: _ErrInfo) -> None:
        """Tell whoever reads a body that its rest cannot be read: aiohttp lets them wait until the client leaves."""
        if len(self._messages) > 1:
            body = self._messages[-2][1]
        elif self._current_request is not None:
            body = self._current_request.content
        else:
            return
        if body.is_eof():
            # What is broken is the next request, which gets an answer of its own.
            return
        self._messages.pop()
        body.set_exception(web.RequestPayloadError(error.message))
        body.feed_eof()
        self.close()

    def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> Coroutine[Any, Any, tuple[web.StreamResponse, bool]]:
        if isinstance(resp, web.HTTPException):
            # Handlers raise none through what surrounds them: the router refused by itself.
            resp = self._refuse(request, problem_of(resp), method=request.method, path=request.path)
        finishing = super().finish_response(request, resp, start_time)
        if request.content.is_eof():
            return finishing
        if (length := request.content_length) is None or length > request.client_max_size:
            # Its end is not waited for.
            resp.force_close()
        return self._finish_unread(finishing, request)

    async def _finish_unread(
        self, finishing: Coroutine[Any, Any, tuple[web.StreamResponse, bool]], request: web.BaseRequest
    ) -> tuple[web.StreamResponse, bool]:
        """Answer, and read what is left of the body within bounds. Whatever is left then, the connection ends with."""
        done = await finishing
        left, transport = request.client_max_size, self.transport
        if not self._force_close and not done[0].keep_alive and transport is not None and transport.can_write_eof():
            transport.write_eof()
        with contextlib.suppress(TimeoutError, web.PayloadAccessError, web.RequestPayloadError, OSError):
            async with asyncio.timeout(LINGER_SECONDS):
                while left > 0 and not request.content.is_eof():
                    left -= len(await request.content.readany())
        return done

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        if isinstance(exc, HttpProcessingError):
            return self._refuse(request, unreadable(exc))
        # Logs it, and breaks off where an answer has begun already.
        super().handle_error(request, status, exc, message)
        return self._refuse(request, Problem(status, "internal_error", "Something went wrong here. Tell us the request_id."))

    def _refuse(self, request: web.BaseRequest, problem: Problem, **about: str) -> web.Response:
        rid = request_id.accept(request.headers.get(request_id.HEADER))
        request_id.current.set(rid)
        if self._refused is not None:
            self._refused(problem.status)
        log.info("request_refused", status=problem.status, code=problem.code, reason=problem.detail, remote=request.remote, **about)
        response = problem.response()
        response.headers[request_id.HEADER] = rid
        # Nobody knows where the next request would begin.
        response.force_close()
        return response


def unreadable(fault: HttpProcessingError) -> Problem:
    """What is wrong with a request that is no HTTP, or more of it than is read. What the client sent is not repeated."""
    if isinstance(fault, LineTooLong):
        line, limit = fault.args[:2]
        # The parser gathers the address in a bytearray and headers in bytes; nothing else tells them apart.
        if isinstance(line, bytearray):
            return Problem(414, "address_too_long", f"The address is longer than {limit} bytes.")
        return Problem(431, "headers_too_large", f"A header is longer than {limit} bytes.")
    if fault.message.startswith("Too many headers"):
        return Problem(431, "headers_too_large", "There are too many headers.")
    if isinstance(fault, BadHttpMethod):
        return Problem(400, "unknown_method", "This server does not know the request's method, or it is not HTTP at all.")
    if isinstance(fault, BadStatusLine):
        reason = "the first line must look like GET /path HTTP/1.1"
    elif isinstance(fault, InvalidURLError):
        reason = "the address holds what must be percent-encoded, or does not begin with /"
    else:
        # What follows the colon is a piece of the request.
        reason = fault.message.partition("\n")[0].partition(":")[0].rstrip(".")
    return Problem(400, "bad_request", f"The request is not valid HTTP: {reason}.")

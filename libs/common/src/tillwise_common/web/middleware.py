"""The one middleware around every request: request ID, problem details, metrics.

One instead of several, because each costs a coroutine per request on the hottest path of the platform.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Histogram

from tillwise_common import logs, request_id
from tillwise_common.health import Health
from tillwise_common.metrics import LATENCY_BUCKETS
from tillwise_common.web.problems import Problem

log = logs.get("http")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def around_requests(registry: CollectorRegistry, health: Health | None = None) -> Any:
    """The middleware, counting into `registry`; while `health` drains, connections are closed after their answer."""
    requests = Counter("tillwise_http_requests", "HTTP requests by route and status", ["method", "route", "status"], registry=registry)
    seconds = Histogram("tillwise_http_seconds", "Time to answer, in seconds", ["route"], buckets=LATENCY_BUCKETS, registry=registry)
    counters: dict[tuple[str, Any, int], tuple[Any, Any]] = {}

    def count(request: web.Request, status: int, began: float) -> None:
        key = (request.method, request.match_info.route.resource, status)
        children = counters.get(key)
        if children is None:
            route = getattr(key[1], "canonical", "unmatched")
            method = request.method if route != "unmatched" else "any"
            children = counters[key] = (requests.labels(method, route, str(status)), seconds.labels(route))
        children[0].inc()
        children[1].observe(time.perf_counter() - began)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.perf_counter()
        rid = request_id.accept(request.headers.get(request_id.HEADER))
        request_id.current.set(rid)
        try:
            response = await handler(request)
        except Problem as problem:
            response = problem.response()
        except web.HTTPException as error:
            response = from_http_exception(error)
        except Exception:
            log.exception("request_failed", method=request.method, path=request.path)
            response = Problem(500, "internal_error", "Something went wrong here. Tell us the request_id.").response()
        if not response.prepared:
            response.headers[request_id.HEADER] = rid
            if health is not None and health.draining:
                response.force_close()
        count(request, response.status, began)
        return response

    return middleware


def from_http_exception(error: web.HTTPException) -> web.StreamResponse:
    """aiohttp's own refusals (404, 405, 413, redirects) in our form."""
    if error.status < 400:
        redirect = web.Response(status=error.status, headers=error.headers, text=error.text)
        redirect.cookies.update(error.cookies)
        return redirect
    details = {
        404: ("not_found", "There is nothing at this address."),
        405: ("method_not_allowed", f"Allowed here: {error.headers.get('Allow', 'nothing')}."),
        413: ("body_too_large", "The body is larger than this server takes. Send smaller batches."),
    }
    code, detail = details.get(error.status, ("http_error", error.reason))
    headers = {name: value for name, value in error.headers.items() if name in ("Allow", "Retry-After")}
    return Problem(error.status, code, detail, headers=headers).response()

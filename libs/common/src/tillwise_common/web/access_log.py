"""aiohttp's access log as one structured line a request."""

from __future__ import annotations

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from tillwise_common import logs


class AccessLog(AbstractAccessLogger):
    """Method, path (without the query, which may hold personal data), status, size and time."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        logs.add_line(
            "access",
            "request",
            method=request.method,
            path=request.path,
            status=response.status,
            bytes=response.content_length,
            ms=round(time * 1000, 2),
            remote=request.remote,
        )

"""Errors as RFC 9457 problem details, each with the request ID."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web

from tillwise_common import request_id

CONTENT_TYPE = "application/problem+json"


class Problem(Exception):
    """An answer that is an error: `code` is stable for programs, `detail` tells a person what to do."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        title: str | None = None,
        headers: dict[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.title = title or code.replace("_", " ").capitalize()
        self.headers = headers or {}
        self.extra = extra

    def response(self) -> web.Response:
        body = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "request_id": request_id.current.get(),
            **self.extra,
        }
        return web.Response(status=self.status, body=orjson.dumps(body), content_type=CONTENT_TYPE, headers=self.headers)


def problem_of(error: web.HTTPException) -> Problem:
    """A refusal that aiohttp makes by itself (404, 405, 413)."""
    details = {
        404: ("not_found", "There is nothing at this address."),
        405: ("method_not_allowed", f"Allowed here: {error.headers.get('Allow', 'nothing')}."),
        413: ("body_too_large", "The body is larger than this server takes. Send smaller batches."),
        417: ("expectation_failed", "Expect can only be 100-continue."),
    }
    code, detail = details.get(error.status, ("http_error", error.reason))
    headers = {name: value for name, value in error.headers.items() if name in ("Allow", "Retry-After")}
    return Problem(error.status, code, detail, headers=headers)


def json_response(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON answer."""
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json", headers=headers)

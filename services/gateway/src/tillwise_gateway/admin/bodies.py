"""Bodies of admin requests: JSON of a closed form."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from tillwise_common.web.problems import Problem

T = TypeVar("T")


async def read_body(request: web.Request, kind: type[T]) -> T:
    """The body as `kind`. Raises Problem 400, 415 or 422 with the field."""
    if request.content_type != "application/json":
        raise Problem(415, "unsupported_media_type", "Content-Type must be application/json.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Problem(415, "unsupported_encoding", "Send this body as it is, without Content-Encoding.")
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise Problem(400, "malformed_json", f"The body is not valid JSON: {error}") from None


def _invalid(detail: str) -> Any:
    """A Problem that names the field which `detail` speaks of."""
    field = re.search(r"`\$\.?([^`]*)`", detail)
    return Problem(422, "invalid_request", detail, field=field.group(1) if field else None)

"""Forms that other sites send in a visitor's name are refused."""

from __future__ import annotations

from aiohttp import web

from tillwise_common.web.problems import Problem


def same_site(request: web.Request) -> None:
    """Raises Problem 403 for a form of another site."""
    origin = request.headers.get("Origin")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Problem(403, "cross_site", "Requests from other sites are refused.")
    if origin is not None and origin.partition("://")[2] != request.host:
        raise Problem(403, "cross_site", "Requests from other sites are refused.")

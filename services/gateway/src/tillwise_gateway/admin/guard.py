"""Who may do what below `/api/v1/admin`."""

from __future__ import annotations

from aiohttp import web

from tillwise_common.web.problems import Problem
from tillwise_gateway.accounts.door import Door
from tillwise_gateway.accounts.principal import Principal


async def require_platform_admin(door: Door, request: web.Request) -> Principal:
    """Let the platform's admin through, from our own pages or with a key. Raises Problem 401 or 403."""
    principal = await door.authenticate(request, "admin")
    if not principal.is_platform_admin:
        raise Problem(403, "platform_admin_only", "Only the platform's admin may do this.")
    site = request.headers.get("Sec-Fetch-Site")
    if request.method != "GET" and site not in (None, "same-origin", "none"):
        raise Problem(403, "cross_site", "Requests from other sites are refused.")
    return principal

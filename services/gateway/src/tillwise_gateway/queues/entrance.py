"""Who may look at the queues, and who may change them."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from tillwise_common.jobs.control import Control
from tillwise_common.web.problems import Problem
from tillwise_gateway.accounts.door import Door
from tillwise_gateway.admin.guard import require_platform_admin
from tillwise_gateway.queues.changes import Changes
from tillwise_gateway.queues.desk import Desk

MOST_IDS = 1000


class Entrance:
    """Lets the platform's admin in, and nobody change anything where that is switched off."""

    def __init__(self, door: Door, desk: Desk, *, read_only: bool) -> None:
        self._door, self._desk, self.read_only = door, desk, read_only

    async def look(self, request: web.Request) -> Control:
        """The queue that an address names. Raises Problem 401, 403 or 404."""
        await require_platform_admin(self._door, request)
        return await self._desk.control(request.match_info["queue"])

    async def look_around(self, request: web.Request) -> None:
        """The same for what belongs to no single queue."""
        await require_platform_admin(self._door, request)

    async def change(self, request: web.Request) -> Changes:
        """What may be done to the queue that an address names. Raises Problem 401, 403 or 404."""
        principal = await require_platform_admin(self._door, request)
        if self.read_only:
            raise Problem(403, "read_only", "Queues are read-only here (QUEUES_READ_ONLY): nothing can be changed.")
        return Changes(await self._desk.control(request.match_info["queue"]), self._desk.known, principal.key_id)


def chosen(ids: Sequence[str]) -> list[str]:
    """Ids of jobs, each once. Raises Problem 422 for none or too many."""
    found = list(dict.fromkeys(ids))
    if not 0 < len(found) <= MOST_IDS:
        raise Problem(422, "invalid_request", f"ids: name 1 to {MOST_IDS} jobs; more can be changed by their state", field="ids")
    return found

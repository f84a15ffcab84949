"""`/api/v1/exports` and `/api/v1/jobs`: a store's own exports, and how far they are."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec
from aiohttp import web

from tillwise_common.bus.connection import RedisConnection
from tillwise_common.contracts.exports import Export
from tillwise_common.contracts.jobs import EXPORT
from tillwise_common.contracts.stores import Store
from tillwise_common.files.record import Files, is_id
from tillwise_common.jobs.control import Control
from tillwise_common.jobs.errors import JobGone
from tillwise_common.jobs.queue import Queue
from tillwise_common.jobs.record import Job
from tillwise_common.web.problems import Problem, json_response
from tillwise_gateway.accounts.door import Door
from tillwise_gateway.accounts.principal import Principal
from tillwise_gateway.asking import once, reached, same
from tillwise_gateway.exports import bodies, views
from tillwise_gateway.exports.bodies import Wanted
from tillwise_gateway.exports.downloads import send
from tillwise_gateway.exports.events import Streams
from tillwise_gateway.reports.catalogue import Catalogue

FindStore = Callable[[Principal, str | None], Awaitable[Store]]
LARGEST_BODY = 64 * 1024
_PRIVATE = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}


class Found(NamedTuple):
    """An export of the asking store."""

    job: Job
    order: Export

    def told(self) -> dict[str, Any]:
        return views.of_job(self.job, self.order)


class Exports:
    """The handlers of exports and of the jobs behind them."""

    def __init__(self, door: Door, find_store: FindStore, catalogue: Catalogue, redis: RedisConnection, files: Files) -> None:
        self._door, self._find_store, self._catalogue, self._files = door, find_store, catalogue, files
        self._queue = Queue(redis.commands, EXPORT.queue)
        self._control, self._streams = Control(self._queue), Streams(self._queue, redis.blocking)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/v1/exports", self.begin),
            web.get("/api/v1/exports/{id}", self.show),
            web.get("/api/v1/exports/{id}/file", self.file),
            web.get("/api/v1/jobs/{id}", self.show),
            web.get("/api/v1/jobs/{id}/events", self.events),
        ]

    async def start(self) -> None:
        """Nothing: streams begin when somebody listens."""

    async def drain(self) -> None:
        """Listeners are sent away: they come back to another gateway."""
        self._streams.end()

    async def close(self) -> None:
        """Nothing is left."""

    async def begin(self, request: web.Request) -> web.Response:
        """Ask for an export: 202, and where to look for it. With an Idempotency-Key, asking again finds the same one."""
        principal = await self._door.authenticate(request, "export")
        if request.content_length is not None and request.content_length > LARGEST_BODY:
            raise Problem(413, "body_too_large", f"An export is asked for in at most {LARGEST_BODY} bytes.")
        wanted = bodies.read(await request.read())
        store = await self._find_store(principal, wanted.store or request.query.get("store") or None)
        order = Export(store, await self._what(wanted), wanted.format)  # type: ignore[arg-type]
        added = await reached(self._queue.add(EXPORT, order, id=secrets.token_hex(16), **once(request, store)))
        found = await self._find(added.id, store)
        if found is not None:
            same(order, found.order)
        headers = {"Location": f"/api/v1/exports/{added.id}", **_PRIVATE}
        return json_response(found.told() if found else {"id": added.id}, status=202, headers=headers)

    async def show(self, request: web.Request) -> web.Response:
        """How far an export is."""
        store = await self._store(request)
        found = await self._find(request.match_info["id"], store)
        if found is not None:
            return json_response(found.told(), headers=_PRIVATE)
        file = await self._files.find(request.match_info["id"], store.id)
        if file is None:
            raise _no_such_export()
        return json_response(views.of_file(file), headers=_PRIVATE)

    async def file(self, request: web.Request) -> web.StreamResponse:
        """The finished file."""
        store = await self._store(request)
        file = await self._files.find(request.match_info["id"], store.id)
        if file is not None:
            return await send(request, self._files, file)
        found = await self._find(request.match_info["id"], store)
        if found is None:
            raise _no_such_export()
        raise _no_file(found)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """The export's state as server-sent events, from now until it has ended."""
        store = await self._store(request)
        if await self._find(request.match_info["id"], store) is None:
            raise _no_such_export()

        async def told() -> dict[str, Any] | None:
            found = await self._find(request.match_info["id"], store)
            return found.told() if found else None

        return await self._streams.send(request, request.match_info["id"], told)

    async def _what(self, wanted: Wanted) -> Any:
        if wanted.report is not None:
            return bodies.report(wanted, wanted.report, [one["name"] for one in await self._catalogue.reports()])
        return bodies.dataset(wanted, wanted.dataset or "")

    async def _store(self, request: web.Request) -> Store:
        principal = await self._door.authenticate(request, "export")
        return await self._find_store(principal, request.query.get("store") or None)

    async def _find(self, export: str, store: Store) -> Found | None:
        """A store's own export; None for anybody else's, as if there were none."""
        if not is_id(export):
            return None
        try:
            job = await reached(self._control.job(export))
            order = msgspec.json.decode(job.data, type=Export)
        except (JobGone, msgspec.MsgspecError):
            return None
        return Found(job, order) if order.store.id == store.id else None


def _no_such_export() -> Problem:
    return Problem(404, "no_such_export", "This store has no export of this id (any more).")


def _no_file(found: Found) -> Problem:
    if found.job.state == "failed":
        reason = found.job.error.message if found.job.error else "the job failed"
        return Problem(409, "export_failed", f"The export failed: {reason}")
    if found.job.state == "completed":
        return Problem(410, "export_expired", "The file has expired. Ask for the export again.")
    return Problem(409, "export_not_ready", "The export is not finished yet.", headers={"Retry-After": "2"})

"""`/api/v1/imports`: a store's files of orders and stock, taken in and handed to the worker."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from aiohttp import web

from tillwise_common.contracts.imports import Import, rejects_of, upload_of
from tillwise_common.contracts.jobs import IMPORT
from tillwise_common.contracts.stores import Store
from tillwise_common.files.record import Files, NewFile, is_id
from tillwise_common.imports.problems import Unusable
from tillwise_common.jobs.control import Control
from tillwise_common.jobs.errors import JobGone
from tillwise_common.jobs.queue import Added, Queue
from tillwise_common.jobs.record import Job
from tillwise_common.web.problems import Problem, json_response
from tillwise_gateway.accounts.door import Door
from tillwise_gateway.accounts.principal import Principal
from tillwise_gateway.asking import once, reached, same
from tillwise_gateway.exports.downloads import send
from tillwise_gateway.imports import asked, views
from tillwise_gateway.imports.asked import Asked
from tillwise_gateway.imports.preview import preview
from tillwise_gateway.imports.uploads import Upload, Uploads

FindStore = Callable[[Principal, str | None], Awaitable[Store]]
# Longer than any queue should be, and no secret is kept for ever.
UPLOAD_SECONDS = 7 * 24 * 3600
PREVIEWS_AT_ONCE = 2
_PRIVATE = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}


class Found(NamedTuple):
    """An import of the asking store."""

    job: Job
    order: Import


class Imports:
    """The handlers of imports."""

    def __init__(self, door: Door, find_store: FindStore, redis: Any, files: Files, most_bytes: int) -> None:
        self._door, self._find_store, self._files, self._most = door, find_store, files, most_bytes
        self._queue = Queue(redis, IMPORT.queue)
        self._control = Control(self._queue)
        self._previews = asyncio.Semaphore(PREVIEWS_AT_ONCE)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/v1/imports", self.begin),
            web.get("/api/v1/imports/{id}", self.show),
            web.get("/api/v1/imports/{id}/rejects", self.rejects),
        ]

    async def begin(self, request: web.Request) -> web.Response:
        """Take a file in: 202 and where to look; or, for a preview, 200 and what its first rows would become."""
        store = await self._store(request)
        wanted, key = asked.read(request.query), once(request, store)
        upload = await Uploads(self._files.scratch(), self._most).take(request)
        try:
            order = self._order(request, store, wanted, upload)
            if wanted.preview:
                return await self._preview(upload, order)
            return await self._hand_over(upload, order, key)
        finally:
            await asyncio.to_thread(upload.path.unlink, missing_ok=True)

    async def show(self, request: web.Request) -> web.Response:
        """How far an import is."""
        found = await self._found(request, await self._store(request))
        return json_response(views.of_job(found.job, found.order), headers=_PRIVATE)

    async def rejects(self, request: web.Request) -> web.StreamResponse:
        """The lines that were rejected, as CSV: line, reason, and the row as it was."""
        store = await self._store(request)
        import_id = request.match_info["id"]
        file = await self._files.find(rejects_of(import_id), store.id) if is_id(import_id) else None
        if file is not None:
            return await send(request, self._files, file)
        raise _no_rejects(await self._found(request, store))

    def _order(self, request: web.Request, store: Store, wanted: Asked, upload: Upload) -> Import:
        format_ = asked.format_of(wanted, upload.name)
        wording = asked.wording(request.query, wanted.kind, format_, upload.mapping)
        size = upload.path.stat().st_size
        return Import(store=store, kind=wanted.kind, format=format_, file_name=upload.name, size=size, wording=wording)

    async def _preview(self, upload: Upload, order: Import) -> web.Response:
        # How it is packed, its reader tells by the end of the name.
        path = upload.path.with_suffix(Path(order.file_name).suffix)
        await asyncio.to_thread(upload.path.rename, path)
        try:
            async with self._previews:
                return json_response(await asyncio.to_thread(preview, path, order), headers=_PRIVATE)
        except Unusable as unusable:
            raise Problem(422, "unusable_file", str(unusable).replace(str(path), order.file_name)) from None
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def _hand_over(self, upload: Upload, order: Import, key: dict[str, Any]) -> web.Response:
        job_id = secrets.token_hex(16)
        about = NewFile(
            id=upload_of(job_id), store_id=order.store.id, name=order.file_name, media_type="application/octet-stream",
            seconds=UPLOAD_SECONDS,
        )  # fmt: skip
        await self._files.keep(upload.path, about)
        added: Added | None = None
        try:
            added = await reached(self._queue.add(IMPORT, order, id=job_id, **key))
        finally:
            # Nobody comes for it: it was asked before, or could not be asked at all.
            if added is None or added.id != job_id:
                await self._files.remove(upload_of(job_id))
        found = await self._find(added.id, order.store)
        if found is not None:
            same(order, found.order)
        told = views.of_job(found.job, found.order) if found else {"id": added.id}
        return json_response(told, status=202, headers={"Location": views.path(added.id), **_PRIVATE})

    async def _store(self, request: web.Request) -> Store:
        principal = await self._door.authenticate(request, "ingest")
        return await self._find_store(principal, request.query.get("store") or None)

    async def _found(self, request: web.Request, store: Store) -> Found:
        found = await self._find(request.match_info["id"], store)
        if found is None:
            raise Problem(404, "no_such_import", "This store has no import of this id (any more).")
        return found

    async def _find(self, import_id: str, store: Store) -> Found | None:
        """A store's own import; None for anybody else's, as if there were none."""
        if not is_id(import_id):
            return None
        try:
            job = await reached(self._control.job(import_id))
            order = msgspec.json.decode(job.data, type=Import)
        except (JobGone, msgspec.MsgspecError):
            return None
        return Found(job, order) if order.store.id == store.id else None


def _no_rejects(found: Found) -> Problem:
    state = found.job.state
    if state == "completed":
        told = views.of_job(found.job, found.order)
        if told["rejects_expire_at"] is None:
            return Problem(404, "no_rejects", "No line was rejected.")
        return Problem(410, "rejects_expired", "The file has expired. Send the import again: nothing counts twice.")
    if state == "failed":
        return Problem(409, "import_failed", f"The import failed: {found.job.error.message if found.job.error else 'nobody knows why'}")
    return Problem(409, "import_not_ready", "The import is not finished yet.", headers={"Retry-After": "2"})

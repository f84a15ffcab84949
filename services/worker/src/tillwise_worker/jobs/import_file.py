"""Sends what an uploaded file says, and keeps the lines that could not be used for whoever sent it."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tillwise_common import logs
from tillwise_common.contracts.imports import Import, Imported, rejects_of, upload_of
from tillwise_common.files.record import Files, NewFile
from tillwise_common.imports.model import Outgoing
from tillwise_common.imports.problems import Unusable
from tillwise_common.imports.reading import Reading
from tillwise_common.jobs.errors import Unrecoverable
from tillwise_worker.imports.rejects import Rejects
from tillwise_worker.imports.stream import Stream
from tillwise_worker.imports.summary import summary

# As many events as a client would send at once.
BATCH_EVENTS, BATCH_LINES = 500, 10_000
TELL_SECONDS = 0.5
DAY_SECONDS = 24 * 3600
log = logs.get("import")


class ImportJob:
    """The job and what it needs."""

    def __init__(self, files: Files, stream: Stream, days: int) -> None:
        self._files, self._stream, self._seconds = files, stream, days * DAY_SECONDS

    async def run(self, ctx: dict[Any, Any], order: Import) -> Imported:
        """Send the file's events. Events have ids made of what the file says, so to do it again is harmless. Raises Unrecoverable."""
        job = ctx["job"]
        # An attempt that is lost may still be writing: each has files of its own.
        scratch = self._files.scratch()
        path = scratch / f"{job.id}.{job.attempt}.{_ending(order)}"
        rejects = Rejects(scratch / f"{job.id}.{job.attempt}.rejects")
        try:
            await self._fetch(upload_of(job.id), order, path)
            found = await self._import(job, order, path, rejects)
        except Unusable as unusable:
            raise Unrecoverable(str(unusable).replace(str(path), order.file_name)) from None
        finally:
            rejects.close()
            for made in (path, rejects.path):
                await asyncio.to_thread(made.unlink, missing_ok=True)
        # From here on it need not be done again.
        await self._files.remove(upload_of(job.id))
        log.info("imported", store=order.store.id, lines=found.lines_read, rejected=sum(found.lines_rejected.values()))
        return found

    async def _fetch(self, upload: str, order: Import, path: Path) -> None:
        """The upload on this machine. It may be in a bucket, and a reader wants to go back and forth."""
        kept = await self._files.find(upload, order.store.id)
        if kept is None:
            raise Unrecoverable("the upload is not there any more: send the file again")
        with await asyncio.to_thread(path.open, "wb") as file:
            async for piece in self._files.read(kept, 0, kept.size):
                await asyncio.to_thread(file.write, piece)

    async def _import(self, job: Any, order: Import, path: Path, rejects: Rejects) -> Imported:
        sent, told = 0, 0.0
        with Reading(path, order, rejects.tell) as reading:
            outgoing = iter(reading)
            while batch := await asyncio.to_thread(_next, outgoing):
                sent += await self._send(order, batch, reading)
                if time.monotonic() - told >= TELL_SECONDS:
                    told = time.monotonic()
                    # Raises ClaimLost when the job is another worker's now.
                    await job.progress(summary(reading, sent))
            expires = await self._keep(job.id, order, rejects)
            found = summary(reading, sent, expires)
        await job.progress(found)
        return found

    async def _send(self, order: Import, batch: list[Outgoing], reading: Reading) -> int:
        refused = await self._stream.send(order.store, [out.event for out in batch])
        for one in refused:
            reading.refused(batch[one.index], one.code, one.detail)
        return len(batch) - len(refused)

    async def _keep(self, job_id: str, order: Import, rejects: Rejects) -> int | None:
        """Keep the file of rejects, if there are any; until when."""
        rejects.close()
        if not rejects.rows:
            return None
        about = NewFile(
            id=rejects_of(job_id), store_id=order.store.id, name=f"{Path(order.file_name).name}-rejects.csv", media_type="text/csv",
            seconds=self._seconds,
        )  # fmt: skip
        return (await self._files.keep(rejects.path, about)).expires


def _next(outgoing: Iterator[Outgoing]) -> list[Outgoing]:
    found, lines = list[Outgoing](), 0
    for out in itertools.islice(outgoing, BATCH_EVENTS):
        found.append(out)
        lines += len(out.rows)
        if lines >= BATCH_LINES:
            break
    return found


def _ending(order: Import) -> str:
    """Tells how the file is packed, and is nothing else that a client says."""
    suffix = Path(order.file_name).suffix.lower()
    return suffix.removeprefix(".") if suffix in (".gz", ".xz", ".bz2", ".zst", ".xlsx") else "csv"

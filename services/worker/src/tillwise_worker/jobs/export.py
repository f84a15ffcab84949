"""Makes a file of a report or a data set, and puts it where the gateway finds it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tillwise_common import logs
from tillwise_common.bus.ask import Asker
from tillwise_common.contracts import reports
from tillwise_common.contracts.exports import Export, ExportDataset, Exported, ExportReport
from tillwise_common.contracts.stores import Store
from tillwise_common.files.record import Files, NewFile
from tillwise_common.jobs.errors import Later, Unrecoverable
from tillwise_common.postgres.pool import Postgres
from tillwise_common.render.document import Document, Unmakeable
from tillwise_common.render.forms import FORMS, render
from tillwise_common.render.process import Busy, Renderer
from tillwise_worker.exports.asking import ReportAsker
from tillwise_worker.exports.datasets import Period, Reader, reading
from tillwise_worker.exports.progress import Progress

DAY_SECONDS = 24 * 3600
# When many files are to be made at the same moment, they wait for each other.
BUSY_SECONDS = 5.0
log = logs.get("export")


class ExportJob:
    """The job and what it needs."""

    def __init__(self, asker: Asker, postgres: Postgres, files: Files, renderer: Renderer, days: int) -> None:
        self._reports, self._postgres, self._files, self._renderer = ReportAsker(asker), postgres, files, renderer
        self._seconds = days * DAY_SECONDS

    async def run(self, ctx: dict[Any, Any], order: Export) -> Exported:
        """Make the file. Raises Unrecoverable for what will never be a file."""
        job, name = ctx["job"], _name(order.what)
        today = datetime.now(ZoneInfo(order.store.timezone)).date()
        # An attempt that is lost may still be writing: each has a file of its own.
        made = self._files.scratch() / f"{job.id}.{job.attempt}.{order.format}"
        about = NewFile(
            id=job.id, store_id=order.store.id, name=f"{name}-{today}.{order.format}", media_type=FORMS[order.format], seconds=self._seconds
        )
        try:
            if isinstance(order.what, ExportDataset):
                rows: int | None = await self._dataset(job, order, order.what, made)
            else:
                rows = await self._report(order, order.what, made)
            kept = await self._files.keep(made, about)
        finally:
            await asyncio.to_thread(made.unlink, missing_ok=True)
        log.info("exported", what=name, format=order.format, rows=rows, bytes=kept.size, store=order.store.id)
        return Exported(kept.name, kept.media_type, kept.size, kept.sha256, kept.expires, rows)

    async def _dataset(self, job: Any, order: Export, what: ExportDataset, path: Path) -> int:
        period = Period(what.since, what.until)
        async with reading(self._postgres, order.store) as reader:
            tell = Progress(job.progress, await reader.count(what.dataset, period))
            if order.format == "csv":
                return await reader.to_csv(what.dataset, period, path, tell)
            return await self._workbook(reader, order.store, what, path, tell)

    async def _workbook(self, reader: Reader, store: Store, what: ExportDataset, path: Path, tell: Progress) -> int:
        zone = ZoneInfo(store.timezone)
        asked = [(name, str(day)) for name, day in (("from", what.since), ("to", what.until)) if day is not None]
        about = Document(
            title=_name(what).replace("-", " ").capitalize(), store=store.name, timezone=store.timezone, params=asked, tables=[],
            generated=datetime.now(zone).strftime("%Y-%m-%d %H:%M"),
        )  # fmt: skip
        return await reader.to_xlsx(what.dataset, Period(what.since, what.until), path, tell, about)

    async def _report(self, order: Export, what: ExportReport, path: Path) -> int:
        body = await self._reports.run(order.store, what.report, what.params)
        try:
            if order.format == "csv":
                file = await asyncio.to_thread(render, body, "csv")
            else:
                file = await self._renderer.render(body, order.format, await self._reports.title(what.report))
        except Unmakeable as error:
            raise Unrecoverable(str(error)) from None
        except Busy:
            raise Later(BUSY_SECONDS, free=True) from None
        await asyncio.to_thread(path.write_bytes, file)
        return len(reports.decode_answer(body).rows)


def _name(what: ExportReport | ExportDataset) -> str:
    return what.report if isinstance(what, ExportReport) else what.dataset.replace("_", "-")

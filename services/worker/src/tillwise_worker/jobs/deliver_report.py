"""Makes a report and sends it to somebody."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from tillwise_common import logs
from tillwise_common.contracts.deliveries import ByMail, Delivery
from tillwise_common.jobs import schedules
from tillwise_common.jobs.errors import Later, Unrecoverable
from tillwise_common.render.document import Unmakeable
from tillwise_common.render.forms import FORMS, render
from tillwise_common.render.process import Busy, Renderer
from tillwise_worker.deliveries.mail import Letter, MailServer
from tillwise_worker.deliveries.webhook import Gone, Webhooks
from tillwise_worker.exports.asking import ReportAsker

# When many files are to be made at the same moment, they wait for each other.
BUSY_SECONDS = 5.0
log = logs.get("deliver_report")


class DeliverReport:
    """The job and what it needs."""

    def __init__(self, asker: ReportAsker, renderer: Renderer, mail: MailServer, webhooks: Webhooks) -> None:
        self._asker, self._renderer, self._mail, self._webhooks = asker, renderer, mail, webhooks

    async def run(self, ctx: dict[Any, Any], order: Delivery) -> dict[str, int]:
        """Returns how large the file was. Raises Unrecoverable for what no attempt would mend."""
        job = ctx["job"]
        body = await self._asker.run(order.store, order.report, order.params)
        title = await self._asker.title(order.report) or order.report
        file = await self._file(body, order, title)
        name = f"{order.report}-{datetime.now(ZoneInfo(order.store.timezone)).date()}.{order.format}"
        await job.progress(0.5)
        refused = 0
        try:
            if isinstance(order.way, ByMail):
                refused = await self._mail.send(_letter(job.id, order, order.way, title, name, file))
            else:
                await self._webhooks.post(order.way.url, order.way.secret, job.id, _posted(job.id, order, title, name, file))
        except Gone:
            # Standard Webhooks: who answers so is not to be asked again.
            await schedules.remove(job.queue, order.plan)
            log.warning("webhook_gone", plan=order.plan, store=order.store.id)
            raise Unrecoverable("the webhook says that it is gone: its schedule was removed") from None
        log.info("delivered", report=order.report, way=type(order.way).__name__, bytes=len(file), store=order.store.id)
        if refused:
            await job.log(f"the mail server refused {refused} of the recipients")
        return {"bytes": len(file), "refused": refused}

    async def _file(self, body: bytes, order: Delivery, title: str) -> bytes:
        try:
            if order.format == "csv":
                return await asyncio.to_thread(render, body, "csv")
            return await self._renderer.render(body, order.format, title)
        except Unmakeable as error:
            raise Unrecoverable(str(error)) from None
        except Busy:
            raise Later(BUSY_SECONDS, free=True) from None


def _letter(key: str, order: Delivery, way: ByMail, title: str, name: str, file: bytes) -> Letter:
    asked = "".join(f"\n{parameter}: {value}" for parameter, value in order.params.items())
    text = f"{title} of {order.store.name}, attached as {name}.\n{asked}\n\nTo end it, remove the schedule {order.plan} in Tillwise.\n"
    # A name of two lines would be a header of its own.
    subject = " ".join(f"{order.store.name}: {title}".split())
    return Letter(key, list(way.to), subject, text, name, FORMS[order.format], file)


def _posted(key: str, order: Delivery, title: str, name: str, file: bytes) -> bytes:
    return msgspec.json.encode(
        {
            "type": "report.ready",
            "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
            "data": {
                "id": key,
                "store": order.store.name,
                "report": order.report,
                "title": title,
                "params": order.params,
                "file_name": name,
                "media_type": FORMS[order.format],
                "file": base64.b64encode(file).decode(),
            },
        }
    )

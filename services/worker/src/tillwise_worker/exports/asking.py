"""Asks analytics for reports, as long as a job has time for."""

from __future__ import annotations

import orjson

from tillwise_common.bus.ask import Asker
from tillwise_common.contracts import reports
from tillwise_common.contracts.reports import Answer, DescribeReports, Refusal, RunReport
from tillwise_common.contracts.stores import Store
from tillwise_common.jobs.errors import Unrecoverable

# A report may take longer than anybody would wait for its page.
PATIENCE_SECONDS = 120.0


class Refused(Exception):
    """Analytics cannot answer now; later it may."""


class ReportAsker:
    """What analytics answers, as bytes of JSON."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker

    async def run(self, store: Store, report: str, params: dict[str, str]) -> bytes:
        """A report's answer. Raises Unrecoverable for a question that is wrong, and Refused."""
        return (await self._ask("run", RunReport(store=store, report=report, params=params), str(store.id))).body

    async def title(self, report: str) -> str | None:
        """What people call the report."""
        catalogue = orjson.loads((await self._ask("describe", DescribeReports(), "")).body)["reports"]
        return next((str(one["title"]) for one in catalogue if one["name"] == report), None)

    async def _ask(self, kind: str, question: reports.Question, store: str) -> Answer:
        data = await self._asker.ask(reports.TOPIC, kind, reports.encode(question), store=store, timeout=PATIENCE_SECONDS)
        reply: reports.Reply = reports.decode_reply(data)
        if isinstance(reply, Refusal):
            said = "; ".join(f"{error.get('parameter', '')}: {error.get('detail', '')}" for error in reply.errors) or reply.detail
            raise Unrecoverable(said) if reply.status < 500 else Refused(said)
        return reply

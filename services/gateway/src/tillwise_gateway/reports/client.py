"""Asks the analytics service for reports over the bus."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tillwise_common.bus.ask import Asker, NoAnswer, TooLate
from tillwise_common.contracts import reports
from tillwise_common.contracts.reports import Answer, DescribeReports, Question, Reply, RunReport
from tillwise_common.contracts.stores import Store
from tillwise_common.web.problems import Problem

RETRY = {"Retry-After": "5"}


class ReportsClient:
    """What the gateway knows of reports: how to ask."""

    def __init__(self, asker: Asker, timeout: float, bus_is_away: Callable[[], bool]) -> None:
        self._asker, self._timeout, self._bus_is_away = asker, timeout, bus_is_away

    async def describe(self) -> Answer:
        """The catalogue."""
        return self._unrefused(await self._ask("describe", DescribeReports(), ""))

    async def run(
        self, store: Store, name: str, params: dict[str, str], if_none_match: str | None = None, *, besides: Iterable[str] = ()
    ) -> Answer:
        """Run a report. Raises Problem with what analytics refuses, 504 when it is at work too long, or 503 when it is away.

        `besides` are the parameters that the caller takes itself.
        """
        question = RunReport(store=store, report=name, params=params, if_none_match=if_none_match, besides=list(besides))
        return self._unrefused(await self._ask("run", question, str(store.id)))

    async def _ask(self, kind: str, question: Question, store: str) -> Reply:
        try:
            if self._bus_is_away():
                raise NoAnswer("Redis")
            data = await self._asker.ask(reports.TOPIC, kind, reports.encode(question), store=store, timeout=self._timeout)
        except TooLate as error:
            if error.begun:
                detail = "The report took too long: ask for a shorter period or fewer groups."
                raise Problem(504, "report_too_slow", detail) from None
            raise Problem(504, "reports_busy", "Other reports were in front of this one. Try again shortly.", headers=RETRY) from None
        except (NoAnswer, TimeoutError):
            raise Problem(503, "analytics_unavailable", "Reports are away for the moment. Try again shortly.", headers=RETRY) from None
        reply: Reply = reports.decode_reply(data)
        return reply

    @staticmethod
    def _unrefused(reply: Reply) -> Answer:
        if isinstance(reply, Answer):
            return reply
        # What is too slow for itself alone is no better when it is asked again.
        headers = RETRY if reply.status == 503 or reply.code == "reports_busy" else None
        extra: dict[str, Any] = {"errors": reply.errors} if reply.errors else {}
        raise Problem(reply.status, reply.code, reply.detail, headers=headers, **extra)

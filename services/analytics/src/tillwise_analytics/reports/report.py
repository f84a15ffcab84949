"""What a report is."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from tillwise_analytics.calculator import Calculator
from tillwise_analytics.reports.periods import Period
from tillwise_common.contracts.reports import Column, OfferedColumn, ReportAnswer, StoreSummary
from tillwise_common.contracts.stores import Store

P = ParamSpec("P")
T = TypeVar("T")
# An answer must reach the asker before the deadline.
RESERVE_SECONDS = 0.5


@dataclass(frozen=True)
class Context:
    """What a report may use: a connection that sees one store only, the store, the time there, and until when (as
    time.time()) somebody waits for the answer.
    """

    connection: Any
    store: Store
    now: datetime
    deadline: float = field(default_factory=lambda: time.time() + 30)
    calculator: Calculator = field(default_factory=Calculator)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.store.timezone)

    async def calculate(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of a long computation, made in another process. Raises calculator.TooSlow."""
        return await self.calculator.run(self.left(), function, *args, **kwargs)

    def left(self) -> float:
        """How many seconds an answer may still take."""
        return max(0.1, self.deadline - time.time() - RESERVE_SECONDS)

    def answer(
        self,
        report: str,
        params: msgspec.Struct,
        period: Period | None,
        *,
        columns: list[Column],
        rows: list[list[Any]],
        totals: dict[str, Any],
        charts: list[dict[str, Any]],
        notes: list[str],
        model: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET,
    ) -> ReportAnswer:
        """What a report found, with what every answer says: the question, made definite, whose data it is, and when.

        A report that is about a day and not a period has none.
        """
        return ReportAnswer(
            report=report,
            params=msgspec.to_builtins(params) | ({"from": period.first.isoformat(), "to": period.last.isoformat()} if period else {}),
            store=StoreSummary(self.store.id, self.store.name, self.store.currency),
            timezone=self.store.timezone,
            generated_at=self.now.astimezone(UTC).isoformat(timespec="seconds"),
            columns=columns,
            rows=rows,
            totals=totals,
            charts=charts,
            notes=notes,
            model=model,
        )


def _hour(_: Any, now: datetime) -> str:
    return now.strftime("%Y-%m-%dT%H")


@dataclass(frozen=True)
class Report:
    """A report: its name in URLs, what it tells, its parameters, how it is made, and the columns that it may answer."""

    name: str
    title: str
    description: str
    params: type[msgspec.Struct]
    run: Callable[[Context, Any], Awaitable[ReportAnswer]]
    columns: tuple[OfferedColumn, ...] = ()
    # The domains that must be settled before it is made: "customers", "stock".
    needs: tuple[str, ...] = ()
    # How far the clock is part of an answer: two moments for which this says the same have the same answer.
    as_of: Callable[[Any, datetime], str] = _hour

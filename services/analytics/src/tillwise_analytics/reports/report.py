"""What a report is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from tillwise_common.contracts.reports import ReportAnswer
from tillwise_common.contracts.stores import Store


@dataclass(frozen=True)
class Context:
    """What a report may use: a connection that sees one store only, the store, and the time there."""

    connection: Any
    store: Store
    now: datetime

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.store.timezone)


@dataclass(frozen=True)
class Report:
    """A report: its name in URLs, what it tells, its parameters, and how it is made."""

    name: str
    title: str
    description: str
    params: type[msgspec.Struct]
    run: Callable[[Context, Any], Awaitable[ReportAnswer]]

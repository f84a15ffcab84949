"""An intake and a reader on a database of the test's own."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec
import pytest

from tillwise_analytics.calculator import Calculator
from tillwise_analytics.intake import writer
from tillwise_analytics.intake.rows import Staged
from tillwise_analytics.intake.writer import Writer
from tillwise_analytics.reports.answering import ReportAnswerer
from tillwise_analytics.rollups.answering import SESSION, MaintenanceAnswerer
from tillwise_analytics.rollups.rebuild import rebuild
from tillwise_analytics.settling.registry import DOMAINS
from tillwise_analytics.settling.settler import Settler
from tillwise_common.bus import envelope
from tillwise_common.contracts import maintenance, reports
from tillwise_common.contracts.batches import Batch, Part
from tillwise_common.contracts.maintenance import LifetimeValueRefitted, Rebuilt, RefitLifetimeValue
from tillwise_common.contracts.reports import Answer, ReportAnswer, RunReport
from tillwise_common.contracts.stores import Store
from tillwise_common.postgres.pool import Postgres
from tillwise_common.settings import Secret

BERLIN = Store(id=7, name="berlin", currency="EUR", timezone="Europe/Berlin")
# As in the calculator's process: threads cost small computations more than they bring.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
# One for all tests: it takes seconds to get ready. Its process ends with this one.
CALCULATOR = Calculator()
RECEIVED = datetime(2026, 1, 1, tzinfo=UTC)


class Platform:
    """Events in, rebuilds and reports out, without a bus in between."""

    def __init__(self, url: str, writers: Postgres, readers: Postgres) -> None:
        self.url = url
        self._writer = Writer(writers)
        self.settler = Settler(writers)
        # What time it is for reports; None: the real one.
        self.now: datetime | None = None
        self._answerer = ReportAnswerer(readers, self.settler, CALCULATOR, clock=lambda: self.now or datetime.now(UTC))

    async def take(self, *events: dict[str, Any], store: Store = BERLIN) -> writer.Committed:
        """Commit events as one stream message."""
        staged = Staged()
        part = Part("part", "request-1", RECEIVED, "array", msgspec.json.encode(list(events)))
        staged.add(Batch(store, [part]))
        return await self._writer.commit(staged)

    async def rebuild(self, store: Store = BERLIN, *, check: bool = True) -> Rebuilt:
        connection = await asyncpg.connect(self.url, server_settings=SESSION)
        try:
            return await rebuild(connection, store.id, check=check)
        finally:
            await connection.close()

    async def refit(self, store: Store = BERLIN) -> LifetimeValueRefitted:
        """What the nightly job asks for."""
        order = maintenance.encode(RefitLifetimeValue(store.id))
        answerer = MaintenanceAnswerer(Secret(self.url), clock=lambda: self.now or datetime.now(UTC))
        return maintenance.decode_refitted(await answerer.answer(envelope.new("refit", "test", order)))

    async def settle(self, store: Store = BERLIN) -> None:
        """Bring up to date what is derived after the commit."""
        await self.settler.settle(store.id, DOMAINS)

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(self.url, server_settings={"search_path": "analytics"})
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()

    async def ask(self, store: Store = BERLIN, report: str = "trend", if_none_match: str | None = None, **params: str) -> Any:
        named = {"from" if name == "from_" else name: value for name, value in params.items()}
        question = RunReport(store=store, report=report, params=named, if_none_match=if_none_match)
        message = envelope.new("run", "test", reports.encode(question))
        return reports.decode_reply(await self._answerer.answer(message))

    async def trend(self, store: Store = BERLIN, **params: str) -> ReportAnswer:
        reply = await self.ask(store, **params)
        assert isinstance(reply, Answer), reply
        return reports.decode_answer(reply.body)


@asynccontextmanager
async def running(url: str, size: int = 2) -> AsyncIterator[Platform]:
    """A platform on the database at `url`, with whatever is there."""
    options: dict[str, Any] = {"search_path": writer.SEARCH_PATH, "options": writer.OPTIONS, "prepare": writer.prepare_session}
    writers = Postgres(Secret(url), "intake", size=size, **options)
    readers = Postgres(Secret(url), "reports", size=size)
    await writers.start()
    await readers.start()
    try:
        yield Platform(url, writers, readers)
    finally:
        await writers.close()
        await readers.close()


@asynccontextmanager
async def emptied(url: str) -> AsyncIterator[Platform]:
    """A platform without events on a database that had some: many in a row are quicker so than a database for each."""
    connection = await asyncpg.connect(url)
    tables = await connection.fetch("select tablename from pg_tables where schemaname = 'analytics' and tablename <> 'migrations'")
    await connection.execute("truncate " + ", ".join(f"analytics.{row[0]}" for row in tables))
    await connection.close()
    async with running(url, size=1) as platform:
        yield platform


@pytest.fixture
async def platform(database_url: str) -> AsyncIterator[Platform]:
    """A platform without events."""
    async with running(database_url) as found:
        yield found

"""Data sets out of PostgreSQL into files: rows pass through, and never more of them than a batch are held."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

from tillwise_common.contracts.reports import Column, ColumnType
from tillwise_common.contracts.stores import Store
from tillwise_common.postgres.pool import Postgres
from tillwise_common.postgres.sql import load
from tillwise_common.render.csv import FORMULA
from tillwise_common.render.document import Document
from tillwise_common.render.xlsx import Workbook

SQL = load("tillwise_worker.exports", "datasets.sql")
# The worker's eyes in the schema of analytics: its views for exports, of one store, as they are at one moment. How long it may
# take is the job's affair.
SESSION = (
    "set transaction isolation level repeatable read, read only; set local role tillwise_exporter; "
    "set local statement_timeout = 0; set local cursor_tuple_fraction = 1"
)
PATIENCE_SECONDS = 6 * 3600.0
BATCH = 2000
_FIRST = ", ".join(str(ord(one)) for one in FORMULA)
Tell = Callable[[int], Awaitable[None]]
_TYPES: dict[str, ColumnType] = {
    "placed_at": "datetime", "cancelled_at": "datetime", "first_order_at": "datetime", "occurred_at": "datetime",
    "last_order_on": "date", "first_sold_on": "date", "last_sold_on": "date",
    "gross": "money", "discount": "money", "refunded": "money", "shipping": "money", "tax": "money", "unit_price": "money",
    "amount": "money", "unit_cost": "money", "sales": "money",
    "lines": "count", "units": "count", "line_no": "count", "quantity": "count", "orders": "count",
    "lead_time_days": "number", "cancelled": "boolean",
}  # fmt: skip


class Period:
    """Days of the store, both inclusive; None is no limit."""

    def __init__(self, since: date | None = None, until: date | None = None) -> None:
        self.days = (since, until)


class Reader:
    """One store's data sets, as they are at one moment."""

    def __init__(self, connection: Any, store: Store) -> None:
        self._connection, self._store = connection, store

    async def columns(self, name: str) -> list[Column]:
        """The columns of a data set, as its query says."""
        prepared = await self._connection.prepare(getattr(SQL, name))
        return [_column(one.name, self._store.currency) for one in prepared.get_attributes()]

    async def count(self, name: str, period: Period) -> int:
        """How many rows there are."""
        return int(await self._connection.fetchval(f"select count(*) from ({getattr(SQL, name)}) as data", *period.days))  # noqa: S608

    async def to_csv(self, name: str, period: Period, path: Path, tell: Tell) -> int:
        """Write the data set as CSV; returns how many rows. Tells how many lines there are from time to time."""
        query, lines = _safe(getattr(SQL, name), await self.columns(name)), 0
        with path.open("wb") as file:

            async def take(data: bytes) -> None:
                nonlocal lines
                file.write(data)
                lines += data.count(b"\n")
                await tell(lines)

            done = await self._connection.copy_from_query(
                query, *period.days, output=take, format="csv", header=True, timeout=PATIENCE_SECONDS
            )
        return int(done.split()[-1])

    async def to_xlsx(self, name: str, period: Period, path: Path, tell: Tell, about: Document) -> int:
        """Write the data set as a workbook; returns how many rows. Cells are written in a thread, and so is the file."""
        columns, rows = await self.columns(name), 0
        cursor = await self._connection.cursor(getattr(SQL, name), *period.days)
        book = Workbook(path, path.parent)
        try:
            batch = await cursor.fetch(BATCH)
            sheets = book.sheets(about.title, columns, batch[:200])
            while batch:
                await asyncio.to_thread(sheets.write, batch)
                rows += len(batch)
                await tell(rows)
                batch = await cursor.fetch(BATCH)
            sheets.end()
            book.about(about)
            await asyncio.to_thread(book.close)
        except BaseException:
            book.abandon()
            raise
        return rows


@asynccontextmanager
async def reading(postgres: Postgres, store: Store) -> AsyncIterator[Reader]:
    """A reader of one store."""
    async with postgres.acquire() as connection, connection.transaction():
        await connection.execute(SESSION)
        await connection.execute("select set_config('tillwise.store_id', $1, true)", str(store.id))
        yield Reader(connection, store)


def _column(name: str, currency: str) -> Column:
    kind = _TYPES.get(name, "text")
    return Column(name, kind, currency if kind == "money" else None)


def _safe(query: str, columns: list[Column]) -> str:
    """The query for CSV: no text of it begins like a formula (ascii() tells the first character's number), and booleans are words."""
    cells = []
    for column in columns:
        if column.type == "text":
            cells.append(f"case when ascii({column.name}) in ({_FIRST}) then '''' || {column.name} else {column.name} end as {column.name}")
        elif column.type == "boolean":
            cells.append(f"{column.name}::text as {column.name}")
        else:
            cells.append(column.name)
    return f"select {', '.join(cells)} from ({query}) as data"  # noqa: S608 - names and queries of ours

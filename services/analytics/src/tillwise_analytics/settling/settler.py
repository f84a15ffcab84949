"""Settles what the intake left for later: steadily in the background, and at once for a report that needs it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

from tillwise_analytics.intake import writer
from tillwise_analytics.settling.domain import SQL, Domain
from tillwise_analytics.settling.registry import DOMAINS
from tillwise_common import logs, tasks
from tillwise_common.postgres.pool import Postgres, Unreachable

log = logs.get("settling")
# How long the background rests between two looks, and after work in multiples of it: the intake comes first, and a customer who
# changes ten times meanwhile is settled once.
REST_SECONDS = 1.0
REST_SHARE = 0.5
# How long a store may go on sending before the background settles some of it all the same.
BUSY_SECONDS = 10.0


class Waiting(NamedTuple):
    """A store with something to settle: its version at the last look, and since when it waits."""

    version: int
    since: float


class Settler:
    """Keeps the derived tables of all stores settled; a part of the service's life."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._task: asyncio.Task[None] | None = None
        self._waiting: dict[int, Waiting] = {}
        # The last key settled of each store and domain.
        self._reached: dict[tuple[int, str], str] = {}

    async def start(self) -> None:
        self._task = tasks.keep(self._run, "settling")

    async def drain(self) -> None:
        """What is left is settled after the next start."""
        await tasks.end(self._task)

    async def close(self) -> None:
        await tasks.end(self._task)

    async def settle(self, store_id: int, needs: Iterable[str]) -> None:
        """Settle all that has been committed for these domains of a store. Raises one of Unreachable."""
        async with self._postgres.acquire() as connection:
            for need in needs:
                await settle(connection, store_id, DOMAINS[need])

    async def _run(self) -> None:
        while True:
            began, worked = time.monotonic(), False
            try:
                worked = await self._once()
            except Unreachable as error:
                log.warning("settling_interrupted", reason=type(error).__name__)
            await asyncio.sleep(REST_SHARE * (time.monotonic() - began) if worked else REST_SECONDS)

    async def _once(self) -> bool:
        """Settle some of what waits in each store whose turn it is; tells whether there was any."""
        worked = False
        async with self._postgres.acquire() as connection:
            waiting = {row["store_id"]: row for row in await connection.fetch(SQL.stores_waiting)}
            self._waiting = {store_id: self._waiting.get(store_id, Waiting(-1, time.monotonic())) for store_id in waiting}
            for store_id, row in waiting.items():
                version, since = self._waiting[store_id]
                due = version == row["version"] or time.monotonic() - since >= BUSY_SECONDS
                settled = [await self._next(connection, store_id, domain) for domain in DOMAINS.values() if due and row[domain.name]]
                # Each of them gave the store a new version, which is none that it sent.
                version = row["version"] + sum(settled)
                self._waiting[store_id] = Waiting(version, time.monotonic() if due else since)
                worked = worked or any(settled)
        return worked

    async def _next(self, connection: Any, store_id: int, domain: Domain) -> bool:
        """Settle the next keys of a store, from the first again after the last; tells whether there was any."""
        reached = self._reached.get((store_id, domain.name), "")
        last = await _in_transaction(connection, store_id, domain, reached)
        if last is None and reached:
            last = await _in_transaction(connection, store_id, domain)
        self._reached[store_id, domain.name] = last or ""
        return last is not None


async def settle(connection: Any, store_id: int, domain: Domain) -> None:
    """Settle all that waits in a domain of a store, some keys a transaction."""
    while await domain.waiting(connection, store_id):
        last: str | None = ""
        while last is not None:
            last = await _in_transaction(connection, store_id, domain, last)


async def _in_transaction(connection: Any, store_id: int, domain: Domain, after: str = "") -> str | None:
    """Settle the next keys; the last one of them, or None when there was none."""
    began = time.perf_counter()
    async with connection.transaction():
        await connection.execute(writer.SQL.lock_stores, [store_id])
        count, last = await domain.settle_some(connection, store_id, after)
        if count:
            # What reports said while it waited is out of date.
            await connection.execute(writer.SQL.new_version, [store_id])
    if count:
        log.info("settled", store=store_id, domain=domain.name, keys=count, ms=round((time.perf_counter() - began) * 1000, 1))
    return last if count else None

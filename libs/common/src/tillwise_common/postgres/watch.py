"""Whether PostgreSQL answers, asked once a second on a connection of its own, so that nobody else has to find out by waiting."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from tillwise_common import logs, tasks
from tillwise_common.settings import Secret

log = logs.get("postgres")
EVERY_SECONDS = 1.0
AWAY_SECONDS = 0.2
PATIENCE_SECONDS = 1.5


class Watch:
    """`away` is true from the first question that found no answer to the first that found one."""

    def __init__(self, url: Secret, name: str) -> None:
        self._url, self._name = url, name
        self._connection: Any = None
        self._task: asyncio.Task[None] | None = None
        self.away = False

    def start(self) -> None:
        self._task = tasks.keep(self._look, "watch postgres")

    async def close(self) -> None:
        await tasks.end(self._task)
        self._forget()

    async def _look(self) -> None:
        while True:
            self._now(away=not await self._answers())
            # Who waits for it to come back should not wait longer than it takes.
            await asyncio.sleep(AWAY_SECONDS if self.away else EVERY_SECONDS)

    async def _answers(self) -> bool:
        """Whether the server answers. A connection may break while the server is well, so a fresh one has the last word."""
        fresh = self._connection is None
        try:
            await asyncio.wait_for(self._ask(), PATIENCE_SECONDS)
        except TimeoutError:
            self._forget()
            return False
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._forget()
            return False if fresh else await self._answers()
        return True

    async def _ask(self) -> None:
        if self._connection is None:
            self._connection = await asyncpg.connect(self._url.reveal(), server_settings={"application_name": self._name})
        await self._connection.execute("select 1")

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    def _now(self, *, away: bool) -> None:
        if away != self.away:
            log.warning("postgres_away" if away else "postgres_back")
        self.away = away

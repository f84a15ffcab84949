"""The connection pool of a service, as a part of its life."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from tillwise_common.lifecycle import StartError
from tillwise_common.postgres.watch import Watch
from tillwise_common.settings import Secret

Connection = Any
# What "the database is away" looks like from here, as opposed to "the data is wrong".
Unreachable = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.InsufficientResourcesError,
)

# How much longer than the server may take we wait for it to say so.
SILENCE_SECONDS = 1.0
# What uvloop says of a transport that closes under a write.
CLOSED_TRANSPORT = "handler is closed"


class Postgres:
    """A pool whose sessions say which service they belong to and never wait without end."""

    def __init__(
        self,
        url: Secret,
        service: str,
        *,
        size: int = 8,
        statement_timeout: float = 30.0,
        search_path: str = "public",
        options: dict[str, str] | None = None,
        prepare: Any = None,
        watched: bool = False,
    ) -> None:
        self._url = url
        self._service = service
        self._size = size
        self._statement_timeout = statement_timeout
        self._search_path = search_path
        self._options = options or {}
        self._prepare = prepare
        self._pool: Any = None
        # A server that is known to be away is not waited for.
        self._watch = Watch(url, f"{service}-watch") if watched else None

    async def start(self) -> None:
        try:
            self._pool = await asyncpg.create_pool(
                self._url.reveal(),
                min_size=1,
                max_size=self._size,
                timeout=5,
                init=self._prepare,
                max_inactive_connection_lifetime=60,
                # A connection that went silent (a cut that nobody told us of) must not hold its user for ever.
                command_timeout=self._statement_timeout + SILENCE_SECONDS,
                server_settings={
                    "application_name": self._service,
                    "search_path": self._search_path,
                    "statement_timeout": str(int(self._statement_timeout * 1000)),
                    "idle_in_transaction_session_timeout": "60000",
                    "timezone": "UTC",
                    "jit": "off",
                    **self._options,
                },
            )
        except (OSError, TimeoutError, asyncpg.PostgresError, ValueError) as error:
            raise StartError(f"cannot reach PostgreSQL ({type(error).__name__}): check DATABASE_URL and that the server runs") from None
        if self._watch is not None:
            self._watch.start()

    async def drain(self) -> None:
        """Connections are needed until the end."""

    async def close(self) -> None:
        if self._watch is not None:
            await self._watch.close()
        if self._pool is not None:
            self._pool.terminate()

    @asynccontextmanager
    async def acquire(self, timeout: float = 5.0) -> AsyncIterator[Any]:
        """A connection for a while. Raises one of Unreachable, at once when the server is known to be away."""
        if self._watch is not None and self._watch.away:
            raise ConnectionError("PostgreSQL is away")
        async with self._pool.acquire(timeout=timeout) as connection:
            try:
                yield connection
            except TimeoutError:
                # It went silent; to give it back in order would mean to wait for it again.
                connection.terminate()
                raise
            except RuntimeError as error:
                if CLOSED_TRANSPORT in str(error):
                    raise ConnectionError("the connection closed under a command") from error
                raise

    async def ping(self) -> None:
        async with self._pool.acquire(timeout=2) as connection:
            await connection.execute("select 1")

    def in_use(self) -> int:
        return 0 if self._pool is None else int(self._pool.get_size() - self._pool.get_idle_size())

"""Forward-only migrations of one service's schema: numbered .sql files, applied once, in order, by one process."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

import asyncpg

from tillwise_common import logs
from tillwise_common.lifecycle import StartError
from tillwise_common.settings import Secret

log = logs.get("migrate")
_NUMBERED = re.compile(r"(\d{4})_\w+\.sql")
# Any number that nobody else uses for advisory locks in this database.
_LOCK = 7_455_947_301


async def migrate(url: Secret, package: str, schema: str) -> list[str]:
    """Bring `schema` up to date with the files of `package`; returns the names of what was applied.

    Several processes may call this at once: one works, the others wait and find nothing to do.
    Raises StartError when the database cannot be reached.
    """
    try:
        connection = await asyncpg.connect(url.reveal(), timeout=10)
    except (OSError, TimeoutError, asyncpg.PostgresError, ValueError) as error:
        raise StartError(f"cannot reach PostgreSQL ({type(error).__name__}): check DATABASE_URL and that the server runs") from None
    try:
        await connection.execute("select pg_advisory_lock($1)", _LOCK)
        return await _apply(connection, package, schema)
    finally:
        await connection.close(timeout=5)


async def up_to_date(connection: Any, package: str, schema: str) -> None:
    """Raise unless every migration of `package` has been applied."""
    done = {row[0] for row in await connection.fetch(f"select name from {schema}.migrations")}  # noqa: S608 - our own name
    missing = [name for name in _names(package) if name not in done]
    if missing:
        raise RuntimeError(f"{schema}: {len(missing)} migrations to apply")


async def _apply(connection: Any, package: str, schema: str) -> list[str]:
    await connection.execute(f"create schema if not exists {schema}")
    await connection.execute(
        f"create table if not exists {schema}.migrations (name text primary key, applied_at timestamptz not null default now())"
    )
    done = {row[0] for row in await connection.fetch(f"select name from {schema}.migrations")}  # noqa: S608 - our own name
    applied = []
    for name in _names(package):
        if name in done:
            continue
        async with connection.transaction():
            await connection.execute(f"set local search_path to {schema}, public")
            await connection.execute(files(package).joinpath(name).read_text("utf-8"))
            await connection.execute(f"insert into {schema}.migrations (name) values ($1)", name)  # noqa: S608 - our own name
        log.info("migration_applied", schema=schema, migration=name)
        applied.append(name)
    return applied


def _names(package: str) -> list[str]:
    return sorted(f.name for f in files(package).iterdir() if _NUMBERED.fullmatch(f.name))

"""What `tillwise doctor` finds out about servers of the operator's own: DATABASE_URL and REDIS_URL."""

from __future__ import annotations

from collections.abc import Mapping

import asyncpg

from tillwise_common.bus.connection import RedisConnection, RedisError
from tillwise_common.bus.connection import Unreachable as RedisUnreachable
from tillwise_common.health import Complaint
from tillwise_common.postgres.pool import Unreachable as PostgresUnreachable
from tillwise_common.settings import Secret, Settings, SettingsError, load

TIMEOUT = 5.0
# Views that ask with the rights of who asks (security_invoker) came with it.
OLDEST_POSTGRES = 15
Finding = tuple[str, bool, str]


class Servers(Settings, frozen=True, kw_only=True):
    """Only where the servers are; empty for those that come with the platform."""

    database_url: Secret = Secret("")
    redis_url: Secret = Secret("")


async def look_at_own_servers(environ: Mapping[str, str]) -> list[Finding]:
    """Name, whether all is well, and what to do, of each server that the environment names. Addresses are secrets."""
    try:
        servers = load(Servers, environ)
    except SettingsError as error:
        return [("settings", False, "; ".join(error.problems))]
    found: list[Finding] = []
    if servers.database_url.reveal():
        found.append(("DATABASE_URL", *await _postgres(servers.database_url)))
    if servers.redis_url.reveal():
        found.append(("REDIS_URL", *await _redis(servers.redis_url)))
    return found


async def _postgres(url: Secret) -> tuple[bool, str]:
    try:
        connection = await asyncpg.connect(url.reveal(), timeout=TIMEOUT, command_timeout=TIMEOUT)
        try:
            version = connection.get_server_version()
            may = await connection.fetchval("select has_database_privilege(current_database(), 'create')")
        finally:
            await connection.close(timeout=TIMEOUT)
    except (*PostgresUnreachable, asyncpg.PostgresError, ValueError) as error:
        # The kind only: a driver's message may repeat the address with its password.
        return False, f"cannot reach PostgreSQL ({type(error).__name__}): check the address, the password and that the server runs"
    told = f"PostgreSQL {version.major}.{version.minor}"
    if version.major < OLDEST_POSTGRES:
        return False, f"{told} is too old: Tillwise needs {OLDEST_POSTGRES} or newer"
    if not may:
        return False, f"{told} answers, but this role may not make schemas in the database: make it the database's owner"
    return True, f"{told} answers"


async def _redis(url: Secret) -> tuple[bool, str]:
    try:
        redis = RedisConnection(url, timeout=TIMEOUT)
        try:
            await redis.ping()
            await redis.check_durability()
        finally:
            await redis.close()
    except Complaint as complaint:
        return False, str(complaint)
    except (RedisError, *RedisUnreachable, ValueError) as error:
        return False, f"cannot reach Redis ({type(error).__name__}): check the address, the password and that the server runs"
    return True, "answers, and keeps what it confirmed"

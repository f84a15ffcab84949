"""Servers of the operator's own are looked at before anything relies on them, and no password is shown."""

from __future__ import annotations

import asyncpg
from redis.asyncio import Redis

from tillwise.commands.own_servers import look_at_own_servers


async def test_servers_that_fit_are_told_with_their_version(database_url, redis_url):
    database, redis = await look_at_own_servers({"DATABASE_URL": database_url, "REDIS_URL": redis_url})
    assert (database[:2], redis) == (("DATABASE_URL", True), ("REDIS_URL", True, "answers, and keeps what it confirmed"))
    assert database[2].startswith("PostgreSQL 1")


async def test_nothing_is_said_of_servers_that_come_with_the_platform():
    assert await look_at_own_servers({"PATH": "/bin"}) == []


async def test_a_redis_that_forgets_is_told_with_what_is_at_stake(redis_url):
    async with Redis.from_url(redis_url) as redis:
        await redis.config_set("appendfsync", "everysec")
        try:
            (found,) = await look_at_own_servers({"REDIS_URL": redis_url})
        finally:
            await redis.config_set("appendfsync", "always")
    assert found[:2] == ("REDIS_URL", False)
    assert "appendfsync is everysec, not always" in found[2]


async def test_a_role_that_may_make_nothing_is_told(database_url):
    admin = await asyncpg.connect(database_url.replace("//tillwise@", "//postgres@"))
    await admin.execute("create role tw_guest login")
    try:
        (found,) = await look_at_own_servers({"DATABASE_URL": database_url.replace("//tillwise@", "//tw_guest@")})
    finally:
        await admin.execute("drop role tw_guest")
        await admin.close()
    assert found[:2] == ("DATABASE_URL", False)
    assert "may not make schemas" in found[2]


async def test_servers_that_are_away_or_misspelt_are_told_without_their_passwords():
    found = await look_at_own_servers({
        "DATABASE_URL": "postgresql://me:hunter2@127.0.0.1:1/x", "REDIS_URL": "rediss://:hunter2@127.0.0.1:1/0",
    })  # fmt: skip
    assert [ok for _, ok, _ in found] == [False, False]
    assert "cannot reach PostgreSQL (ConnectionRefusedError)" in found[0][2]
    (odd,) = await look_at_own_servers({"REDIS_URL": "http://:hunter2@x"})
    assert "cannot reach Redis (ValueError)" in odd[2]
    assert "hunter2" not in str([*found, odd])

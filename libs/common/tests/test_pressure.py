"""Back-pressure: too far behind, too full, or away."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from tillwise_common import metrics
from tillwise_common.bus import names
from tillwise_common.bus.connection import RedisConnection
from tillwise_common.ingest import pressure as module
from tillwise_common.ingest.pressure import GROUP, Pressure
from tillwise_common.settings import Secret

ROOM = {"max_lag": 10, "max_memory_share": 0.8, "max_memory_bytes": 10**12}


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(module, "EVERY_SECONDS", 0.02)


@asynccontextmanager
async def watching(url, **limits):
    redis = RedisConnection(Secret(url), timeout=1)
    pressure = Pressure(redis.commands, 2, **{**ROOM, **limits}, registry=metrics.new_registry())
    await pressure.start()
    yield redis.commands, pressure
    await pressure.close()
    await redis.close()


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


async def test_the_longest_lag_of_a_partition_counts_and_goes_when_it_is_worked_off(redis_url):
    async with watching(redis_url) as (redis, pressure):
        ids = [await redis.xadd(names.events(1), {"a": "b"}) for _ in range(11)]
        await until(lambda: pressure.too_high)
        await redis.xgroup_create(names.events(1), GROUP, id="0")
        await redis.xreadgroup(GROUP, "c", {names.events(1): ">"})
        # Read is not stored: what is in hand counts as well.
        assert await pressure.pending(1) == 11
        await redis.xack(names.events(1), GROUP, *ids)
        await until(lambda: not pressure.too_high)
        assert await pressure.pending(0) == 0


async def test_a_lag_that_the_server_does_not_know_is_never_taken_for_none(redis_url):
    async with watching(redis_url) as (redis, pressure):
        ids = [await redis.xadd(names.events(0), {"a": "b"}) for _ in range(5)]
        await redis.xgroup_create(names.events(0), GROUP, id=ids[1])
        await redis.xdel(names.events(0), ids[3])
        assert (await redis.xinfo_groups(names.events(0)))[0]["lag"] is None
        assert await pressure.pending(0) >= 2


async def test_a_server_without_a_limit_of_its_own_gets_ours(redis_server, redis_url):
    async with watching(redis_url, max_memory_bytes=1000) as (redis, pressure):
        await redis.config_set("maxmemory", 0)
        try:
            await until(lambda: pressure.too_high)
        finally:
            await redis.config_set("maxmemory", "512mb")
        await until(lambda: not pressure.too_high)


async def test_the_servers_own_limit_counts_by_its_share(redis_url):
    async with watching(redis_url, max_memory_share=0.000001) as (_, pressure):
        await until(lambda: pressure.too_high)


async def test_a_server_that_does_not_answer_is_away_and_comes_back(redis_url, monkeypatch):
    async with watching(redis_url) as (redis, pressure):
        assert not pressure.away
        await redis.client_pause(1500)
        await until(lambda: pressure.away)
        await until(lambda: not pressure.away)
        assert not pressure.too_high

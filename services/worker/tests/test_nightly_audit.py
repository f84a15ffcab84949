"""The nightly audit asks about every store and tells how many rows differ; the engine runs jobs and drains."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from arq.connections import create_pool
from arq.worker import func

from tillwise_common.bus.ask import Answerer, Asker
from tillwise_common.bus.connection import RedisConnection
from tillwise_common.contracts import maintenance
from tillwise_common.contracts.maintenance import Difference, ListStores, Rebuilt, StoreIds
from tillwise_common.metrics import new_registry
from tillwise_common.settings import Secret
from tillwise_worker.engine import Engine, redis_settings
from tillwise_worker.jobs.audit_stores import AuditStores


@pytest.fixture
async def bus(redis_url):
    connection = RedisConnection(Secret(redis_url))
    yield connection
    await connection.close()


async def test_every_store_is_audited_and_differing_rows_are_counted(bus):
    asked = []

    async def analytics(question):
        order = maintenance.decode_order(question.data)
        if isinstance(order, ListStores):
            return maintenance.encode(StoreIds([3, 5]))
        asked.append((order.store_id, order.check))
        differing = [Difference("rollup_days", 2)] if order.store_id == 5 else []
        return maintenance.encode(Rebuilt(orders=1, differences=differing))

    answerer, asker, registry = Answerer(bus, maintenance.TOPIC, "analytics", analytics), Asker(bus, "worker"), new_registry()
    await answerer.start()
    await asker.start()
    try:
        assert await AuditStores(asker, registry).run({}) == 2
    finally:
        await answerer.drain()
        await answerer.close()
        await asker.close()
    # Compared, never changed.
    assert asked == [(3, True), (5, True)]
    assert registry.get_sample_value("tillwise_audit_differing_rows") == 2


async def test_a_job_runs_and_what_is_in_hand_ends_before_the_engine_does(redis_url):
    began, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def job(_):
        began.set()
        await may_end.wait()
        ended.set()

    engine = Engine(Secret(redis_url), [func(job, name="job")], [], at_once=1, drain_seconds=5)
    await engine.start()
    pool = await create_pool(
        redis_settings(Secret(redis_url)), job_serializer=msgspec.msgpack.encode, job_deserializer=msgspec.msgpack.decode
    )
    await pool.enqueue_job("job")
    await asyncio.wait_for(began.wait(), 10)
    draining = asyncio.create_task(engine.drain())
    await asyncio.sleep(0)
    may_end.set()
    await draining
    await engine.close()
    await pool.aclose()
    assert ended.is_set()

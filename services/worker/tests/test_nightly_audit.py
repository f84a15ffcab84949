"""The nightly audit asks about every store and tells how many rows differ."""

from __future__ import annotations

import pytest

from tillwise_common.bus.ask import Answerer, Asker
from tillwise_common.bus.connection import RedisConnection
from tillwise_common.contracts import jobs as orders
from tillwise_common.contracts import maintenance
from tillwise_common.contracts.maintenance import Difference, ListStores, Rebuilt, StoreIds
from tillwise_common.metrics import new_registry
from tillwise_common.settings import Secret
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
        assert await AuditStores(asker, registry).run({}, orders.AuditStores()) == 2
    finally:
        await answerer.drain()
        await answerer.close()
        await asker.close()
    # Compared, never changed.
    assert asked == [(3, True), (5, True)]
    assert registry.get_sample_value("tillwise_audit_differing_rows") == 2

"""The refit asks for every store, and one that fails does not keep the others from it."""

from __future__ import annotations

import pytest

from tillwise_common.bus.ask import Answerer, Asker
from tillwise_common.bus.connection import RedisConnection
from tillwise_common.contracts import jobs as orders
from tillwise_common.contracts import maintenance
from tillwise_common.contracts.jobs import REFIT_LIFETIME_VALUES
from tillwise_common.contracts.maintenance import LifetimeValueRefitted, ListStores, RefitLifetimeValue, StoreIds
from tillwise_common.metrics import new_registry
from tillwise_common.settings import Secret
from tillwise_worker.engine.work import work
from tillwise_worker.jobs.refit_lifetime_value import RefitLifetimeValues


class Analytics:
    """Knows stores 3, 5 and 8; 5 cannot be fitted, and nothing is new in 8."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    async def answer(self, question):
        order = maintenance.decode_order(question.data)
        if isinstance(order, ListStores):
            return maintenance.encode(StoreIds([3, 5, 8]))
        assert isinstance(order, RefitLifetimeValue)
        self.asked.append(order.store_id)
        return maintenance.encode(LifetimeValueRefitted(100, changed=order.store_id == 3, failed=order.store_id == 5))


@pytest.fixture
async def bus(redis_url):
    connection = RedisConnection(Secret(redis_url))
    yield connection
    await connection.close()


@pytest.fixture
async def analytics(bus):
    found = Analytics()
    answerer = Answerer(bus, maintenance.TOPIC, "analytics", found.answer)
    await answerer.start()
    yield found
    await answerer.drain()
    await answerer.close()


@pytest.fixture
async def asker(bus):
    found = Asker(bus, "worker")
    await found.start()
    yield found
    await found.close()


async def test_every_store_is_refitted_and_failures_are_counted(analytics, asker):
    registry = new_registry()
    assert await RefitLifetimeValues(asker, registry).run({}, orders.RefitLifetimeValues()) == 1
    assert analytics.asked == [3, 5, 8]
    assert registry.get_sample_value("tillwise_refit_failed_stores") == 1


async def test_one_store_can_be_refitted_on_demand(analytics, asker, desk):
    job = RefitLifetimeValues(asker, new_registry())
    here = desk.other(REFIT_LIFETIME_VALUES.queue)
    async with here.worker(work(REFIT_LIFETIME_VALUES, job.run)):
        added = await here.queue.add(REFIT_LIFETIME_VALUES, orders.RefitLifetimeValues(5))
        assert await here.result(added.id) == 0
    assert analytics.asked == [5]

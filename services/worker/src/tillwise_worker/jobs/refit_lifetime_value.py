"""Every night, and on demand: fit the models behind the report on lifetime value anew."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, Gauge

from tillwise_common import logs
from tillwise_common.bus.ask import Asker, NoAnswer
from tillwise_common.contracts import jobs as contracts
from tillwise_common.contracts import maintenance
from tillwise_common.contracts.maintenance import LifetimeValueRefitted, ListStores, RefitLifetimeValue

NAME = "refit_lifetime_value"
# For one store: ten million order lines take less than a minute.
PATIENCE_SECONDS = 1200.0
log = logs.get(NAME)


class RefitLifetimeValues:
    """The job and what it needs."""

    def __init__(self, asker: Asker, registry: CollectorRegistry) -> None:
        self._asker = asker
        self._failed = Gauge(
            "tillwise_refit_failed_stores", "Stores whose models could not be fitted, at the last refit", registry=registry
        )

    async def run(self, _: dict[Any, Any], order: contracts.RefitLifetimeValues) -> int:
        """Refit one store or all; returns how many were fitted. One that fails does not keep the others from it."""
        stores = [order.store_id] if order.store_id is not None else await self._stores()
        fitted = failed = 0
        for one in stores:
            try:
                found = await self._refit(one)
            except (NoAnswer, TimeoutError):
                found = LifetimeValueRefitted(failed=True)
            fitted, failed = fitted + found.changed, failed + found.failed
            if found.failed:
                log.error("refit_failed", store=one)
        self._failed.set(failed)
        log.info("refitted", stores=fitted, failed=failed)
        return fitted

    async def _stores(self) -> list[int]:
        reply = await self._asker.ask(maintenance.TOPIC, "stores", maintenance.encode(ListStores()), timeout=30.0)
        return maintenance.decode_store_ids(reply).ids

    async def _refit(self, store_id: int) -> LifetimeValueRefitted:
        order = maintenance.encode(RefitLifetimeValue(store_id))
        reply = await self._asker.ask(maintenance.TOPIC, NAME, order, store=str(store_id), timeout=PATIENCE_SECONDS)
        return maintenance.decode_refitted(reply)

"""Every night: compare the rollups of every store with its facts, and raise the alarm when they differ."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, Gauge

from tillwise_common import logs
from tillwise_common.bus.ask import Asker
from tillwise_common.contracts import jobs as contracts
from tillwise_common.contracts import maintenance
from tillwise_common.contracts.maintenance import ListStores, Rebuild

# For one store.
PATIENCE_SECONDS = 3600.0
log = logs.get("audit_stores")


class AuditStores:
    """The job and what it needs."""

    def __init__(self, asker: Asker, registry: CollectorRegistry) -> None:
        self._asker = asker
        self._differing = Gauge(
            "tillwise_audit_differing_rows", "Rows of rollups that differ from the facts, at the last audit", registry=registry
        )

    async def run(self, _: dict[Any, Any], __: contracts.AuditStores) -> int:
        """Audit all stores; returns how many rows differ (0 is what should be)."""
        total = 0
        reply = await self._asker.ask(maintenance.TOPIC, "stores", maintenance.encode(ListStores()), timeout=30.0)
        for store_id in maintenance.decode_store_ids(reply).ids:
            question = maintenance.encode(Rebuild(store_id, check=True))
            reply = await self._asker.ask(maintenance.TOPIC, "rebuild", question, store=str(store_id), timeout=PATIENCE_SECONDS)
            found = maintenance.decode_rebuilt(reply)
            rows = sum(difference.rows for difference in found.differences)
            if rows:
                log.error("rollups_differ", store=store_id, tables={d.table: d.rows for d in found.differences})
            total += rows
        self._differing.set(total)
        log.info("audited", differing_rows=total)
        return total

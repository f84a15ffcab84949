"""Carries out orders about what analytics keeps: rebuild a store, refit its models, list the stores."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg

from tillwise_analytics.calculator import Calculator
from tillwise_analytics.intake.writer import SEARCH_PATH
from tillwise_analytics.reports.ltv.refit import refit
from tillwise_analytics.rollups.rebuild import rebuild
from tillwise_common import logs
from tillwise_common.bus.envelope import Envelope
from tillwise_common.contracts import maintenance
from tillwise_common.settings import Secret

log = logs.get("maintenance")
REFIT_SECONDS = 3600.0
SESSION = {"application_name": "tillwise-rebuild", "jit": "off", "timezone": "UTC", "search_path": SEARCH_PATH}


class MaintenanceAnswerer:
    """Runs maintenance on a connection of its own, whose temporary tables end with it."""

    def __init__(self, database_url: Secret, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._url, self._clock = database_url, clock

    async def answer(self, question: Envelope) -> bytes:
        """Carry out an order; the reply says what was found."""
        order = maintenance.decode_order(question.data)
        connection = await asyncpg.connect(self._url.reveal(), timeout=5, server_settings=SESSION)
        try:
            if isinstance(order, maintenance.ListStores):
                rows = await connection.fetch("select id from analytics.stores order by id")
                return maintenance.encode(maintenance.StoreIds([row["id"] for row in rows]))
            if isinstance(order, maintenance.RefitLifetimeValue):
                return maintenance.encode(await _refit(connection, order.store_id, self._clock(), question.deadline))
            return maintenance.encode(await rebuild(connection, order.store_id, check=order.check))
        finally:
            connection.terminate()


async def _refit(connection: Any, store_id: int, now: datetime, deadline: float) -> maintenance.LifetimeValueRefitted:
    # A process of its own, so that reports need not wait for a refit, and none that stays: refits are rare.
    calculator = Calculator()
    try:
        seconds = deadline - time.time() if deadline else REFIT_SECONDS
        return await refit(connection, store_id, calculator, now, seconds)
    except Exception:
        # The asker has other stores to see to: a fault of ours is an answer too.
        log.exception("refit_failed", store=store_id)
        return maintenance.LifetimeValueRefitted(failed=True)
    finally:
        await calculator.close()

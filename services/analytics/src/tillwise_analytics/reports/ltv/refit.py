"""Fits the models of a store and stores what they say, for answers that take no time however many customers there are.

Nothing of the store is locked while customers are read and models computed; of each basis, what was there before is replaced in
one transaction.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from tillwise_analytics.calculator import Calculator
from tillwise_analytics.reports.ltv import work
from tillwise_analytics.reports.ltv.fetch import extent, spans_to_fit
from tillwise_analytics.reports.ltv.params import DEFAULT_OUTLOOK
from tillwise_analytics.reports.ltv.terms import Refitted
from tillwise_common import logs
from tillwise_common.contracts.maintenance import LifetimeValueRefitted
from tillwise_common.postgres.sql import load

log = logs.get("refit")
SQL = load("tillwise_analytics.reports.ltv", "refit.sql")
BASES = ("net", "gross")
COPIED = (
    "first_day", "last_day", "repeats", "spend", "sales", "margin", "alive", "purchases", "mean_spend", "expected_sales", "discounted",
    "segment", "customer_id",
)  # fmt: skip
# So much is unpacked and sent to the database at once.
PIECE = 1 << 16


async def refit(connection: Any, store_id: int, calculator: Calculator, now: datetime, seconds: float) -> LifetimeValueRefitted:
    """Fit a store anew, on a connection of one's own and within `seconds`; a store that did not change since is left as it is.

    Raises calculator.TooSlow.
    """
    row = await connection.fetchrow("select version, timezone from analytics.stores where id = $1", store_id)
    fitted = await connection.fetch(SQL.fitted, store_id)
    if row is None or (len(fitted) == len(BASES) and all(one["data_version"] == row["version"] for one in fitted)):
        return LifetimeValueRefitted()
    today, version = now.astimezone(ZoneInfo(row["timezone"])).date(), row["version"]
    customers = 0
    for basis in BASES:
        found = await _fit(connection, store_id, basis, today, calculator, seconds)
        async with connection.transaction():
            await connection.execute(SQL.lock, store_id)
            await _replace(connection, store_id, basis, version + 1, found)
            if basis == BASES[-1]:
                await connection.execute(SQL.new_version, store_id)
        customers = max(customers, found.model.customers if found is not None else 0)
    # Without it, the planner takes the customers of a large store for a few.
    await connection.execute("analyze analytics.ltv_customers")
    log.info("refitted", store=store_id, customers=customers)
    return LifetimeValueRefitted(customers, changed=True)


async def _fit(connection: Any, store_id: int, basis: str, today: date, calculator: Calculator, seconds: float) -> Refitted | None:
    # One moment for all questions about customers; nothing is kept from changing.
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(SQL.read_all)
        known = await extent(connection, store_id, basis == "gross", today)
        if known is None:
            return None
        spans = await spans_to_fit(connection, store_id, basis == "gross", None, known)
    return await calculator.run(seconds, work.refit, *spans, DEFAULT_OUTLOOK)


async def _replace(connection: Any, store_id: int, basis: str, version: int, found: Refitted | None) -> None:
    await connection.execute(SQL.forget, store_id, basis)
    if found is None:
        return
    await connection.execute(SQL.stage)
    await connection.copy_to_table("ltv_staged", source=_pieces(found.copy), columns=COPIED)
    await connection.execute(SQL.keep_customers, store_id, basis)
    await connection.execute("drop table ltv_staged")
    await connection.execute(SQL.keep_model, store_id, basis, version, msgspec.json.encode(found.model).decode())
    rows = [(store_id, basis, level, *group) for level, groups in found.groups.items() for group in groups]
    await connection.executemany(SQL.keep_groups, rows)


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    """What was packed, little by little."""
    unpacker = zlib.decompressobj()
    for begin in range(0, len(data), PIECE):
        yield unpacker.decompress(data[begin : begin + PIECE])
    yield unpacker.flush()

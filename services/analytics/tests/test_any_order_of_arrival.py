"""Stateful: however events of all kinds come - late, twice, in pieces, corrected - the same is stored and the same is counted."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tillwise.testing import examples
from tillwise_analytics.rollups.rebuild import TABLES
from tillwise_common.contracts.stores import Store
from tillwise_common.postgres.pool import Postgres
from tillwise_common.settings import Secret

from .conftest import Platform, writer
from .shop_events import cancelled, line, placed, product, refunded

STORE_IDS = itertools.count(1_000_000)
instants = st.integers(0, 12 * 24 * 60).map(lambda minutes: (datetime(2026, 3, 23, tzinfo=UTC) + timedelta(minutes=minutes)).isoformat())
orders, skus, customers = st.sampled_from("12345"), st.sampled_from("AB"), st.sampled_from("xy")
sold_lines = st.builds(line, skus, st.integers(-1, 3), st.integers(0, 5000), discount=st.integers(0, 50))
costed_lines = st.builds(lambda sold, cost: sold | {"unit_cost": cost}, sold_lines, st.integers(0, 900))
named_lines = st.builds(lambda sold, category: sold | {"category": category}, sold_lines, st.sampled_from(["tea", "cups"]))
lines = st.one_of(sold_lines, costed_lines, named_lines)


def _other(kind: str, data: dict[str, Any], at: str) -> dict[str, Any]:
    return {"type": kind, "occurred_at": at, "data": data}


events = st.one_of(
    st.builds(lambda order, at, sold, customer, channel: placed(order, at, *sold, customer_id=customer, channel=channel),
              orders, instants, st.lists(lines, min_size=1, max_size=3), customers, st.sampled_from(["web", "pos"])),
    st.builds(lambda order, at, sku, amount: refunded(order, "r", at, lines=[{"sku": sku, "quantity": 1, "amount": amount}]),
              orders, instants, skus, st.integers(0, 3000)),
    st.builds(cancelled, orders, instants),
    st.builds(lambda sku, at, category: product(sku, at, category=category), skus, instants, st.sampled_from(["tea", "cups"])),
    st.builds(lambda sku, at, cost: product(sku, at, unit_cost=cost), skus, instants, st.integers(0, 900)),
    st.builds(lambda who, at, city: _other("customer.updated", {"customer_id": who, "city": city}, at),
              customers, instants, st.sampled_from(["Bonn", "Graz"])),
    st.builds(lambda sku, at, count: _other("stock.moved", {"sku": sku, "quantity": count, "reason": "receipt"}, at),
              skus, instants, st.integers(-3, 9)),
    st.builds(lambda sku, at, count: _other("stock.counted", {"sku": sku, "quantity": count}, at), skus, instants, st.integers(0, 9)),
)  # fmt: skip


class Arrival(RuleBasedStateMachine):
    """Events happen; parcels of them arrive, by chance and again; one store gets them so, another in order."""

    server: Any

    @initialize()
    def start(self) -> None:
        self.loop = asyncio.new_event_loop()
        url = Secret(self.server.url)
        options = {"search_path": writer.SEARCH_PATH, "options": writer.OPTIONS, "prepare": writer.prepare_session}
        self.writers, self.readers = Postgres(url, "intake", size=1, **options), Postgres(url, "reports", size=1)
        self.platform = Platform(self.server.url, self.writers, self.readers)
        self.run(self.writers.start())
        self.by_chance, self.in_order = (
            Store(id=next(STORE_IDS), name=name, currency="EUR", timezone="Europe/Berlin") for name in ("a", "b")
        )
        self.happened: list[dict[str, Any]] = []
        self.delivered: set[str] = set()

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    @rule(event=events)
    def happens(self, event: dict[str, Any]) -> None:
        self.happened.append(event | {"id": f"e{len(self.happened):03}"})

    @rule(data=st.data())
    def arrives(self, data: st.DataObject) -> None:
        """Some of what happened, in any order, whether it came before or not."""
        if self.happened:
            parcel = data.draw(st.lists(st.sampled_from(self.happened), min_size=1, max_size=6))
            self.run(self.platform.take(*parcel, store=self.by_chance))
            self.delivered |= {event["id"] for event in parcel}

    @invariant()
    def each_is_stored_once(self) -> None:
        if hasattr(self, "delivered"):
            assert len(self.run(self.stored("events", self.by_chance))) == len(self.delivered)

    async def stored(self, table: str, store: Store) -> list[str]:
        """The rows of a table without what names the store or the delivery."""
        says_something = TABLES.get(table, ("", "true"))[1]
        connection = await asyncpg.connect(self.server.url)
        rows = await connection.fetch(
            f"select (to_jsonb(t) - 'store_id' - 'received_at' - 'request_id')::text from analytics.{table} t"
            f" where store_id = $1 and ({says_something}) order by 1",
            store.id,
        )
        await connection.close()
        return [row[0] for row in rows]

    def teardown(self) -> None:
        if not hasattr(self, "happened"):
            return
        try:
            self.compare()
        finally:
            self.run(self.writers.close())
            self.loop.close()

    def compare(self) -> None:
        missing = [event for event in reversed(self.happened) if event["id"] not in self.delivered]
        if missing:
            self.run(self.platform.take(*missing, store=self.by_chance))
        for event in sorted(self.happened, key=lambda event: (event["occurred_at"], event["id"])):
            self.run(self.platform.take(event, store=self.in_order))
        for store in (self.by_chance, self.in_order):
            self.run(self.platform.settle(store))
        for table in ("events", "event_lines", *TABLES):
            assert self.run(self.stored(table, self.by_chance)) == self.run(self.stored(table, self.in_order)), table
        for store in (self.by_chance, self.in_order):
            assert self.run(self.platform.rebuild(store)).differences == []


@pytest.mark.timeout(300)
def test_any_order_of_arrival_stores_and_counts_the_same(postgres_server):
    machine = type("ArrivalOnServer", (Arrival,), {"server": postgres_server})
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=examples(20), stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)),
    )

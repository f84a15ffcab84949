"""What analytics publishes: the facts of one store, to a role that sees nothing else."""

from __future__ import annotations

import asyncpg
import msgspec
import pytest

from tillwise_common.contracts.stores import Store

from .conftest import BERLIN

OTHER = msgspec.structs.replace(BERLIN, id=8, name="other")
VIEWS = ("orders", "order_lines", "customers", "products", "stock_movements")
# Whoever reads them may rely on these.
COLUMNS = {
    "orders": "order_id placed_at cancelled_at customer_id channel country lines units gross discount refunded shipping tax currency",
    "order_lines": "order_id line_no placed_at customer_id channel country sku name category quantity unit_price discount amount unit_cost"
    " cancelled currency",
    "customers": "customer_id first_order_at last_order_on orders sales attributes currency",
    "products": "sku name category unit_cost lead_time_days first_sold_on last_sold_on attributes currency",
    "stock_movements": "event_id occurred_at sku location reason quantity unit_cost currency",
}


def order(number: int, at: str = "2026-03-01T23:30:00Z") -> dict:
    lines = [
        {"sku": "A", "name": "Ay", "category": "c", "quantity": 2, "unit_price": 1000, "discount": 100, "unit_cost": 400},
        {"sku": "B", "quantity": 1, "unit_price": 500},
    ]
    data = {"order_id": f"o{number}", "customer_id": "c1", "channel": "web", "shipping": 490, "tax": 30, "lines": lines}
    return {"type": "order.placed", "id": f"e{number}", "occurred_at": at, "data": data}


@pytest.fixture
async def reader(platform):
    """A session of the exporter's role."""
    connection = await asyncpg.connect(platform.url)
    await connection.execute("set role tillwise_exporter")
    yield connection
    await connection.close()


async def see(reader, store: Store) -> None:
    await reader.execute("select set_config('tillwise.store_id', $1, false)", str(store.id))


async def test_orders_add_up_in_the_stores_time(platform, reader):
    refund = {"type": "order.refunded", "id": "r", "occurred_at": "2026-03-05T10:00:00Z",
              "data": {"order_id": "o1", "refund_id": "r1", "lines": [{"sku": "A", "quantity": 1, "amount": 950}]}}  # fmt: skip
    part = {"type": "order.refunded", "id": "r2", "occurred_at": "2026-03-06T10:00:00Z",
            "data": {"order_id": "o1", "refund_id": "r2", "amount": 50}}  # fmt: skip
    await platform.take(order(1), refund, part)
    await see(reader, BERLIN)
    row = await reader.fetchrow("select * from published.orders")
    assert str(row["placed_at"]) == "2026-03-02 00:30:00"
    assert [row[name] for name in ("lines", "units", "gross", "discount", "refunded", "shipping", "tax", "currency")] == [
        2, 3, 2500, 100, 1000, 490, 30, "EUR",
    ]  # fmt: skip
    lines = await reader.fetch("select sku, name, amount, unit_cost, cancelled from published.order_lines order by line_no")
    assert [tuple(line) for line in lines] == [("A", "Ay", 1900, 400, False), ("B", None, 500, None, False)]


async def test_customers_products_and_movements_are_there(platform, reader):
    await platform.take(
        order(1),
        {"type": "stock.moved", "id": "m", "occurred_at": "2026-03-01T10:00:00Z",
         "data": {"sku": "A", "quantity": 5, "reason": "receipt", "unit_cost": 400}},
        {"type": "stock.counted", "id": "n", "occurred_at": "2026-03-02T10:00:00Z", "data": {"sku": "A", "quantity": 4}},
    )  # fmt: skip
    await see(reader, BERLIN)
    customer = await reader.fetchrow("select * from published.customers")
    assert (customer["customer_id"], customer["orders"], customer["sales"]) == ("c1", 1, 2400)
    assert [row["sku"] for row in await reader.fetch("select sku from published.products order by sku")] == ["A", "B"]
    moved = await reader.fetch("select reason, quantity from published.stock_movements order by occurred_at")
    assert [tuple(row) for row in moved] == [("receipt", 5), ("count", 4)]


@pytest.mark.parametrize("view", VIEWS)
async def test_each_store_sees_its_own_rows_and_without_a_store_there_are_none(platform, reader, view):
    moved = {
        "type": "stock.moved",
        "id": "m",
        "occurred_at": "2026-03-01T10:00:00Z",
        "data": {"sku": "A", "quantity": 5, "reason": "receipt"},
    }
    await platform.take(order(1), moved)
    count = f"select count(*) from published.{view}"
    assert await reader.fetchval(count) == 0
    await see(reader, BERLIN)
    assert await reader.fetchval(count) > 0
    await see(reader, OTHER)
    assert await reader.fetchval(count) == 0


async def test_the_role_reads_these_views_and_nothing_else(platform, reader):
    for schema in ("analytics", "gateway"):
        for table in ("events", "stores", "orders", "keys"):
            with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedTableError)):
                await reader.fetch(f"select * from {schema}.{table}")
    for view in VIEWS:
        with pytest.raises(asyncpg.PostgresError):
            await reader.execute(f"delete from published.{view}")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await reader.execute("create table published.mine (a integer)")
    seen = await reader.fetch(
        "select table_schema || '.' || table_name from information_schema.role_table_grants where grantee = 'tillwise_exporter'"
    )
    assert {row[0] for row in seen} == {f"published.{view}" for view in VIEWS}


@pytest.mark.parametrize("view", VIEWS)
async def test_columns_stay_as_they_are_documented(platform, reader, view):
    found = await reader.prepare(f"select * from published.{view}")
    assert " ".join(column.name for column in found.get_attributes()) == COLUMNS[view]

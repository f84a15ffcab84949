"""A platform whose stock was settled before it remembered the newest delivery: migrating settles it anew."""

from __future__ import annotations

from tillwise_analytics import migrations
from tillwise_analytics.stock import state as states
from tillwise_common.postgres.migrate import migrate
from tillwise_common.settings import Secret

from .stock_events import counted, moved, receipt

NAME = "0024_stock_remembers_the_newest_delivery.sql"
JAN, FEB, MAR = (f"2026-0{month}-01T12:00:00Z" for month in range(1, 4))


async def test_stock_that_was_settled_before_knows_its_newest_delivery(platform):
    await platform.take(
        receipt(5, JAN, 100), moved(-5, "adjustment", FEB), receipt(2, JAN, 70, sku="B"), counted(0, FEB, sku="B"), counted(1, MAR, sku="B")
    )
    await platform.settle()
    for sku, saved in await platform.rows("select sku, state from stock_states"):
        state = states.decode(saved)
        for place in state.places.values():
            place.newest = None
        old = states.encode(state).decode().replace("'", "''")
        await platform.rows(f"update stock_states set state = '{old}' where sku = '{sku}' returning 1")
    await platform.rows("update stock_skus set value = 0, unknown = 1 where sku = 'B' returning 1")
    await platform.rows(f"delete from migrations where name = '{NAME}' returning 1")
    # What waits when the platform is upgraded is settled with the rest.
    await platform.take(counted(3, MAR))
    assert await migrate(Secret(platform.url), migrations.__name__, migrations.SCHEMA) == [NAME]
    await platform.settle()
    assert await platform.rows("select sku, on_hand, value, unknown from stock_skus order by 1") == [("A", 3, 300, 0), ("B", 1, 70, 0)]
    assert (await platform.rebuild()).differences == []

"""A platform whose stock was settled before it remembered the newest delivery: migrating settles it anew."""

from __future__ import annotations

from tillwise_analytics import migrations
from tillwise_analytics.stock import state as states
from tillwise_common.postgres.migrate import migrate
from tillwise_common.settings import Secret

from .stock_events import counted, moved, receipt

NAME = "0024_stock_remembers_the_newest_delivery.sql"
LATER = "0025_newest_deliveries_that_came_before_they_were_sent.sql"
JAN, FEB, MAR, APR, MAY = (f"2026-0{month}-01T12:00:00Z" for month in range(1, 6))


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


async def test_what_arrived_before_it_was_sent_is_remembered_as_what_it_was(platform):
    await platform.take(
        receipt(5, JAN, 100), moved(2, "transfer", FEB, "shop"), moved(-2, "transfer", MAR), moved(-2, "adjustment", APR, "shop"),
        receipt(2, JAN, 70, sku="B"),
    )  # fmt: skip
    await platform.settle()
    ((saved,),) = await platform.rows("select state from stock_states where sku = 'A'")
    state = states.decode(saved)
    newest = state.places["shop"].newest
    assert newest is not None
    assert newest.cost == 100
    newest.cost = None
    await platform.rows(f"update stock_states set state = '{states.encode(state).decode()}' where sku = 'A' returning 1")
    await platform.rows("update stock_states set state = replace(state, '140', '147') where sku = 'B' returning 1")
    await platform.rows(f"delete from migrations where name = '{LATER}' returning 1")
    assert await migrate(Secret(platform.url), migrations.__name__, migrations.SCHEMA) == [LATER]
    # Nothing was transferred of B: it goes on from what was saved.
    await platform.take(counted(1, MAY, "shop"), receipt(1, MAY, 70, sku="B"))
    await platform.settle()
    assert await platform.rows("select sku, value, unknown from stock_skus order by 1") == [("A", 400, 0), ("B", 217, 0)]

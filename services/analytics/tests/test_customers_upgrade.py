"""A platform whose customers were settled before it knew how they spread: migrating counts them."""

from __future__ import annotations

from tillwise_analytics import migrations
from tillwise_common.postgres.migrate import migrate
from tillwise_common.settings import Secret

from .shop_events import cancelled, placed, refunded

AS_IT_WAS = (
    "drop index customer_profiles_by_sales",
    "drop table customer_histogram, customer_values",
    "drop function value_bin, customers_as_of",
    "delete from migrations where name = '0015_customer_segments.sql'",
)


async def test_customers_who_were_settled_before_are_counted(platform):
    await platform.take(
        placed("1", "2026-03-03T12:00:00Z", customer_id="x"),
        placed("2", "2026-03-05T12:00:00Z", customer_id="x"),
        placed("3", "2026-03-05T12:00:00Z", customer_id="y"),
        refunded("3", "r", "2026-03-06T12:00:00Z", amount=1400),
    )
    await platform.settle()
    # What waits when the platform is upgraded is settled afterwards, as the change that it is.
    await platform.take(placed("4", "2026-03-08T12:00:00Z", customer_id="y"), cancelled("2", "2026-03-09T12:00:00Z"))
    for statement in AS_IT_WAS:
        await platform.rows(statement)
    assert await migrate(Secret(platform.url), migrations.__name__, migrations.SCHEMA) == ["0015_customer_segments.sql"]
    cells = "select basis, last_day::text, orders, customers, sales from customer_histogram where part = 'cell' order by 1, 2"
    assert sorted(await platform.rows(cells)) == [
        ("gross", "2026-03-05", 1, 1, 1000), ("gross", "2026-03-05", 2, 1, 2000), ("net", "2026-03-05", 1, 1, -400),
        ("net", "2026-03-05", 2, 1, 2000),
    ]  # fmt: skip
    assert (await platform.rebuild()).differences == []
    assert await platform.rows(cells) == [
        ("gross", "2026-03-05", 2, 1, 2000), ("gross", "2026-03-08", 2, 1, 2000), ("net", "2026-03-03", 1, 1, 1000),
        ("net", "2026-03-08", 2, 1, 600),
    ]  # fmt: skip

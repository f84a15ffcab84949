"""The stock tables say what counting single units says, however the movements come, and agree with a rebuild."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tillwise.testing import examples
from tillwise.testing.naive_stock import FIGURES, NaiveStock

from .conftest import Platform, emptied
from .shop_events import product
from .stock_events import counted, moved, receipt, sale

STOCK = "select sku, on_hand, in_transit, value::bigint, unknown, average_value::bigint from stock_skus order by sku"
JAN, FEB, MAR, APR = (f"2026-0{month}-01T12:00:00Z" for month in range(1, 5))


async def _states(platform: Platform) -> list[tuple[Any, ...]]:
    return await platform.rows("select * from stock_states order by sku")


async def test_what_comes_in_order_continues_and_what_comes_late_replays(platform):
    history = [receipt(10, JAN, 100), sale(4, FEB), receipt(5, MAR, 120), moved(-2, "transfer", MAR, event="z"), sale(7, APR)]
    await platform.take(*history)
    await platform.settle()
    whole, stock = await _states(platform), await platform.rows(STOCK)
    assert stock == [("A", 2, 2, 440, 0, 436)]
    for order in (history, history[::-1], [history[2], history[0], history[1], history[4], history[3]]):
        async with emptied(platform.url) as other:
            for event in order:
                await other.take(event)
                await other.settle()
            assert await _states(other) == whole
            assert await other.rows(STOCK) == stock
            assert (await other.rebuild()).differences == []


async def test_cost_that_is_told_later_counts_for_what_came_without_one(platform):
    await platform.take(receipt(10, JAN, None), receipt(10, MAR, None))
    await platform.settle()
    assert await platform.rows(STOCK) == [("A", 20, 0, 0, 20, 0)]
    await platform.take(product("A", FEB, unit_cost=300))
    await platform.settle()
    assert await platform.rows(STOCK) == [("A", 20, 0, 6000, 0, 6000)]
    await platform.take(product("A", "2026-02-15T00:00:00Z", unit_cost=500), sale(1, APR))
    await platform.settle()
    assert await platform.rows(STOCK) == [("A", 19, 0, 7700, 0, 7600)]
    assert (await platform.rebuild()).differences == []


async def test_cost_that_changes_nothing_that_was_is_no_reason_to_replay(platform):
    await platform.take(product("A", JAN, unit_cost=300), receipt(10, FEB, None))
    await platform.settle()
    # A mark in the saved state: a replay would not have it.
    await platform.rows("update stock_states set state = replace(state, '3000', '3007') returning 1")
    await platform.take(product("A", MAR, unit_cost=500))
    await platform.take(receipt(1, APR, None))
    await platform.settle()
    assert await platform.rows("select value::bigint from stock_skus") == [(3000 + 500 + 7,)]
    await platform.take(product("A", "2026-01-20T00:00:00Z", unit_cost=200))
    await platform.settle()
    assert await platform.rows("select value::bigint from stock_skus") == [(2000 + 500,)]


async def test_figures_beyond_reason_break_nothing(platform):
    await platform.take(receipt(1, JAN, 100_000_000_000), counted(1_000_000_000, FEB), sale(1, APR))
    await platform.settle()
    assert await platform.rows("select value::text from stock_skus") == [(str(2**63 - 1),)]
    assert (await platform.rebuild()).differences == []


async def test_rebuild_puts_stock_right(platform):
    await platform.take(receipt(10, JAN, 100), sale(4, FEB))
    await platform.settle()
    await platform.rows("update stock_skus set on_hand = 7 returning 1")
    assert [(d.table, d.rows) for d in (await platform.rebuild()).differences] == [("stock_skus", 2)]
    await platform.rebuild(check=False)
    assert (await platform.rebuild()).differences == []


SKUS, PLACES = st.sampled_from("AB"), st.sampled_from(["main", "shop", None])
# Around the night on which clocks go forward.
INSTANTS = st.integers(0, 300).map(lambda n: (datetime(2026, 3, 27, tzinfo=UTC) + timedelta(minutes=20 * n)).isoformat())
REASONS = st.sampled_from(["receipt", "receipt", "sale", "sale", "return", "transfer", "adjustment"])
MOVED = st.builds(
    lambda quantity, reason, at, place, sku, number, cost: moved(
        quantity, reason, at, place, sku=sku, event=f"m{number}", **({} if cost is None else {"unit_cost": cost})
    ),
    st.integers(-6, 8).filter(bool), REASONS, INSTANTS, PLACES, SKUS, st.integers(0, 999), st.one_of(st.none(), st.integers(0, 500)),
)  # fmt: skip
COUNTED = st.builds(lambda quantity, at, place, sku, number: counted(quantity, at, place, sku=sku, event=f"k{number}"),
                    st.integers(0, 9), INSTANTS, PLACES, SKUS, st.integers(0, 999))  # fmt: skip
COSTED = st.builds(lambda sku, at, cost: product(sku, at, unit_cost=cost), SKUS, INSTANTS, st.integers(0, 500))
HISTORIES = st.lists(st.one_of(MOVED, MOVED, MOVED, MOVED, COUNTED, COSTED), min_size=3, max_size=24, unique_by=lambda event: event["id"])


@given(history=HISTORIES, cuts=st.lists(st.integers(0, 24), max_size=3), sort=st.booleans())
@settings(max_examples=examples(12), deadline=None, suppress_health_check=list(HealthCheck))
def test_tables_are_what_counting_single_units_gives(history, cuts, sort, postgres_server):
    asyncio.run(_check(history, sorted(cuts), sort, postgres_server.url))


async def _check(history: list[dict[str, Any]], cuts: list[int], sort: bool, url: str) -> None:
    # In order, so that states are continued, or as drawn, so that much is late; a repeat in between.
    sent = sorted(history, key=lambda event: event["occurred_at"]) if sort else history
    async with emptied(url) as platform:
        for begin, end in zip([0, *cuts], [*cuts, len(sent)], strict=True):
            if sent[begin:end]:
                await platform.take(*sent[begin:end], sent[begin])
                await platform.settle()
        assert (await platform.rebuild()).differences == []
        for sku in "AB":
            await _compare(platform, sku, NaiveStock(history, sku, "Europe/Berlin"))


def _weeks(days: list[date]) -> list[date]:
    """The Mondays after the first day, up to the last one."""
    first, last = (days[0], days[-1]) if days else (date.max, date.min)
    return [day for n in range(1, (last - first).days + 1) if (day := first + timedelta(days=n)).weekday() == 0]


def _in_seconds(figures: dict[str, int]) -> list[int]:
    return [value // 1_000_000 if name in ("on_hand_time", "value_time") else value for name, value in figures.items()]


async def _compare(platform: Platform, sku: str, naive: NaiveStock) -> None:
    own = f"where store_id = 7 and sku = '{sku}'"
    figures = ", ".join(("on_hand", "value", *FIGURES))
    now = await platform.rows(f"select {figures}, in_transit, average_quantity, average_value from stock_skus {own}")
    average = (len(naive.transit), *naive.average)
    assert now == ([(naive.total(), naive.value(), *_in_seconds(naive.figures), *average)] if naive.on_hand else [])
    levels = await platform.rows(f"select location, on_hand from stock_levels {own} order by 1")
    assert levels == [(place, naive.level(place)) for place in sorted(naive.on_hand)]
    held = defaultdict(list)
    layers = "unnest(received, unit_costs, quantities) with ordinality as n (at, cost, quantity, number)"
    for place, *layer in await platform.rows(
        f"select location, at, cost, quantity from stock_layers, {layers} {own} and not in_transit order by location, number"
    ):
        held[place].append(tuple(layer))
    assert held == {place: naive.layers(place) for place in naive.on_hand if naive.layers(place)}
    days = await platform.rows(f"select day, {figures} from stock_days {own} order by day")
    assert days == [(day, *_in_seconds(row)) for day, row in sorted(naive.days.items())]
    weeks = await platform.rows(f"select week, {figures} from stock_weeks {own} order by week")
    assert weeks == [(week, *_in_seconds(naive.days[max(day for day in naive.days if day < week)])) for week in _weeks(sorted(naive.days))]
    outs = "(extract(epoch from since_at) * 1000000)::bigint, (extract(epoch from until_at) * 1000000)::bigint"
    assert await platform.rows(f"select {outs} from stock_outs {own} order by 1") == naive.outs
    places = await platform.rows(f"select distinct on (location) location, on_hand from stock_place_days {own} order by location, day desc")
    assert places == (levels if len(levels) > 1 else [])

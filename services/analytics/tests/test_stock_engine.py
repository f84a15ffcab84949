"""Each rule of stock, on one product, without a database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tillwise.testing import examples
from tillwise.testing.naive_stock import FIGURES, NaiveStock, at_of
from tillwise_analytics.stock import state as states
from tillwise_analytics.stock.engine import Day, Replay
from tillwise_analytics.stock.layers import share
from tillwise_analytics.stock.movement import Movement, in_order
from tillwise_analytics.stock.state import SOLD_KEPT, State, Tally

from .stock_events import counted, moved, receipt, sale

JAN, FEB, MAR, APR, MAY = (f"2026-0{month}-01T12:00:00Z" for month in range(1, 6))


def movement(event: dict[str, Any]) -> Movement:
    data = event["data"]
    day = datetime.fromisoformat(event["occurred_at"]).astimezone(UTC).date()
    kind = data.get("reason", "count")
    return Movement(at_of(event), event["id"], kind, data.get("location", ""), data["quantity"], data.get("unit_cost"), day)


def replayed(*events: dict[str, Any]) -> State:
    return Replay(State()).run(in_order(map(movement, events))).state


def tally_of(day: Day) -> Tally:
    assert day.location is None
    return Tally(*day.figures)


def layers(state: State, location: str = "main") -> list[tuple[str, int | None, int]]:
    """(month, cost, units), oldest first."""
    held = state.places[location].layers if location in state.places else []
    return [(f"{datetime.fromtimestamp(layer.at / 1e6, UTC):%b}", layer.cost, layer.quantity) for layer in held]


def test_sale_takes_the_oldest_layer_first():
    state = replayed(receipt(10, JAN, 100), receipt(5, FEB, 120), sale(12, MAR))
    assert layers(state) == [("Feb", 120, 3)]
    assert (state.total.cost, state.total.sold, state.total.value, state.total.on_hand) == (1240, 12, 360, 3)


def test_late_receipt_takes_its_place_by_its_date():
    state = replayed(receipt(5, FEB, 120), sale(4, MAR), receipt(3, JAN, 100))
    assert (layers(state), state.total.cost) == ([("Feb", 120, 4)], 420)


def test_count_that_finds_more_adds_to_the_newest_layer():
    state = replayed(receipt(5, JAN, 100), receipt(5, FEB, 120), counted(12, MAR))
    assert layers(state) == [("Jan", 100, 5), ("Feb", 120, 7)]


def test_count_that_finds_more_where_nothing_was_begins_a_layer():
    assert layers(replayed(counted(12, MAR))) == [("Mar", None, 12)]


def test_count_that_finds_less_takes_the_oldest_and_is_no_sale():
    state = replayed(receipt(5, JAN, 100), receipt(5, FEB, 120), counted(3, MAR))
    assert layers(state) == [("Feb", 120, 3)]
    assert (state.total.cost, state.total.sold) == (0, 0)


def test_adjustments_go_like_counts():
    state = replayed(receipt(5, JAN, 100), receipt(5, FEB, 120), moved(2, "adjustment", MAR), moved(-6, "adjustment", APR))
    assert (layers(state), state.total.on_hand, state.total.sold) == ([("Feb", 120, 6)], 6, 0)


def test_goods_sent_back_to_the_supplier_are_the_newest():
    state = replayed(receipt(5, JAN, 100), receipt(5, FEB, 120), receipt(-2, MAR, None))
    assert (layers(state), state.total.received) == ([("Jan", 100, 5), ("Feb", 120, 3)], 8)


def test_transfer_keeps_date_and_cost():
    state = replayed(receipt(5, JAN, 100), receipt(5, FEB, 120), moved(-6, "transfer", MAR), moved(6, "transfer", APR, "shop"))
    assert layers(state) == [("Feb", 120, 4)]
    assert layers(state, "shop") == [("Jan", 100, 5), ("Feb", 120, 1)]


def test_what_is_in_transit_is_ours_and_not_on_hand():
    state = replayed(receipt(5, JAN, 100), moved(-2, "transfer", FEB), moved(1, "transfer", MAR, "shop"))
    assert (state.total.on_hand, sum(layer.quantity for layer in state.transit), state.total.value) == (4, 1, 500)


def test_transfer_that_arrives_before_it_is_sent_gets_its_true_date_when_it_is():
    early = [receipt(5, JAN, 100), moved(3, "transfer", MAR, "shop")]
    assert layers(replayed(*early), "shop") == [("Mar", None, 3)]
    state = replayed(*early, moved(-3, "transfer", APR))
    assert (layers(state), layers(state, "shop")) == ([("Jan", 100, 2)], [("Jan", 100, 3)])
    assert (state.total.on_hand, state.total.value, state.total.unknown) == (5, 500, 0)


def test_place_remembers_the_true_delivery_of_what_arrived_before_it_was_sent():
    early = [receipt(5, JAN, 100), moved(3, "transfer", FEB, "shop")]
    sent, gone = moved(-3, "transfer", MAR), counted(2, MAY, "shop")
    # Sold after it was sent, before, and partly so.
    for left in (
        [sale(3, APR, "shop")],
        [sale(3, "2026-02-15T12:00:00Z", "shop")],
        [sale(1, "2026-02-15T12:00:00Z", "shop"), sale(2, APR, "shop")],
    ):
        state = replayed(*early, sent, *left, gone)
        assert (layers(state, "shop"), state.total.value, state.total.unknown) == ([("Jan", 100, 2)], 400, 0)


def test_what_left_before_its_transfer_was_sent_keeps_the_cost_it_left_with():
    state = replayed(
        receipt(5, JAN, 100), moved(3, "transfer", FEB, "shop", unit_cost=90), sale(2, MAR, "shop"), moved(-3, "transfer", APR)
    )
    assert (layers(state), layers(state, "shop")) == ([("Jan", 100, 2)], [("Jan", 100, 1)])
    assert (state.total.on_hand, state.total.cost) == (3, 180)


def test_transfer_of_one_instant_is_sent_before_it_arrives():
    state = replayed(receipt(5, JAN, 100), moved(3, "transfer", MAR, "shop", event="a"), moved(-3, "transfer", MAR, event="b"))
    assert (layers(state, "shop"), state.debts, state.transit) == ([("Jan", 100, 3)], [], [])


def test_count_comes_last_in_its_instant():
    state = replayed(counted(4, MAR, event="a"), receipt(5, MAR, 100, event="b"), sale(2, MAR, event="c"))
    assert (layers(state), state.total.on_hand) == ([("Mar", 100, 4)], 4)


def test_return_brings_back_what_was_sold_last():
    state = replayed(receipt(5, JAN, 100), receipt(5, FEB, 120), sale(7, MAR), moved(3, "return", APR))
    assert layers(state) == [("Jan", 100, 1), ("Feb", 120, 5)]
    assert (state.total.cost, state.total.returned) == (400, 3)


def test_return_of_what_nobody_sold_is_new():
    assert layers(replayed(moved(3, "return", APR))) == [("Apr", None, 3)]


def test_return_reaches_back_to_the_layers_sold_last():
    # One layer more than is remembered: the first one comes back as new.
    days = [f"2026-01-{1 + n // 24:02}T{n % 24:02}:00:00Z" for n in range(SOLD_KEPT + 1)]
    state = replayed(
        *[receipt(1, day, 100 + n) for n, day in enumerate(days)], sale(SOLD_KEPT + 1, MAR), moved(SOLD_KEPT + 1, "return", APR)
    )
    assert (len(layers(state)), layers(state)[0], layers(state)[-1]) == (SOLD_KEPT + 1, ("Jan", 101, 1), ("Apr", None, 1))


def test_what_was_sold_before_it_came_costs_what_comes_then():
    state = replayed(receipt(2, JAN, 100), sale(5, FEB), receipt(10, MAR, 130))
    assert (layers(state), state.total.cost) == ([("Mar", 130, 7)], 590)
    negative = replayed(receipt(2, JAN, 100), sale(5, FEB))
    assert (negative.total.on_hand, negative.total.value, layers(negative)) == (-3, 0, [])


def test_return_of_what_is_owed_is_owed_no_more():
    state = replayed(receipt(2, JAN, 100), sale(5, FEB), moved(2, "return", MAR), receipt(4, APR, 130))
    assert (layers(state), state.total.cost) == ([("Apr", 130, 3)], 330)


def test_count_ends_negative_stock():
    state = replayed(receipt(2, JAN, 100), sale(5, FEB), counted(4, MAR))
    assert (layers(state), state.total.on_hand, state.total.uncosted) == ([("Jan", 100, 4)], 4, 0)


def test_transfer_of_more_than_is_there_is_made_up_by_what_comes():
    state = replayed(receipt(2, JAN, 100), moved(-5, "transfer", FEB), moved(5, "transfer", MAR, "shop"), receipt(10, APR, 130))
    assert (layers(state), layers(state, "shop")) == ([("Apr", 130, 7)], [("Jan", 100, 2), ("Apr", 130, 3)])
    assert (state.total.on_hand, state.total.value) == (12, 2 * 100 + 10 * 130)


def test_unknown_cost_is_counted_as_units_and_not_as_nothing():
    state = replayed(receipt(5, JAN, None), receipt(5, FEB, 120))
    assert (state.total.value, state.total.unknown) == (600, 5)


def test_moving_average_is_that_of_the_textbook():
    # 100 at 10.00 and 200 at 13.00 are 300 at 12.00; after 150 are sold the average stays, and 50 at 16.00 make it 13.00.
    events = [receipt(100, JAN, 1000), receipt(200, FEB, 1300)]
    state = replayed(*events)
    assert (state.total.average_value, state.total.average_quantity) == (360_000, 300)
    state = replayed(*events, sale(150, MAR))
    assert (state.total.average_value, state.total.average_quantity) == (180_000, 150)
    state = replayed(*events, sale(150, MAR), receipt(50, APR, 1600))
    assert (state.total.average_value, state.total.average_quantity) == (260_000, 200)


def test_returns_and_found_goods_come_in_at_the_average():
    state = replayed(receipt(10, JAN, 100), receipt(10, FEB, 200), sale(5, MAR), moved(3, "return", APR), counted(20, MAY))
    assert (state.total.average_value, state.total.average_quantity) == (3000, 20)


@pytest.mark.parametrize(("value", "part", "whole", "expected"), [(5, 1, 2, 2), (7, 1, 2, 4), (10, 1, 3, 3), (11, 1, 3, 4), (9, 3, 3, 9)])
def test_shares_are_rounded_half_to_even(value, part, whole, expected):
    assert share(value, part, whole) == expected


def test_times_without_stock_are_kept():
    replay = Replay(State()).run(map(movement, [receipt(2, JAN, 100), sale(2, FEB), receipt(1, MAR, 100), sale(1, APR)]))
    instants = [at_of({"occurred_at": at}) for at in (FEB, MAR, APR)]
    assert replay.outs == [(instants[0], instants[1]), (instants[2], None)]


def test_nothing_is_out_of_stock_before_something_came():
    replay = Replay(State()).run([movement(sale(2, FEB))])
    assert (replay.outs, replay.state.total.on_hand, replay.state.total.since) == ([], -2, None)


def test_every_day_with_a_movement_has_its_closing_figures():
    replay = Replay(State()).run(in_order(map(movement, [receipt(9, JAN, 100), sale(2, FEB), sale(1, FEB, event="x"), sale(1, MAR)])))
    days = [(str(tally.day), tally.on_hand, tally.value) for tally in map(tally_of, replay.days)]
    assert days == [("2026-01-01", 9, 900), ("2026-02-01", 6, 600), ("2026-03-01", 5, 500)]


PLACES = st.sampled_from(["main", "shop", None])
INSTANTS = st.integers(0, 200).map(lambda n: f"2026-03-{1 + n // 40:02}T{(n // 2) % 20:02}:{n % 2 * 30:02}:00+01:00")
REASONS = ["receipt", "receipt", "sale", "sale", "return", "transfer", "transfer", "adjustment"]
MOVED = st.builds(
    lambda quantity, reason, at, place, number, cost: moved(
        quantity, reason, at, place, event=f"m{number}", **({} if cost is None else {"unit_cost": cost})
    ),
    st.integers(-6, 8).filter(bool), st.sampled_from(REASONS), INSTANTS, PLACES, st.integers(0, 999),
    st.one_of(st.none(), st.integers(0, 500)),
)  # fmt: skip
COUNTED = st.builds(lambda quantity, at, place, number: counted(quantity, at, place, event=f"k{number}"),
                    st.integers(0, 9), INSTANTS, PLACES, st.integers(0, 999))  # fmt: skip
HISTORIES = st.lists(st.one_of(MOVED, MOVED, MOVED, COUNTED), max_size=30, unique_by=lambda event: event["id"])


@given(history=HISTORIES)
@settings(max_examples=examples(300), deadline=None)
def test_every_figure_is_what_counting_single_units_gives(history):
    replay = Replay(State()).run(in_order(map(movement, history)))
    state, naive = replay.state, NaiveStock(history, "A", "UTC")
    assert set(state.places) == set(naive.on_hand)
    for name, place in state.places.items():
        assert [(layer.at, layer.cost, layer.quantity) for layer in place.layers] == naive.layers(name)
        assert place.tally.on_hand == naive.level(name)
        assert place.tally.value == sum(unit["cost"] or 0 for unit in naive.on_hand[name])
    assert sorted((layer.at, layer.cost or -1) for layer in state.transit for _ in range(layer.quantity)) == sorted(
        (unit["at"], unit["cost"] or -1) for unit in naive.transit
    )
    assert (state.total.average_quantity, state.total.average_value) == naive.average
    assert {name: getattr(state.total, name) for name in FIGURES} == naive.figures
    assert [tuple(out) for out in replay.outs] == naive.outs
    days = {tally.day: {name: getattr(tally, name) for name in ("on_hand", "value", *FIGURES)} for tally in map(tally_of, replay.days)}
    assert days == naive.days


@given(history=HISTORIES, cuts=st.lists(st.integers(0, 30), max_size=4))
@settings(max_examples=examples(150), deadline=None)
def test_state_that_was_put_away_goes_on_as_if_it_had_not_been(history, cuts):
    ordered = in_order(map(movement, history))
    state, begin = State(), 0
    for end in [*sorted(cuts), len(ordered)]:
        state = states.decode(states.encode(Replay(state).run(ordered[begin:end]).state))
        begin = max(begin, end)
    assert states.encode(state) == states.encode(Replay(State()).run(ordered).state)


@given(history=HISTORIES)
@settings(max_examples=examples(200), deadline=None)
def test_units_and_values_are_conserved(history):
    state = replayed(*history)
    held = [layer for place in state.places.values() for layer in place.layers] + state.transit
    owed = sum(one.quantity for place in state.places.values() for one in place.owed)
    assert state.total.on_hand == sum(layer.quantity for place in state.places.values() for layer in place.layers) - owed
    assert state.total.on_hand == sum(place.tally.on_hand for place in state.places.values())
    assert state.total.value == sum(layer.quantity * (layer.cost or 0) for layer in held)
    assert state.total.unknown == sum(layer.quantity for layer in held if layer.cost is None)
    assert state.total.average_quantity == sum(layer.quantity for layer in held if layer.cost is not None)
    assert state.total.average_value >= 0
    assert state.total.average_value == 0 or state.total.average_quantity > 0
    assert all(not (place.layers and place.owed) for place in state.places.values())
    assert not (state.debts and state.transit)

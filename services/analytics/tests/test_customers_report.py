"""The customers report as a client sees it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tillwise_analytics.reports.customers.columns import OFFERED
from tillwise_analytics.reports.customers.segments import SEGMENTS
from tillwise_common.contracts import reports
from tillwise_common.contracts.reports import Answer, Refusal, ReportAnswer

from .shop_events import cancelled, line, placed, refunded

NOW = datetime(2026, 4, 10, 12, tzinfo=UTC)


async def asked(platform: Any, **params: str) -> ReportAnswer:
    platform.now = NOW
    reply = await platform.ask(report="customers", **params)
    assert isinstance(reply, Answer), reply
    return reports.decode_answer(reply.body)


async def records(platform: Any, **params: str) -> list[dict[str, Any]]:
    answer = await asked(platform, **params)
    return [dict(zip([c.name for c in answer.columns], row, strict=True)) for row in answer.rows]


def bought(customer: str, *days: str, price: int = 1000, **data: Any) -> list[dict[str, Any]]:
    """One order on each of the days."""
    return [placed(f"{customer}-{day}", f"{day}T12:00:00Z", line("A", 1, price), customer_id=customer, **data) for day in days]


# By their last orders: e, d, c, b, a. d and e bought three times and twice, the others once.
SHOP = [
    *bought("a", "2026-01-10", channel="web"),
    *bought("b", "2026-02-10", price=500, channel="pos"),
    *bought("c", "2026-03-10", channel="web"),
    *bought("d", "2026-01-01", "2026-02-01", "2026-04-01", price=2000, channel="web"),
    *bought("e", "2026-03-01", "2026-04-05", channel="pos"),
]


async def test_every_segment_has_a_row_and_its_sums(platform):
    await platform.take(*SHOP)
    rows = {row["segment"]: row for row in await records(platform)}
    assert tuple(rows) == SEGMENTS
    assert {name: row["customers"] for name, row in rows.items() if row["customers"]} == {
        # e: recency 5, frequency 2; d: 4 and 4 (the upper half of those who came back); c: 3 and 1; b: 2 and 1; a: 1 and 1.
        "potential_loyalists": 1, "loyal": 1, "about_to_sleep": 1, "hibernating": 1, "lost": 1,
    }  # fmt: skip
    loyal = rows["loyal"]
    assert (loyal["sales"], loyal["orders"], loyal["share"], loyal["sales_share"]) == (6000, 3, 0.2, 6000 / 10500)
    assert (loyal["orders_per_customer"], loyal["average_order"], loyal["sales_per_customer"], loyal["recency"]) == (3, 2000, 6000, 9)
    nobody = rows["champions"]
    assert (nobody["customers"], nobody["share"], nobody["sales"], nobody["average_order"], nobody["recency"]) == (0, 0, 0, None, None)


async def test_customers_of_a_segment_are_listed_with_their_scores(platform):
    await platform.take(*SHOP)
    (row,) = await records(platform, segment="loyal")
    assert (row["customer_id"], row["recency_score"], row["frequency_score"], row["monetary_score"]) == ("d", 4, 4, 5)
    assert (row["last_order"], row["first_order"], row["recency"], row["channel"]) == ("2026-04-01", "2026-01-01", 9, "web")
    everybody = await records(platform, level="customer")
    # a and c spent the same; so do their scores.
    assert [(row["customer_id"], row["monetary_score"]) for row in everybody] == [("d", 5), ("e", 4), ("a", 3), ("c", 3), ("b", 1)]
    assert [row["customer_id"] for row in await records(platform, level="customer", sort="last_order")] == list("edcba")
    assert [row["customer_id"] for row in await records(platform, level="customer", sort="customer_id", limit="2")] == ["a", "b"]
    assert (await asked(platform, level="customer", limit="2")).notes[0] == "2 of 5 customers are listed; limit shows more."


async def test_movement_tells_from_where_to_where_customers_went(platform):
    await platform.take(*SHOP)
    answer = await asked(platform, since="2026-02-28")
    rows = {(row[0], row[1]): row[2:] for row in answer.rows}
    # At the end of February: b (10 Feb) 5, d (1 Feb, twice) 4, a (10 Jan) 2; d alone came back: frequency 2.
    assert {key: row[1] for key, row in rows.items()} == {
        ("new", "hibernating"): 1, ("potential_loyalists", "loyal"): 1, ("hibernating", "lost"): 1,
        ("not_yet", "potential_loyalists"): 1, ("not_yet", "about_to_sleep"): 1,
    }  # fmt: skip
    assert rows["not_yet", "potential_loyalists"] == [True, 1, 0.5, 2000, 2000 / 10500]
    assert answer.totals["movement"] == {"stayed": 0, "moved": 3, "new": 2}
    (moved,) = await records(platform, since="2026-02-28", previous="new")
    assert (moved["customer_id"], moved["previous_segment"], moved["segment"]) == ("b", "new", "hibernating")
    assert {row["customer_id"] for row in await records(platform, since="2026-02-28", previous="not_yet")} == {"c", "e"}
    same = await asked(platform, compare_days="41")
    assert (same.params["since"], same.params["level"], same.rows) == ("2026-02-28", "movement", answer.rows)


async def test_text_is_white_on_the_dark_cells_of_the_map_and_dark_on_the_pale_ones(platform):
    vl_convert = pytest.importorskip("vl_convert")
    await platform.take(*(order for name in "abcdefgh" for order in bought(name, "2026-04-01")), *bought("z", "2026-01-02", "2026-02-02"))
    drawn = vl_convert.vegalite_to_svg({**(await asked(platform)).charts[1], "width": 900})
    colour = {text: fill for fill, text in re.findall(r'<text[^>]*fill="([^"]+)"[^>]*>([^<]+)</text>', drawn)}
    assert (colour["8"], colour["0"]) == ("white", "#111827")


async def test_day_in_the_past_knows_nothing_of_later_orders_and_refunds(platform):
    await platform.take(*SHOP, refunded("a-2026-01-10", "r", "2026-02-20T12:00:00Z", amount=400))
    before = {row["customer_id"]: row for row in await records(platform, level="customer", as_of="2026-02-15")}
    assert set(before) == {"a", "b", "d"}
    assert (before["a"]["sales"], before["d"]["orders"], before["d"]["recency"]) == (1000, 2, 14)
    after = {row["customer_id"]: row for row in await records(platform, level="customer", as_of="2026-02-28")}
    assert (after["a"]["sales"], after["a"]["last_order"]) == (600, "2026-01-10")


async def test_what_is_kept_and_what_is_computed_agree_to_the_last_customer(platform):
    """Ten customers, so that fifths and the tenth end exactly at one of them: as they are, chosen by a filter, and on a day in the past."""
    events = []
    for n in range(10):
        events += bought(f"c{n}", *[f"2026-03-{n + k + 1:02}" for k in range(1 + n % 4)], price=777 * (n + 1) + n)
    await platform.take(*events)
    kept, listed = await asked(platform, as_of="2026-03-20"), await records(platform, level="customer", as_of="2026-03-20")
    fifths = [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
    assert [row["recency_score"] for row in sorted(listed, key=lambda row: row["recency"])] == fifths
    assert [row["monetary_score"] for row in listed] == fifths
    chosen = await asked(platform, country="", as_of="2026-03-20")
    await platform.take(*bought("later", "2026-04-01", price=1))
    past = await asked(platform, as_of="2026-03-20")
    assert (kept.rows, kept.totals, kept.charts) == (chosen.rows, chosen.totals, chosen.charts)
    assert (kept.rows, kept.totals, kept.charts) == (past.rows, past.totals, past.charts)
    assert await records(platform, level="customer", as_of="2026-03-20") == listed


async def test_filters_choose_customers_and_leave_their_scores_alone(platform):
    await platform.take(*SHOP)
    rows = {row["segment"]: row["customers"] for row in await records(platform, channel="pos")}
    assert {name: count for name, count in rows.items() if count} == {"potential_loyalists": 1, "hibernating": 1}
    answer = await asked(platform, channel="web")
    assert (answer.totals["customers"], answer.totals["concentration"]["sales"]) == (3, 6000)
    none = await asked(platform, country="FR")
    assert (none.totals["customers"], none.notes[0]) == (0, "No customer's first order matches these filters.")
    assert (await asked(platform, country="")).totals["customers"] == 5


async def test_best_tenth_and_its_share(platform):
    events = [event for n in range(1, 21) for event in bought(f"c{n}", "2026-03-01", price=100 * n)]
    await platform.take(*events)
    found = (await asked(platform)).totals["concentration"]
    # 1,900 and 2,000 of 21,000; Gini's coefficient of 1 to 20 is 19 / 60.
    assert (found["customers"], found["sales"], found["share"]) == (2, 3900, 3900 / 21000)
    assert found["gini"] == pytest.approx(19 / 60, abs=0.004)


async def test_customer_who_brought_less_than_nothing_is_a_customer_and_no_share(platform):
    await platform.take(*SHOP, refunded("b-2026-02-10", "r", "2026-02-20T12:00:00Z", amount=900))
    answer = await asked(platform)
    assert answer.totals["sales"] == 10500 - 900
    assert answer.totals["concentration"]["share"] == 6000 / 10000
    (row,) = await records(platform, segment="hibernating")
    assert (row["customer_id"], row["sales"], row["monetary_score"]) == ("b", -400, 1)


async def test_who_only_cancelled_or_got_money_back_is_no_customer_in_net(platform):
    await platform.take(
        *SHOP, *bought("x", "2026-04-07"), cancelled("x-2026-04-07", "2026-04-08T12:00:00Z"),
        placed("y", "2026-04-07T12:00:00Z", line("A", -1), customer_id="y"),
    )  # fmt: skip
    assert (await asked(platform)).totals["customers"] == 5
    assert (await asked(platform, basis="gross")).totals["customers"] == 6


async def test_all_alike_have_the_best_recency_and_the_lowest_frequency(platform):
    await platform.take(*[event for n in range(7) for event in bought(f"c{n}", "2026-03-01")])
    answer = await asked(platform)
    assert {row[0]: row[2] for row in answer.rows if row[2]} == {"new": 7}
    assert answer.notes[0].startswith("There are only 7 customers")
    assert answer.totals["concentration"]["gini"] == 0


async def test_quiet_shop_is_told_so(platform):
    await platform.take(*bought("a", "2025-12-09"))
    assert any("The last order is 122 days old (2025-12-09)" in note for note in (await asked(platform)).notes)
    assert not any("days old" in note for note in (await asked(platform, as_of="2025-12-09")).notes)


async def test_margin_is_not_known_where_no_cost_is(platform):
    await platform.take(*bought("a", "2026-04-01"))
    answer = await asked(platform)
    assert answer.totals["margin"] is None
    assert {row[-1] for row in answer.rows} == {None}
    await platform.take(placed("1", "2026-04-02T12:00:00Z", line("B", 1, 900, unit_cost=300), customer_id="a"))
    assert (await asked(platform)).totals["margin"] == 600


@pytest.mark.parametrize("basis", ["net", "gross"])
async def test_money_given_back_tells_no_cost(platform, basis):
    """Neither of an order that is known nor of one that is not; goods taken back whose cost nobody stated neither."""
    await platform.take(
        *SHOP,
        refunded("a-2026-01-10", "1", "2026-02-01T12:00:00Z", amount=250),
        refunded("unknown", "2", "2026-02-01T12:00:00Z", amount=70),
        refunded("b-2026-02-10", "3", "2026-02-11T12:00:00Z", lines=[{"sku": "A", "quantity": 1, "amount": 500}]),
    )
    answer = await asked(platform, basis=basis)
    assert answer.totals["margin"] is None
    assert {row[-1] for row in answer.rows} == {None}
    await platform.take(placed("free", "2026-04-02T12:00:00Z", line("B", 1, 900, unit_cost=0), customer_id="a"))
    assert (await asked(platform, basis=basis)).totals["margin"] == 900 - 250


async def test_empty_store_has_an_empty_answer_with_a_note(platform):
    for params in ({}, {"since": "2026-01-01"}, {"level": "customer"}, {"basis": "gross", "as_of": "2020-01-01", "channel": "web"}):
        answer = await asked(platform, **params)
        assert (answer.rows, answer.charts, answer.totals["customers"]) == ([], [], 0)
        assert answer.notes[0] == "This store has no data yet."
    await platform.take(placed("1", "2026-04-02T12:00:00Z"))
    assert (await asked(platform)).notes[0].startswith("No customer had an order until 2026-04-10.")


async def test_movement_since_before_the_first_order_has_new_customers_only(platform):
    await platform.take(*SHOP)
    answer = await asked(platform, since="2020-01-01")
    assert {row[0] for row in answer.rows} == {"not_yet"}
    assert answer.totals["movement"] == {"stayed": 0, "moved": 0, "new": 5}
    assert await records(platform, since="2020-01-01", previous="champions") == []


async def test_answer_holds_for_a_day(platform):
    await platform.take(*SHOP)
    platform.now = NOW
    first = await platform.ask(report="customers")
    platform.now = NOW + timedelta(hours=3)
    assert (await platform.ask(report="customers", if_none_match=first.etag)).fresh is False
    platform.now = NOW + timedelta(days=1)
    assert (await platform.ask(report="customers", if_none_match=first.etag)).fresh is True


async def test_every_column_of_every_answer_is_offered(platform):
    await platform.take(*SHOP)
    offered = {column.name: column for column in OFFERED}
    seen = set()
    for params in ({}, {"since": "2026-02-28"}, {"since": "2026-02-28", "level": "customer"}, {"level": "customer"}):
        for column in (await asked(platform, **params)).columns:
            assert column.type in offered[column.name].types
            assert (column.unit == "days") == (column.type == "duration")
            seen.add(column.name)
    assert seen == set(offered)
    assert {c.name for c in OFFERED if c.with_ is None} == {c.name for c in (await asked(platform)).columns}


async def test_definite_parameters_ask_the_same_again(platform):
    await platform.take(*SHOP)
    for params in ({}, {"compare_days": "30"}, {"segment": "loyal"}, {"since": "2026-02-28", "previous": "new"}):
        answer = await asked(platform, **params)
        again = await asked(platform, **{name: str(value) for name, value in answer.params.items() if value is not None})
        assert (again.params, again.rows) == (answer.params, answer.rows)


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"sku": "A"}, "sku"),
        ({"from_": "2026-01-01"}, "from"),
        ({"segment": "friends"}, "segment"),
        ({"previous": "new"}, "previous"),
        ({"as_of": "yesterday"}, "as_of"),
        ({"as_of": "1800-01-01"}, "as_of"),
        ({"as_of": "2026-04-11"}, "as_of"),
        ({"since": "2026-04-10"}, "since"),
        ({"since": "1800-01-01"}, "since"),
        ({"since": "2026-01-01", "compare_days": "3"}, "compare_days"),
        ({"compare_days": "0"}, "compare_days"),
        ({"as_of": "1901-01-01", "compare_days": "3660"}, "compare_days"),
        ({"level": "movement"}, "level"),
        ({"level": "segment", "since": "2026-01-01"}, "level"),
        ({"level": "segment", "segment": "new"}, "segment"),
        ({"sort": "sales"}, "sort"),
        ({"sort": "luck", "level": "customer"}, "sort"),
        ({"limit": "5"}, "limit"),
        ({"limit": "0", "level": "customer"}, "limit"),
        ({"basis": "both"}, "basis"),
    ],
)
async def test_bad_parameters_are_named(platform, params, named):
    platform.now = NOW
    reply = await platform.ask(report="customers", **params)
    assert isinstance(reply, Refusal), params
    assert (reply.status, reply.errors[0]["parameter"]) == (422, named)


async def test_wrong_segment_is_told_which_there_are(platform):
    reply = await platform.ask(report="customers", segment="friends")
    assert reply.errors[0]["allowed"] == list(SEGMENTS)
    reply = await platform.ask(report="customers", previous="friends", since="2026-01-01")
    assert reply.errors[0]["allowed"] == [*SEGMENTS, "not_yet"]


async def test_one_day_is_asked_for_in_the_stores_timezone(platform):
    await platform.take(placed("1", "2026-04-10T22:30:00Z", customer_id="a"))
    platform.now = datetime(2026, 4, 10, 23, tzinfo=UTC)
    answer = reports.decode_answer((await platform.ask(report="customers")).body)
    assert (answer.params["as_of"], answer.totals["last_order"]) == (str(date(2026, 4, 11)), "2026-04-11")

"""Groups are told apart: the rest from a group that is called `others`, and those without a name from all of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillwise_common.contracts.groups import NAMED_SO, NAMELESS, REST, group_name, meant, shown
from tillwise_common.contracts.reports import Refusal

from .shop_events import line, placed, refunded

MARCH = {"from_": "2026-03-02", "to": "2026-03-03"}
tricky = st.lists(st.sampled_from([REST, NAMELESS, NAMED_SO, "x"]), max_size=4).map("".join)


def column(answer, name):
    at = [column.name for column in answer.columns].index(name)
    return [row[at] for row in answer.rows]


@given(tricky)
def test_what_is_shown_says_what_is_meant(name):
    assert meant(shown(group_name(name))) == name
    assert shown(group_name(name)) not in (REST, "")
    assert (shown(group_name(name)) == NAMELESS) == (name == "")


@given(tricky, tricky)
def test_two_groups_are_never_called_the_same(one, other):
    assert (shown(group_name(one)) == shown(group_name(other))) == (one == other)


async def test_a_category_called_others_is_not_taken_for_the_rest(platform):
    await platform.take(
        placed("1", "2026-03-02T12:00:00Z", line("A", 1, 500, category="others")),
        placed("2", "2026-03-02T12:00:00Z", line("B", 1, 300, category="tea")),
        placed("3", "2026-03-03T12:00:00Z", line("C", 1, 200, category="cups")),
    )
    answer = await platform.trend(by="category", top="1", cumulative="true", moving_average="2", **MARCH)
    assert column(answer, "group") == ["others (named so)", "others"] * 2
    assert column(answer, "value") == [500, 300, 0, 200]
    assert column(answer, "cumulative") == [500, 300, 500, 500]
    assert column(answer, "moving_average") == [500, 300, 250, 250]


async def test_an_empty_filter_asks_for_those_without_one(platform):
    await platform.take(
        placed("1", "2026-03-02T12:00:00Z", line("A", 1, 500), channel="web", country="DE"),
        placed("2", "2026-03-02T12:00:00Z", line("B", 1, 300, category="tea"), country="DE"),
        placed("3", "2026-03-02T12:00:00Z", line("C", 1, 200)),
        refunded("1", "r", "2026-03-02T13:00:00Z", amount=50),
    )

    async def total(**filters: str) -> int:
        return (await platform.trend(**MARCH, **filters)).totals["value"]

    assert await total(channel="") == 500
    assert await total(country="") == 200
    assert await total(channel="", country="DE") == 300
    assert await total(category="") == 650
    assert await total(sku="") == -50
    answer = await platform.trend(by="channel", channel="", **MARCH)
    assert (answer.params["channel"], set(column(answer, "group"))) == ("", {""})


@pytest.mark.parametrize("name", ["metric", "top", "by", "from"])
async def test_any_other_empty_parameter_is_not_given(platform, name):
    answer = await platform.trend(**({**MARCH, name: ""} if name != "from" else {"to": "2026-03-03", "from_": ""}))
    assert answer.params["metric"] == "sales"


async def test_an_answer_has_a_size_that_can_be_read(platform):
    lines = [line(f"S{number:02}") for number in range(60)]
    await platform.take(placed("1", "2026-03-02T12:00:00Z", *lines))
    half_a_year = {"from_": "2026-01-01", "to": "2026-06-30", "granularity": "hour", "by": "product"}
    refusal = await platform.ask(top="50", **half_a_year)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, [error["parameter"] for error in refusal.errors]) == (422, ["top"])
    for said in ("221,493 rows", "4,343 buckets", "51 groups", "20,000", "top=3", "granularity", "shorter period"):
        assert said in refusal.errors[0]["detail"], said
    assert len((await platform.trend(top="3", **half_a_year)).rows) == 4 * 4343


async def test_only_groups_that_there_are_count_for_the_size(platform):
    await platform.take(placed("1", "2026-03-02T12:00:00Z", channel="web"))
    year = {"from_": "2026-01-01", "to": "2026-06-30", "granularity": "hour", "by": "channel", "top": "50"}
    assert len((await platform.trend(**year)).rows) == 4343


async def test_the_chart_writes_out_those_without_a_name(platform):
    await platform.take(placed("1", "2026-03-02T12:00:00Z", channel="web"), placed("2", "2026-03-02T12:00:00Z"))
    answer = await platform.trend(by="channel", **MARCH)
    assert {point["group"] for point in answer.charts[0]["data"]["values"]} == {"web", "(none)"}


async def test_a_filter_that_finds_nothing_says_that_filters_were_set(platform):
    await platform.take(placed("1", "2026-03-02T12:00:00Z", channel="web"))
    assert "with these filters" in (await platform.trend(channel="", **MARCH)).notes[0]

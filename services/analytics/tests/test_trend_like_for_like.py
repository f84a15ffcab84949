"""A bucket that still runs is compared with as much of another one as it has run itself, and nothing is compared with no data."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tillwise_common.contracts.reports import Answer
from tillwise_common.contracts.stores import Store

from .shop_events import line, placed

ZONE = ZoneInfo("Europe/Berlin")
OPENED = "2020-01-01T12:00:00+01:00"
# Thursday 12 March 2026, 05:20: the week has run three days and five hours.
NOW = datetime(2026, 3, 12, 5, 20, tzinfo=ZONE)


def by_name(answer):
    names = [column.name for column in answer.columns]
    return [dict(zip(names, row, strict=True)) for row in answer.rows]


def last(answer):
    """The row that now lies in."""
    return by_name(answer)[-1]


@pytest.fixture
async def shop(platform):
    """A shop that opened long ago, at five hours and twenty minutes past midnight."""
    platform.now = NOW
    await platform.take(placed("first", OPENED, line("A", 1, 1)))
    return platform


async def sell(platform, *moments: str, price: int = 1000, **data):
    """An order at each moment of the shop's clock."""
    sold = line("A", 1, price, category="tea")
    at = {moment: datetime.fromisoformat(moment).replace(tzinfo=ZONE).isoformat() for moment in moments}
    await platform.take(*(placed(f"o-{moment}", at[moment], sold, customer_id=moment, **data) for moment in moments))


async def test_a_week_of_three_days_and_five_hours_is_compared_with_as_much_of_the_other(shop):
    await sell(shop, "2026-03-09T10:00", "2026-03-12T05:10")
    before = ("2026-03-02T00:00", "2026-03-04T23:59", "2026-03-05T05:19")
    await sell(shop, *before, "2026-03-05T05:20", "2026-03-08T12:00", price=100)
    answer = await shop.trend(from_="2026-03-09", to="2026-03-15", granularity="week", compare="previous_period")
    assert last(answer) == {
        "bucket": "2026-03-09", "value": 2000, "partial": True, "comparison": 300, "comparison_bucket": "2026-03-02", "change": 1700 / 300,
    }  # fmt: skip
    assert answer.totals == {"value": 2000, "comparison": 300, "change": 1700 / 300}
    assert any("up to 2026-03-05 05:20" in note for note in answer.notes), answer.notes


async def test_only_the_running_bucket_is_cut(shop):
    await sell(shop, "2026-03-02T10:00", "2026-02-16T10:00", "2026-02-22T23:00", "2026-02-23T10:00", "2026-02-27T10:00")
    answer = await shop.trend(from_="2026-03-02", to="2026-03-12", granularity="week", compare="previous_period")
    assert [row["comparison"] for row in by_name(answer)] == [2000, 1000]
    assert answer.totals["comparison"] == 3000


@pytest.mark.parametrize(
    ("granularity", "compare", "inside", "outside"),
    [
        ("hour", "previous_period", "2026-03-11T05:19", "2026-03-11T05:20"),
        ("hour", "previous_year", "2025-03-12T05:19", "2025-03-12T05:20"),
        ("day", "previous_period", "2026-03-11T05:19", "2026-03-11T05:20"),
        ("day", "previous_year", "2025-03-12T05:19", "2025-03-12T05:20"),
        ("day", "same_weekdays", "2025-03-13T05:19", "2025-03-13T05:20"),
        ("week", "previous_year", "2025-03-13T05:19", "2025-03-13T05:20"),
        ("month", "previous_period", "2026-02-12T05:19", "2026-02-12T05:20"),
        ("month", "previous_year", "2025-03-12T05:19", "2025-03-12T05:20"),
    ],
)
@pytest.mark.parametrize(
    ("metric", "by"), [("sales", None), ("customers", None), ("sales", "channel"), ("orders", "product"), ("customers", "category")]
)
async def test_every_bucket_that_runs_is_cut_to_the_minute(shop, granularity, compare, inside, outside, by, metric):
    await sell(shop, inside, outside, channel="web")
    first = {"hour": "2026-03-12", "day": "2026-03-12", "week": "2026-03-09", "month": "2026-03-01"}[granularity]
    asked = {"by": by} if by else {}
    answer = await shop.trend(from_=first, to="2026-03-12", granularity=granularity, compare=compare, metric=metric, **asked)
    running = [row for row in by_name(answer) if row["bucket"] in (first, "2026-03-12T05:00:00+01:00")]
    expected = 1000 if metric == "sales" else 1
    assert [row["comparison"] for row in running] == [expected]
    assert answer.totals["comparison"] == expected


@pytest.mark.parametrize(
    ("today", "before"),
    [("2026-03-29", "2026-03-28"), ("2026-03-30", "2026-03-29"), ("2026-10-25", "2026-10-24"), ("2026-10-26", "2026-10-25")],
)
async def test_days_are_cut_by_the_clock_when_it_changes(shop, today, before):
    shop.now = datetime.fromisoformat(f"{today}T12:20").replace(tzinfo=ZONE)
    await sell(shop, f"{before}T00:00", f"{before}T12:19", f"{before}T12:20")
    for granularity in ("day", "hour"):
        answer = await shop.trend(from_=today, to=today, granularity=granularity, compare="previous_period")
        assert answer.totals["comparison"] == sum(row["comparison"] or 0 for row in by_name(answer)) == 2000


async def test_the_rest_is_cut_too_and_counts_an_order_once(shop):
    shared = [line(sku, 1, 100) for sku in "BCD"]
    at = datetime(2026, 3, 5, 5, 0, tzinfo=ZONE)
    await shop.take(
        placed("now", "2026-03-09T12:00:00+01:00", line("TOP", 1, 9000)),
        placed("in", at.isoformat(), *shared),
        placed("out", (at + timedelta(hours=1)).isoformat(), *shared),
    )
    answer = await shop.trend(
        from_="2026-03-09", to="2026-03-12", granularity="week", compare="previous_period", by="product", top="1", metric="orders"
    )
    assert [(row["group"], row["value"], row["comparison"]) for row in by_name(answer)] == [("TOP", 1, 0), ("others", 0, 1)]


async def test_what_has_not_begun_is_compared_with_nothing(shop):
    await sell(shop, "2026-03-02T10:00", "2026-03-03T10:00", "2026-03-08T10:00")
    answer = await shop.trend(from_="2026-03-09", to="2026-03-15", compare="previous_period")
    rows = by_name(answer)
    assert [row["comparison"] for row in rows] == [1000, 1000, 0, 0, None, None, None]
    assert [row["comparison_bucket"] for row in rows][-1] == "2026-03-08"
    assert [row["change"] for row in rows] == [-1, -1, None, None, None, None, None]
    assert answer.totals["comparison"] == 2000
    ahead = await shop.trend(from_="2026-03-13", to="2026-03-15", compare="previous_period", granularity="month")
    assert ([row["comparison"] for row in by_name(ahead)], ahead.totals["comparison"]) == ([None], None)
    assert any("has not begun" in note for note in ahead.notes)


async def test_a_month_is_compared_with_all_of_a_shorter_one_that_it_has_outrun(shop):
    shop.now = datetime(2026, 3, 30, 12, tzinfo=ZONE)
    await sell(shop, "2026-02-01T10:00", "2026-02-28T23:59", "2026-03-01T00:00")
    answer = await shop.trend(from_="2026-03-01", to="2026-03-31", granularity="month", compare="previous_period")
    assert (last(answer)["comparison"], answer.totals["comparison"]) == (2000, 2000)


async def test_the_last_day_of_a_short_month_is_compared_with_as_many_days_of_a_longer_one(shop):
    shop.now = datetime(2026, 2, 28, 12, tzinfo=ZONE)
    await sell(shop, "2026-01-28T11:59", "2026-01-28T12:00", "2026-01-31T10:00")
    answer = await shop.trend(from_="2026-02-01", to="2026-02-28", granularity="month", compare="previous_period")
    assert (last(answer)["comparison"], answer.totals["comparison"]) == (1000, 1000)
    shop.now = datetime(2026, 3, 1, 12, tzinfo=ZONE)
    over = await shop.trend(from_="2026-02-01", to="2026-02-28", granularity="month", compare="previous_period")
    assert (last(over)["comparison"], over.totals["comparison"]) == (3000, 3000)


async def test_a_leap_day_that_runs_does_not_cut_the_day_before(shop):
    shop.now = datetime(2024, 2, 29, 12, tzinfo=ZONE)
    await sell(shop, "2023-02-28T09:00", "2023-02-28T15:00")
    answer = await shop.trend(from_="2024-02-28", to="2024-02-29", compare="previous_year")
    assert [(row["comparison_bucket"], row["comparison"]) for row in by_name(answer)] == [("2023-02-28", 2000), ("2023-02-28", 1000)]


async def test_a_week_that_the_period_cuts_and_that_runs_is_compared_from_the_same_day_on(shop):
    await sell(shop, "2026-03-03T10:00", "2026-03-04T10:00", "2026-03-05T05:00", "2026-03-05T06:00")
    answer = await shop.trend(from_="2026-03-11", to="2026-03-20", granularity="week", compare="previous_period")
    # Two weeks are shown, so the ones compared with lie two weeks before.
    assert [row["comparison"] for row in by_name(answer)] == [0, None]
    await sell(shop, "2026-02-24T10:00", "2026-02-25T10:00", "2026-02-26T05:00", "2026-02-26T06:00")
    answer = await shop.trend(from_="2026-03-11", to="2026-03-20", granularity="week", compare="previous_period")
    assert [row["comparison"] for row in by_name(answer)] == [2000, None]


async def test_a_week_begins_on_the_stores_own_day_also_in_what_it_is_compared_with(platform):
    store = Store(id=8, name="sunday", currency="EUR", timezone="Europe/Berlin", week_start="sunday")
    platform.now = NOW
    days = {"2026-02-28": 1, "2026-03-01": 10, "2026-03-05": 100, "2026-03-07": 1000, "2026-03-08": 10_000, "2026-03-11": 100_000}
    orders = [placed(f"o-{day}", f"{day}T04:00:00Z", line("A", 1, price)) for day, price in days.items()]
    await platform.take(*orders, placed("first", OPENED, line("A", 1, 1)), store=store)
    answer = await platform.trend(store, from_="2026-03-01", to="2026-03-12", granularity="week", compare="previous_period")
    rows = by_name(answer)
    assert [(row["bucket"], row["comparison_bucket"]) for row in rows] == [("2026-03-01", "2026-02-15"), ("2026-03-08", "2026-02-22")]
    assert [row["value"] for row in rows] == [1110, 110_000]
    answer = await platform.trend(store, from_="2026-03-08", to="2026-03-14", granularity="week", compare="previous_period")
    assert (last(answer)["comparison_bucket"], last(answer)["comparison"]) == ("2026-03-01", 110)


@pytest.mark.parametrize("granularity", ["hour", "day", "week"])
@pytest.mark.parametrize(("first", "last"), [("2024-02-26", "2024-03-03"), ("2024-12-30", "2025-01-05"), ("2026-03-23", "2026-03-29")])
async def test_same_weekdays_are_those_of_364_days_before(platform, granularity, first, last):
    answer = await platform.trend(from_=first, to=last, granularity=granularity, compare="same_weekdays")
    for row in by_name(answer):
        if row["comparison_bucket"] is not None:
            bucket, other = (datetime.fromisoformat(row[name]).replace(tzinfo=None) for name in ("bucket", "comparison_bucket"))
            assert (bucket - other, other.weekday()) == (timedelta(days=364), bucket.weekday())
    assert any("364 days" in note for note in answer.notes)


async def test_an_answer_is_good_for_a_minute_where_the_clock_decides_and_for_an_hour_elsewhere(shop):
    async def etag(**params: str) -> str:
        answer = await shop.ask(**params)
        assert isinstance(answer, Answer)
        return answer.etag

    asked = {"from_": "2026-03-09", "to": "2026-03-15"}
    compared, plain = await etag(compare="previous_period", **asked), await etag(**asked)
    ended = {"from_": "2026-03-01", "to": "2026-03-07", "compare": "previous_period"}
    over = await etag(**ended)
    shop.now = NOW + timedelta(seconds=50)
    assert await etag(compare="previous_period", **asked) == compared
    shop.now = NOW + timedelta(minutes=1)
    assert await etag(compare="previous_period", **asked) != compared
    assert (await etag(**asked), await etag(**ended)) == (plain, over)


async def test_what_lies_before_the_first_order_is_no_data(platform):
    platform.now = datetime(2026, 3, 20, 12, tzinfo=ZONE)
    await sell(platform, "2026-03-04T10:00", "2026-03-10T10:00")
    answer = await platform.trend(from_="2026-03-09", to="2026-03-13", compare="previous_period")
    # Compared with 4 to 8 March.
    assert [row["comparison"] for row in by_name(answer)] == [1000, 0, 0, 0, 0]
    answer = await platform.trend(from_="2026-03-07", to="2026-03-13", compare="previous_period")
    # Compared with 28 February to 6 March.
    assert [row["comparison"] for row in by_name(answer)] == [None, None, None, None, 1000, 0, 0]
    assert by_name(answer)[0]["comparison_bucket"] == "2026-02-28"
    assert answer.totals == {"value": 1000, "comparison": 1000, "change": None, "comparison_since": "2026-03-04"}
    assert any("first order was on 2026-03-04" in note for note in answer.notes), answer.notes
    long_ago = await platform.trend(from_="2026-03-07", to="2026-03-13", compare="previous_year")
    assert long_ago.totals == {"value": 1000, "comparison": None, "change": None}


async def test_hours_before_the_first_order_are_no_data(platform):
    platform.now = datetime(2026, 3, 20, 12, tzinfo=ZONE)
    await sell(platform, "2026-03-04T10:30", "2026-03-05T10:00")
    answer = await platform.trend(from_="2026-03-05", to="2026-03-05", granularity="hour", compare="previous_period")
    assert [row["comparison"] for row in by_name(answer)] == [None] * 10 + [1000] + [0] * 13


async def test_without_any_order_there_is_nothing_to_compare_with(platform):
    answer = await platform.trend(from_="2026-03-09", to="2026-03-10", compare="previous_year")
    assert ([row["comparison"] for row in by_name(answer)], answer.totals["comparison"]) == ([None, None], None)
    assert any("no orders yet" in note for note in answer.notes)


@pytest.mark.parametrize("by", [{}, {"by": "product"}])
async def test_a_bucket_that_has_not_begun_has_no_value(platform, by):
    """NOW is a Thursday; nothing was sold on Tuesday, which is 0. What is dated ahead is there all the same."""
    platform.now = NOW
    await sell(platform, "2026-03-09T10:00", "2026-03-14T10:00")
    rows = by_name(await platform.trend(from_="2026-03-09", to="2026-03-15", metric="orders", cumulative="true", **by))
    assert [(row["value"], row["cumulative"]) for row in rows] == [(1, 1), (0, 1), (0, 1), (0, 1), (None, None), (1, 2), (None, None)]


async def test_a_week_is_not_measured_against_the_part_of_one_in_which_the_shop_opened(platform):
    platform.now = NOW
    # It opened on Wednesday, 18 February.
    await sell(platform, "2026-02-18T10:00", "2026-02-24T10:00", "2026-02-25T10:00", "2026-03-03T10:00")
    asked = {"granularity": "week", "compare": "previous_period", "metric": "orders", "to": "2026-03-08"}
    rows = by_name(await platform.trend(from_="2026-02-23", **asked))
    assert [(row["comparison_bucket"], row["comparison"], row["change"]) for row in rows] == [
        ("2026-02-09", None, None), ("2026-02-16", 1, None),
    ]  # fmt: skip
    (row,) = by_name(await platform.trend(from_="2026-03-02", **asked))
    assert (row["comparison_bucket"], row["comparison"], row["change"]) == ("2026-02-23", 2, -0.5)

"""Questions about reports are answered, refused with what to do, or not answered twice."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import msgspec
import pytest

from tillwise_analytics.intake.rows import Staged
from tillwise_analytics.intake.writer import SEARCH_PATH, Writer, prepare_session
from tillwise_analytics.reports.answering import ReportAnswerer
from tillwise_analytics.settling.settler import Settler
from tillwise_common.bus import envelope
from tillwise_common.contracts import events as ev
from tillwise_common.contracts import reports
from tillwise_common.contracts.batches import Batch, Part
from tillwise_common.contracts.reports import Answer, Refusal, Reply
from tillwise_common.contracts.stores import Store
from tillwise_common.postgres.pool import Postgres
from tillwise_common.settings import Secret

OCTOBER = {"from": "2024-10-01", "to": "2024-10-31"}


def store(zone: str = "Europe/Berlin") -> Store:
    return Store(id=random.SystemRandom().randrange(10**6, 2**31 - 1), name="Shop", currency="EUR", timezone=zone)


@pytest.fixture
async def postgres(database_url: str) -> AsyncIterator[Postgres]:
    pool = Postgres(Secret(database_url), "answering", size=2, search_path=SEARCH_PATH, prepare=prepare_session)
    await pool.start()
    yield pool
    await pool.close()


async def sell(
    postgres: Postgres, shop: Store, *moments: datetime, category: str | None = None, product: dict[str, Any] | None = None
) -> None:
    """One order of 10.00 at each of the moments."""
    line = ev.OrderLine(sku="s1", quantity=1, unit_price=1000, category=category, name="Cup")
    happened: list[Any] = [
        ev.OrderPlaced(id=f"e{at.timestamp()}", occurred_at=at, data=ev.Order(order_id=f"o{at.timestamp()}", lines=[line], customer_id="c"))
        for at in moments
    ]
    if product:
        happened.append(ev.ProductUpdated(id=f"p{time.time_ns()}", occurred_at=datetime.now(UTC), data=product))
    staged = Staged()
    staged.add(Batch(shop, [Part("p", "sell", datetime.now(UTC), "array", msgspec.json.encode(happened))]))
    await Writer(postgres).commit(staged)


async def ask(postgres: Postgres, question: reports.Question, deadline: float = 30) -> Reply:
    asked = envelope.new("run", "test", reports.encode(question), deadline=time.time() + deadline)
    reply: Reply = reports.decode_reply(await ReportAnswerer(postgres, Settler(postgres)).answer(asked))
    return reply


async def trend(postgres: Postgres, shop: Store, **params: str) -> dict[str, Any]:
    reply = await ask(postgres, reports.RunReport(shop, "trend", {name.rstrip("_"): value for name, value in params.items()}))
    assert isinstance(reply, Answer), reply
    answer: dict[str, Any] = msgspec.json.decode(reply.body)
    return answer


async def refused(postgres: Postgres, **params: str) -> Refusal:
    reply = await ask(postgres, reports.RunReport(store(), "trend", {name.rstrip("_"): value for name, value in params.items()}))
    assert isinstance(reply, Refusal), reply
    return reply


def column(answer: dict[str, Any], name: str) -> list[Any]:
    at = [column["name"] for column in answer["columns"]].index(name)
    return [row[at] for row in answer["rows"]]


async def test_catalogue_describes_every_parameter(postgres: Postgres) -> None:
    reply = await ask(postgres, reports.DescribeReports())
    assert isinstance(reply, Answer)
    (found,) = [r for r in msgspec.json.decode(reply.body)["reports"] if r["name"] == "trend"]
    properties = found["parameters"]["properties"]
    assert {"from", "to", "metric", "granularity", "by", "top", "compare", "basis", "channel", "country", "category", "sku"} <= set(
        properties
    )
    assert all(p.get("description") for p in properties.values())


QUESTIONS: list[dict[str, str]] = [
    {}, {"granularity": "hour"}, {"metric": "orders"}, {"by": "product"}, {"by": "channel", "compare": "previous_year"},
    {"moving_average": "3"}, {"moving_average": "3", "metric": "units"}, {"cumulative": "true", "granularity": "hour", "growth": "true"},
    {"forecast": "2", "anomalies": "true"}, {"forecast": "2", "anomalies": "true", "metric": "orders"},
]  # fmt: skip


async def test_catalogue_describes_every_column_that_an_answer_may_have(postgres: Postgres) -> None:
    reply = await ask(postgres, reports.DescribeReports())
    assert isinstance(reply, Answer)
    (found,) = [r for r in msgspec.json.decode(reply.body)["reports"] if r["name"] == "trend"]
    described = {column["name"]: column for column in found["columns"]}
    assert all(column["description"] and column["type"] == column["types"][0] for column in described.values())
    met = set()
    for question in QUESTIONS:
        answer = await trend(postgres, store(), **OCTOBER, **question)
        for column in answer["columns"]:
            entry = described[column["name"]]
            assert column["type"] in entry["types"], column
            assert entry["with"] is None or entry["with"] in question, column
            met.add((column["name"], column["type"]))
        always = {name for name, entry in described.items() if entry["with"] is None}
        assert always <= {column["name"] for column in answer["columns"]}
    # Nothing is promised that no answer has.
    assert {name for name, _ in met} == set(described)
    assert {("bucket", "datetime"), ("value", "count"), ("moving_average", "number")} <= met
    assert [column["type"] for column in (await trend(postgres, store()))["columns"]] == [
        entry["type"] for entry in found["columns"] if entry["with"] is None
    ]


async def test_every_report_of_the_catalogue_has_columns(postgres: Postgres) -> None:
    reply = await ask(postgres, reports.DescribeReports())
    assert isinstance(reply, Answer)
    assert all(report["columns"] for report in msgspec.json.decode(reply.body)["reports"])


async def test_unknown_report_is_refused_with_those_there_are(postgres: Postgres) -> None:
    reply = await ask(postgres, reports.RunReport(store(), "trends", {}))
    assert isinstance(reply, Refusal)
    assert reply.status == 404
    assert "trend" in reply.detail


async def test_all_problems_are_told_at_once(postgres: Postgres) -> None:
    reply = await refused(postgres, metric="profit", top="99", from_="yesterday", colour="red")
    assert (reply.status, reply.code) == (422, "invalid_parameters")
    errors = {error["parameter"]: error for error in reply.errors}
    assert set(errors) == {"metric", "top", "from", "colour"}
    assert "sales" in errors["metric"]["allowed"]
    assert "metric" in errors["colour"]["allowed"]


@pytest.mark.parametrize("name", ["metric", "granularity", "by", "compare", "basis", "cumulative"])
async def test_a_wrong_choice_is_told_with_all_there_are(postgres: Postgres, name: str) -> None:
    (error,) = (await refused(postgres, **{name: "profit"})).errors
    assert (error["parameter"], error["detail"]) == (name, "is not one of those there are")
    for choice in error["allowed"]:
        asked = {**OCTOBER, "granularity": "week", "metric": "sales", name: choice}
        assert isinstance(await ask(postgres, reports.RunReport(store(), "trend", asked)), Answer), asked


async def test_parameters_that_the_asker_takes_itself_are_named_with_the_others(postgres: Postgres) -> None:
    reply = await ask(postgres, reports.RunReport(store(), "trend", {"colour": "red"}, besides=["store", "format"]))
    assert isinstance(reply, Refusal)
    assert {"store", "format", "metric"} <= set(reply.errors[0]["allowed"])
    assert reply.errors[0]["allowed"] == sorted(reply.errors[0]["allowed"])


@pytest.mark.parametrize(
    "params",
    [
        {"from_": "2024-02-01", "to": "2024-01-01"},
        {"from_": "1990-01-01", "to": "2024-01-01", "granularity": "day"},
        {"from_": "2023-01-01", "to": "2024-01-01", "granularity": "hour"},
        {"to": "0001-01-02"},
        {"from_": "9999-12-31", "to": "9999-12-31"},
        {"from_": "2024-01-01", "to": "2024-03-31", "granularity": "month", "compare": "same_weekdays"},
    ],
)
async def test_impossible_period_is_refused(postgres: Postgres, params: dict[str, str]) -> None:
    assert (await refused(postgres, **params)).status == 422


async def test_default_period_is_the_last_thirty_days_and_today_is_partial(postgres: Postgres) -> None:
    answer = await trend(postgres, store())
    assert len(answer["rows"]) == 30
    assert column(answer, "partial") == [False] * 29 + [True]


async def test_store_without_data_gets_zeros_and_a_note(postgres: Postgres) -> None:
    answer = await trend(postgres, store(), **OCTOBER)
    assert column(answer, "value") == [0] * 31
    assert any("no data" in note.lower() or "no sales" in note.lower() for note in answer["notes"]), answer["notes"]


async def test_empty_period_says_where_the_data_are(postgres: Postgres) -> None:
    shop = store()
    await sell(postgres, shop, datetime(2024, 5, 5, 12, tzinfo=UTC), datetime(2024, 6, 6, 12, tzinfo=UTC))
    answer = await trend(postgres, shop, **OCTOBER)
    assert any("2024-05-05" in note and "2024-06-06" in note for note in answer["notes"]), answer["notes"]


async def test_etag_spares_a_second_run_until_something_is_sold(postgres: Postgres) -> None:
    shop = store()
    await sell(postgres, shop, datetime(2024, 10, 5, 12, tzinfo=UTC))
    first = await ask(postgres, reports.RunReport(shop, "trend", OCTOBER))
    assert isinstance(first, Answer)
    again = await ask(postgres, reports.RunReport(shop, "trend", OCTOBER, first.etag))
    assert isinstance(again, Answer)
    assert (again.body, again.fresh, again.etag) == (b"", False, first.etag)
    await sell(postgres, shop, datetime(2024, 10, 6, 12, tzinfo=UTC))
    later = await ask(postgres, reports.RunReport(shop, "trend", OCTOBER, first.etag))
    assert isinstance(later, Answer)
    assert later.fresh
    assert later.etag != first.etag


async def test_a_store_sees_its_own_sales_only(postgres: Postgres) -> None:
    mine, theirs = store(), store()
    await sell(postgres, theirs, datetime(2024, 10, 5, 12, tzinfo=UTC))
    await sell(postgres, mine, datetime(2024, 10, 6, 12, tzinfo=UTC))
    assert (await trend(postgres, mine, **OCTOBER))["totals"]["value"] == 1000


async def test_too_slow_a_report_is_refused_before_its_deadline(postgres: Postgres, database_url: str) -> None:
    blocker = await asyncpg.connect(database_url)
    try:
        async with blocker.transaction():
            await blocker.execute("lock table analytics.rollup_days in access exclusive mode")
            began = time.perf_counter()
            reply = await ask(postgres, reports.RunReport(store(), "trend", OCTOBER), deadline=1.0)
    finally:
        await blocker.close()
    assert isinstance(reply, Refusal)
    assert (reply.status, reply.code) == (504, "report_too_slow")
    # After the deadline nobody would hear it.
    assert time.perf_counter() - began < 1.0


async def test_database_away_is_said(postgres: Postgres) -> None:
    await postgres.close()
    reply = await ask(postgres, reports.RunReport(store(), "trend", OCTOBER))
    assert isinstance(reply, Refusal)
    assert (reply.status, reply.code) == (503, "database_unavailable")


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2024-03-31", 23),
        ("Europe/Berlin", "2024-10-27", 25),
        ("America/New_York", "2024-03-10", 23),
        ("America/New_York", "2024-11-03", 25),
        ("Asia/Kathmandu", "2024-10-27", 24),
    ],
)
@pytest.mark.parametrize("params", [{}, {"by": "category"}, {"metric": "customers"}, {"channel": ""}])
async def test_a_day_has_the_hours_that_the_clock_showed(
    postgres: Postgres, zone: str, day: str, hours: int, params: dict[str, str]
) -> None:
    shop = store(zone)
    began = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    # One order in each of its hours; where they all have their own, each bucket holds one.
    await sell(postgres, shop, *(began + timedelta(hours=hour, minutes=30) for hour in range(hours)), category="a")
    answer = await trend(postgres, shop, from_=day, to=day, granularity="hour", **params)
    assert len(set(column(answer, "bucket"))) == len(answer["rows"]) == hours
    one = 1 if params.get("metric") else 1000
    assert column(answer, "value") == [one] * hours
    assert all(datetime.fromisoformat(bucket).date() == date.fromisoformat(day) for bucket in column(answer, "bucket"))


@pytest.mark.parametrize(
    ("zone", "day", "compared"),
    [
        # Spring: an hour less than the day before; autumn: the second one has no counterpart.
        ("Europe/Berlin", "2024-03-31", 23),
        ("Europe/Berlin", "2024-10-27", 24),
        ("America/New_York", "2024-03-10", 23),
        ("America/New_York", "2024-11-03", 24),
        # The day after: it lacks nothing, but is compared with a day of 23 or 25 hours.
        ("Europe/Berlin", "2024-04-01", 23),
        ("Europe/Berlin", "2024-10-28", 24),
        ("America/New_York", "2024-03-11", 23),
        ("America/New_York", "2024-11-04", 24),
    ],
)
async def test_hours_are_compared_by_the_clock_when_it_changes(postgres: Postgres, zone: str, day: str, compared: int) -> None:
    shop = store(zone)
    await sell(postgres, shop, datetime(2024, 1, 1, 12, tzinfo=UTC))
    answer = await trend(postgres, shop, from_=day, to=day, granularity="hour", compare="previous_period")
    pairs = [
        (bucket[11:16], other[11:16])
        for bucket, other in zip(column(answer, "bucket"), column(answer, "comparison_bucket"), strict=True)
        if other is not None
    ]
    assert len(pairs) == compared
    assert all(bucket == other for bucket, other in pairs)


@pytest.mark.parametrize(("zone", "week"), [("Europe/Berlin", "2024-03-25"), ("America/New_York", "2024-10-28")])
async def test_a_week_in_which_the_clock_changes_holds_what_its_days_hold(postgres: Postgres, zone: str, week: str) -> None:
    shop, monday = store(zone), datetime.fromisoformat(week).replace(tzinfo=ZoneInfo(zone))
    inside = [monday, monday + timedelta(days=6, hours=23, minutes=59)]
    outside = [monday - timedelta(minutes=1), monday + timedelta(days=7)]
    await sell(postgres, shop, *(at.astimezone(UTC) for at in inside + outside))
    params = {"from": week, "to": str(monday.date() + timedelta(days=6))}
    for granularity in ("hour", "day", "week"):
        answer = await trend(postgres, shop, **params, granularity=granularity)
        assert sum(column(answer, "value")) == answer["totals"]["value"] == 2000, granularity


@pytest.mark.parametrize("day", ["2024-04-07", "2024-10-06"])
async def test_no_hour_is_lost_where_the_clock_changes_by_half_an_hour(postgres: Postgres, day: str) -> None:
    shop = store("Australia/Lord_Howe")
    began = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(shop.timezone)).astimezone(UTC)
    moments = [began + timedelta(minutes=minutes) for minutes in range(10, 23 * 60, 20)]
    await sell(postgres, shop, *moments)
    answer = await trend(postgres, shop, from_=day, to=day, granularity="hour")
    assert answer["totals"]["value"] == sum(column(answer, "value")) == 1000 * len(moments)


async def test_second_hour_of_an_autumn_night_is_compared_with_nothing(postgres: Postgres) -> None:
    shop = store()
    await sell(postgres, shop, datetime(2024, 10, 26, 0, 30, tzinfo=UTC))
    answer = await trend(postgres, shop, from_="2024-10-27", to="2024-10-27", granularity="hour", compare="previous_period")
    assert sum(value or 0 for value in column(answer, "comparison")) == answer["totals"]["comparison"] == 1000


async def test_february_is_compared_with_all_of_a_longer_february(postgres: Postgres) -> None:
    shop = store()
    await sell(postgres, shop, datetime(2024, 2, 29, 12, tzinfo=UTC), datetime(2025, 2, 28, 12, tzinfo=UTC))
    answer = await trend(postgres, shop, from_="2025-02-01", to="2025-02-28", granularity="month", compare="previous_year")
    assert (column(answer, "comparison_bucket"), column(answer, "comparison")) == (["2024-02-01"], [1000])


async def test_group_that_sold_only_before_is_still_compared(postgres: Postgres) -> None:
    shop = store()
    await sell(postgres, shop, datetime(2024, 9, 10, 12, tzinfo=UTC), category="gone")
    await sell(postgres, shop, datetime(2024, 10, 10, 12, tzinfo=UTC), category="here")
    params = {**OCTOBER, "granularity": "month", "by": "category", "compare": "previous_period"}
    answer = await trend(postgres, shop, **params)
    assert sum(column(answer, "comparison")) == answer["totals"]["comparison"] == 1000


async def test_category_that_nothing_is_left_of_is_not_listed(postgres: Postgres) -> None:
    shop = store()
    await sell(postgres, shop, datetime(2024, 10, 10, 12, tzinfo=UTC), product={"sku": "s1", "category": "old"})
    await sell(postgres, shop, datetime(2024, 10, 11, 12, tzinfo=UTC), product={"sku": "s1", "category": "new"})
    assert set(column(await trend(postgres, shop, **OCTOBER, by="category"), "group")) == {"new"}


async def test_products_come_with_their_names(postgres: Postgres) -> None:
    shop = store()
    await sell(postgres, shop, datetime(2024, 10, 10, 12, tzinfo=UTC))
    answer = await trend(postgres, shop, **OCTOBER, by="product", granularity="month")
    assert (column(answer, "group"), column(answer, "group_name")) == (["s1"], ["Cup"])
    nothing = await trend(postgres, shop, from_="2020-01-01", to="2020-01-31", by="product")
    assert "group_name" in [c["name"] for c in nothing["columns"]]


async def test_cut_weeks_are_partial(postgres: Postgres) -> None:
    answer = await trend(postgres, store(), from_="2024-10-02", to="2024-10-22", granularity="week")
    assert column(answer, "bucket") == ["2024-09-30", "2024-10-07", "2024-10-14", "2024-10-21"]
    assert column(answer, "partial") == [True, False, False, True]


async def test_params_of_an_answer_are_definite(postgres: Postgres) -> None:
    answer = await trend(postgres, store())
    assert date.fromisoformat(answer["params"]["from"]) < date.fromisoformat(answer["params"]["to"])


@pytest.mark.parametrize(
    "params", [{}, {"by": "category"}, {"compare": "previous_year"}, {"granularity": "hour"}, {"metric": "average_order"}]
)
async def test_charts_can_be_drawn(postgres: Postgres, params: dict[str, str]) -> None:
    vl_convert = pytest.importorskip("vl_convert")
    shop = store()
    await sell(postgres, shop, datetime(2024, 10, 10, 12, tzinfo=UTC), category="a")
    answer = await trend(postgres, shop, from_="2024-10-09", to="2024-10-12", **params)
    svg = vl_convert.vegalite_to_svg({**answer["charts"][0], "width": 600})
    assert svg.startswith("<svg")
    assert "NaN" not in svg

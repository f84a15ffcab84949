"""The trend of random small shops equals a naive recount of their events, whichever way the report is computed.

The recount knows nothing of rollups, SQL or the report: it reads the events and counts with loops.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tillwise.testing import examples
from tillwise_analytics.intake.rows import Staged
from tillwise_analytics.intake.writer import SEARCH_PATH, Writer, prepare_session
from tillwise_analytics.reports.answering import ReportAnswerer
from tillwise_analytics.settling.settler import Settler
from tillwise_common.bus import envelope
from tillwise_common.contracts import events as ev
from tillwise_common.contracts import reports
from tillwise_common.contracts.batches import Batch, Part
from tillwise_common.contracts.stores import Store
from tillwise_common.postgres.pool import Postgres
from tillwise_common.settings import Secret

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kathmandu")
# Around the nights on which clocks change in autumn, this year and the year before.
WINDOWS = (datetime(2024, 10, 20, tzinfo=UTC), datetime(2023, 10, 22, tzinfo=UTC))
MINUTES = 21 * 24 * 60
SKUS = ("s1", "s2", "s3", "s4")


@dataclass
class Shop:
    """What a recount needs: the store and all its events."""

    store: Store
    events: list[Any]


@dataclass
class Entry:
    """One line of an order or refund, as it counts in the basis asked for."""

    at: datetime
    order: str
    customer: str | None
    dims: dict[str, str]
    counts: bool
    units: int
    sales: int


moments = st.builds(lambda w, m: w + timedelta(minutes=m), st.sampled_from(WINDOWS), st.integers(0, MINUTES))
lines = st.builds(
    ev.OrderLine,
    sku=st.sampled_from(SKUS),
    quantity=st.integers(-2, 4),
    unit_price=st.integers(0, 5000),
    category=st.sampled_from([None, None, "food", "tools"]),
    discount=st.sampled_from([0, 0, 0, 7]),
)
orders = st.builds(
    ev.Order,
    order_id=st.sampled_from([f"o{n}" for n in range(20)]),
    lines=st.lists(lines, min_size=1, max_size=3),
    customer_id=st.sampled_from([None, "a", "b", "c", "d"]),
    channel=st.sampled_from([None, "web", "pos"]),
    country=st.sampled_from([None, "DE", "AT"]),
)
refund_lines = st.builds(ev.RefundLine, sku=st.sampled_from(SKUS), quantity=st.integers(0, 2), amount=st.integers(0, 3000))
refunds = st.builds(
    ev.Refund,
    order_id=st.sampled_from([f"o{n}" for n in range(20)]),
    refund_id=st.sampled_from(["r1", "r2"]),
    lines=st.lists(refund_lines, max_size=2),
    amount=st.integers(0, 4000),
)
products = st.builds(
    lambda sku, category: {"sku": sku, "category": category}, st.sampled_from(SKUS), st.sampled_from(["food", "tools", "toys"])
)
happenings = st.one_of(
    st.builds(ev.OrderPlaced, occurred_at=moments, data=orders),
    st.builds(ev.OrderPlaced, occurred_at=moments, data=orders),
    st.builds(ev.OrderRefunded, occurred_at=moments, data=refunds),
    st.builds(ev.OrderCancelled, occurred_at=moments, data=st.builds(ev.Cancellation, order_id=st.sampled_from(["o1", "o2", "o3"]))),
    st.builds(ev.ProductUpdated, occurred_at=moments, data=products),
)
shops = st.builds(
    lambda happened, zone, week_start: Shop(
        Store(id=random.SystemRandom().randrange(10**6, 2**31 - 1), name="Recount", currency="EUR", timezone=zone, week_start=week_start),
        [msgspec.structs.replace(event, id=f"e{n:03}") for n, event in enumerate(happened)],
    ),
    st.lists(happenings, min_size=20, max_size=45),
    st.sampled_from(ZONES),
    st.sampled_from(["monday", "sunday"]),
)
DIMENSIONS = ("channel", "country", "category", "product")
questions = st.fixed_dictionaries(
    {
        "metric": st.sampled_from(["sales", "orders", "units", "average_order", "customers", "new_customers"]),
        "granularity": st.sampled_from(["hour", "day", "week", "month"]),
        "basis": st.sampled_from(["net", "gross"]),
        "from": st.dates(date(2024, 10, 1), date(2024, 10, 31)).map(str),
        "to": st.dates(date(2024, 10, 31), date(2024, 11, 20)).map(str),
        "top": st.sampled_from(["1", "2", "10"]),
    },
    optional={
        "by": st.sampled_from(DIMENSIONS),
        "channel": st.sampled_from(["web", "pos"]),
        "country": st.just("DE"),
        "category": st.sampled_from(["food", "tools"]),
        "sku": st.sampled_from(SKUS),
        "compare": st.sampled_from(["previous_period", "previous_year", "same_weekdays"]),
    },
).filter(lambda q: not (q.get("compare") == "same_weekdays" and q["granularity"] == "month"))


# Long after, and at some moment of the periods asked for, when a bucket runs and others have not begun.
clocks = st.one_of(
    st.just(datetime(2026, 1, 1, tzinfo=UTC)), st.datetimes(datetime(2024, 10, 10), datetime(2024, 11, 25), timezones=st.just(UTC))
)


@pytest.fixture
async def postgres(database_url: str) -> AsyncIterator[Postgres]:
    pool = Postgres(Secret(database_url), "recount", size=2, search_path=SEARCH_PATH, prepare=prepare_session)
    await pool.start()
    yield pool
    await pool.close()


@settings(
    max_examples=examples(25),
    deadline=None,
    # Shrinking asks the database for a minute; the question of a failure says enough.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(shop=shops, asked=st.lists(st.tuples(questions, clocks), min_size=12, max_size=12))
async def test_trend_equals_a_recount_of_the_events(postgres: Postgres, shop: Shop, asked: list[tuple[dict[str, str], datetime]]) -> None:
    await _send(postgres, shop)
    for question, now in asked:
        _compare(shop, question, now, await _ask(postgres, shop.store, question, now))


async def _send(postgres: Postgres, shop: Shop) -> None:
    """Commit the events in two parts, so that later ones correct what is already rolled up."""
    half = len(shop.events) // 2
    for n, some in enumerate((shop.events[half:], shop.events[:half])):
        if some:
            staged = Staged()
            part = Part(f"p{n}", "recount", datetime.now(UTC), "array", msgspec.json.encode(some))
            staged.add(Batch(shop.store, [part]))
            await Writer(postgres).commit(staged)


async def _ask(postgres: Postgres, store: Store, params: dict[str, str], now: datetime) -> dict[str, Any]:
    question = reports.encode(reports.RunReport(store, "trend", params))
    asked = envelope.new("run", "test", question, deadline=time.time() + 30)
    reply = reports.decode_reply(await ReportAnswerer(postgres, Settler(postgres), clock=lambda: now).answer(asked))
    assert isinstance(reply, reports.Answer), (params, reply)
    answer: dict[str, Any] = msgspec.json.decode(reply.body)
    return answer


def _compare(shop: Shop, question: dict[str, str], now: datetime, answer: dict[str, Any]) -> None:
    zone, entries = ZoneInfo(shop.store.timezone), _entries(shop, question["basis"])
    entries = [e for e in entries if all(question.get(f, e.dims[d]) == e.dims[d] for f, d in FILTERS.items())]
    first, last = date.fromisoformat(question["from"]), date.fromisoformat(question["to"])
    firsts = _first_orders(_entries(shop, question["basis"]))
    names = [column["name"] for column in answer["columns"]]
    rows = [dict(zip(names, row, strict=True)) for row in answer["rows"]]
    by = question.get("by")
    shown = {row["group"] for row in rows} - {"others"} if by else set()

    def label(entry: Entry) -> str | None:
        return None if by is None else entry.dims[by] if entry.dims[by] in shown else "others"

    def bucket(at: datetime) -> str:
        return _bucket(at, question["granularity"], zone, shop.store.week_start)

    during = _within(entries, first, last, zone)
    cells: dict[tuple[str, str | None], list[Entry]] = defaultdict(list)
    for entry in during:
        cells[bucket(entry.at), label(entry)].append(entry)
    for row in rows:
        there = cells.pop((row["bucket"], row.get("group")), [])
        expected = _value(question["metric"], there, firsts)
        ahead = not _in_order(row["bucket"], bucket(now))
        assert row["value"] in _allowed(ahead, there, expected), (question, now, row, expected)
    missing = {key: _value(question["metric"], found, firsts) for key, found in cells.items()}
    assert not any(missing.values()), (question, "not in the answer", missing)
    assert answer["totals"]["value"] == _value(question["metric"], during, firsts), (question, "total")
    if "compare" in question:
        compared_first, compared_last = _earlier(question, first, last, shop.store.week_start)
        earlier = _within(entries, compared_first, compared_last, zone)
        until, opened = _until(question, now.astimezone(zone), first, last, shop.store.week_start), _first_order(shop)
        before: dict[tuple[str, str | None], list[Entry]] = defaultdict(list)
        for entry in earlier:
            before[bucket(entry.at), label(entry)].append(entry)
        for row in rows:
            compared = before[row["comparison_bucket"], row.get("group")]
            begun = now.astimezone(zone).date() >= first and _in_order(row["bucket"], bucket(now))
            if row["comparison_bucket"] is None or not begun:
                assert row["comparison"] is None, (question, now, row)
                continue
            closed = opened is None or not _in_order(bucket(opened), row["comparison_bucket"])
            if row["bucket"] == bucket(now):
                compared = [entry for entry in compared if entry.at < until]
                closed = closed or until <= opened
            expected = _value(question["metric"], compared, firsts)
            assert row["comparison"] in _allowed(closed, compared, expected), (question, now, row, expected)
        closed = opened is None or min(until, _midnight_after(compared_last, zone)) <= opened
        earlier = [entry for entry in earlier if entry.at < until]
        expected = _value(question["metric"], earlier, firsts)
        assert answer["totals"]["comparison"] in _allowed(closed, earlier, expected), (question, now, "total of the comparison", expected)


def _allowed(closed: bool, entries: list[Entry], expected: int | None) -> set[int | None]:
    """What may be said of a bucket compared with before the first order, and of one that has not begun: nothing, unless entries lie in
    it all the same (refunds, or what is dated ahead); of those a figure, or nothing where it is none.
    """
    if closed and not entries:
        return {None}
    return {None, expected} if closed and not expected else {expected}


def _midnight_after(day: date, zone: ZoneInfo) -> datetime:
    after = day + timedelta(days=1)
    return datetime(after.year, after.month, after.day, tzinfo=zone).astimezone(UTC)


def _first_order(shop: Shop) -> datetime | None:
    """The hour in which the store had its first order."""
    found = [entry.at for entry in _entries(shop, "gross") if entry.counts]
    if not found:
        return None
    local = min(found).astimezone(ZoneInfo(shop.store.timezone))
    return min(found) - timedelta(minutes=local.minute, seconds=local.second)


FILTERS = {"channel": "channel", "country": "country", "category": "category", "sku": "product"}


def _entries(shop: Shop, basis: str) -> list[Entry]:
    """All lines of orders and refunds as they stand after all events, in the basis."""
    placed, refunded, cancelled, described = _latest(shop.events)
    entries = []
    for order, (version, at) in placed.items():
        sale = any(line.quantity > 0 for line in version.lines)
        gone = order in cancelled
        for line in version.lines:
            category = line.category if line.category is not None else described.get(line.sku, "")
            dims = {"channel": version.channel or "", "country": version.country or "", "category": category, "product": line.sku}
            units, sales = max(line.quantity, 0), max(line.quantity, 0) * line.unit_price
            if basis == "net":
                units, sales = (0, 0) if gone else (line.quantity, line.quantity * line.unit_price - line.discount)
            counts = sale and line.quantity > 0 and not (gone and basis == "net")
            entries.append(Entry(at, order, version.customer_id, dims, counts, units, sales))
    if basis == "net":
        for (order, _), (refund, at) in refunded.items():
            if order not in cancelled:
                entries += _refund_entries(order, refund, at, placed, described)
    return entries


def _refund_entries(order: str, refund: Any, at: datetime, placed: dict[str, Any], described: dict[str, str]) -> list[Entry]:
    version = placed[order][0] if order in placed else ev.Order(order_id=order, lines=[])
    channel, country = version.channel or "", version.country or ""
    if not refund.lines:
        dims = {"channel": channel, "country": country, "category": "", "product": ""}
        return [Entry(at, order, version.customer_id, dims, False, 0, -(refund.amount or 0))]
    found = []
    for line in refund.lines:
        sold_as = [sold.category for sold in version.lines if sold.sku == line.sku and sold.category is not None]
        category = min(sold_as) if sold_as else described.get(line.sku, "")
        dims = {"channel": channel, "country": country, "category": category, "product": line.sku}
        found.append(Entry(at, order, version.customer_id, dims, False, -line.quantity, -line.amount))
    return found


def _latest(events: list[Any]) -> tuple[dict[str, Any], dict[tuple[str, str], Any], set[str], dict[str, str]]:
    """Orders and refunds as last stated, with their first moments; cancelled orders; categories of products."""
    placed: dict[str, Any] = {}
    refunded: dict[tuple[str, str], Any] = {}
    cancelled: set[str] = set()
    described: dict[str, str] = {}
    # The later moment wins, then the higher id: replayed in that order, the last statement stays.
    for event in sorted(events, key=lambda e: (e.occurred_at, e.id)):
        data, at = event.data, event.occurred_at
        if isinstance(data, ev.Order):
            placed[data.order_id] = (data, placed.get(data.order_id, (None, at))[1])
        elif isinstance(data, ev.Refund):
            key = (data.order_id, data.refund_id)
            refunded[key] = (data, refunded.get(key, (None, at))[1])
        elif isinstance(data, ev.Cancellation):
            cancelled.add(data.order_id)
        else:
            described[data["sku"]] = data["category"]
    return placed, refunded, cancelled, described


def _first_orders(entries: list[Entry]) -> dict[str, datetime]:
    firsts: dict[str, datetime] = {}
    for entry in entries:
        if entry.counts and entry.customer is not None:
            firsts[entry.customer] = min(entry.at, firsts.get(entry.customer, entry.at))
    return firsts


def _within(entries: list[Entry], first: date, last: date, zone: ZoneInfo) -> list[Entry]:
    return [entry for entry in entries if first <= entry.at.astimezone(zone).date() <= last]


def _value(metric: str, entries: list[Entry], firsts: dict[str, datetime]) -> int | None:
    if metric in ("sales", "units"):
        return sum(entry.sales if metric == "sales" else entry.units for entry in entries)
    if metric in ("customers", "new_customers"):
        return len(
            {
                entry.customer
                for entry in entries
                if entry.counts and entry.customer is not None and (metric == "customers" or entry.at == firsts[entry.customer])
            }
        )
    ordered = len({entry.order for entry in entries if entry.counts})
    if metric == "orders":
        return ordered
    # Python rounds fractions half to even.
    return round(Fraction(sum(entry.sales for entry in entries), ordered)) if ordered else None


def _bucket(at: datetime, granularity: str, zone: ZoneInfo, week_start: str) -> str:
    local = at.astimezone(zone)
    if granularity == "hour":
        return local.replace(minute=0, second=0, microsecond=0).isoformat()
    day = local.date()
    if granularity == "week":
        day -= timedelta(days=day.weekday() if week_start == "monday" else (day.weekday() + 1) % 7)
    return (day.replace(day=1) if granularity == "month" else day).isoformat()


def _in_order(one: str, other: str) -> bool:
    """Whether one bucket begins no later than another: of hours, in time and not by the clock."""
    return datetime.fromisoformat(one) <= datetime.fromisoformat(other)


def _earlier(question: dict[str, str], first: date, last: date, week_start: str) -> tuple[date, date]:
    """The period compared with. All questions lie in October and November, of 31 and 30 days."""
    compare, granularity = question["compare"], question["granularity"]
    if compare == "same_weekdays" or (compare == "previous_year" and granularity == "week"):
        return first - timedelta(days=364), last - timedelta(days=364)
    if compare == "previous_year":
        return first.replace(year=first.year - 1), last.replace(year=last.year - 1)
    if granularity == "month":
        months = last.month - first.month + 1
        return _months_back(first, months), _months_back(last, months)
    days = (last - first).days + 1
    if granularity == "week":
        noon = datetime(first.year, first.month, first.day, 12, tzinfo=UTC)
        begin = date.fromisoformat(_bucket(noon, "week", ZoneInfo("UTC"), week_start))
        days = ((last - begin).days // 7 + 1) * 7
    return first - timedelta(days=days), last - timedelta(days=days)


def _until(question: dict[str, str], now: datetime, first: date, last: date, week_start: str) -> datetime:
    """The moment at which the period compared with has come as far as the question's has now; far away when it is over."""
    today, granularity = now.date(), question["granularity"]
    if today > last:
        return datetime.max.replace(tzinfo=UTC)
    if today < first:
        return datetime.min.replace(tzinfo=UTC)
    noon = datetime(today.year, today.month, today.day, 12, tzinfo=UTC)
    begin = date.fromisoformat(_bucket(noon, granularity, ZoneInfo("UTC"), week_start)[:10])
    own = max(begin, first)
    if granularity == "month" and question["compare"] == "previous_period":
        then = _months_back(own, last.month - first.month + 1)
        end = _months_back(then.replace(day=1), -1)
    else:
        then = own - (first - _earlier(question, first, last, week_start)[0])
        end = _months_back(then.replace(day=1), -1) if granularity == "month" else then + timedelta(days=7)
    day = then + (today - own)
    if granularity == "month" and day >= end:
        return datetime(end.year, end.month, end.day, tzinfo=now.tzinfo).astimezone(UTC)
    return datetime(day.year, day.month, day.day, now.hour, now.minute, tzinfo=now.tzinfo, fold=now.fold).astimezone(UTC)


def _months_back(day: date, months: int) -> date:
    """The same day some months before; a last day of a month stays one."""
    if (day + timedelta(days=1)).day == 1:
        return _months_back(day.replace(day=1), months - 1) - timedelta(days=1)
    return day.replace(month=day.month - months)

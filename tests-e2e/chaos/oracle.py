"""The oracle: what was acknowledged, the facts in PostgreSQL and the rollups must say the same, to the cent."""

from __future__ import annotations

import json
import time
from collections import Counter
from datetime import timedelta
from typing import Any

from client import Client
from shop import FIRST_DAY, MINUTES, Book
from world import World, until

from tillwise.testing.naive_shop import NaiveShop
from tillwise_common.bus import names

PARTITIONS = 4
SETTLE_SECONDS = 120.0
METRICS = ("sales", "orders", "units", "customers", "new_customers")
# What Redis may hold once all is quiet: names, and how many entries at most.
KNOWN_KEYS = {
    "tw:events:": 2_000,
    "tw:dead:": 1_000,
    "tw:requests:": 100,
    "tw:replies:": 1_000,
    "tw:notices:": 12_000,
    "tw:alive:": 0,
    "tw:suspects:": 0,
    # The job queue's own.
    "tw:jobs:": 12_000,
}


class Violation(AssertionError):
    """A promise was broken."""


async def settled(world: World, books: list[Book], patience: float = SETTLE_SECONDS) -> float:
    """Wait until everything is ready and nothing is pending; how long that took, in seconds.

    Raises Violation that tells what is missing when something accepted stays pending for `patience` seconds.
    """
    began = time.monotonic()
    await until(world.ready, "every service is ready again", SETTLE_SECONDS)

    async def nothing_pending() -> bool:
        found = [await world.get("/api/v1/ingest/status", book.key) for book in books]
        return all(one is not None and one["pending"] == 0 for one in found)

    try:
        await until(nothing_pending, "everything accepted is stored", patience)
    except TimeoutError as error:
        raise Violation(f"{error}; {'; '.join([await _missing(world, book) for book in books])}") from None
    return time.monotonic() - began


async def _stored(world: World, book: Book) -> set[str]:
    return {row["event_id"] for row in await world.sql("select event_id from analytics.events where store_id = $1", book.store.id)}


async def _missing(world: World, book: Book) -> str:
    missing = book.acknowledged - await _stored(world, book)
    return f"{book.name}: {len(missing)} acknowledged events are not stored {sorted(missing)[:5]}"


async def check(world: World, books: list[Book], poisoned: int) -> list[str]:
    """All comparisons. Raises Violation; gives lines to print."""
    lines = [await _check_book(world, book) for book in books]
    return [*lines, await _check_letters(world, poisoned), await _check_redis(world)]


async def _check_book(world: World, book: Book) -> str:
    stored = await _stored(world, book)
    strangers = stored - set(book.sent)
    if strangers or not book.acknowledged <= stored:
        raise Violation(f"{await _missing(world, book)}, {len(strangers)} were never sent")
    naive = NaiveShop([book.sent[event_id] for event_id in stored], book.store.timezone)
    await _check_facts(world, book, stored)
    for basis in ("net", "gross"):
        for metric in METRICS:
            await _check_trend(world, book, naive, metric, basis)
    answer = json.loads(await world.tillwise("rebuild", "--store", book.name, "--check", "--json"))
    if answer["differences"]:
        raise Violation(f"{book.name}: rebuild --check differs: {answer['differences']}")
    told = f"{len(book.acknowledged)} events acknowledged and stored once"
    others = f"{len(stored - book.acknowledged)} stored of {len(book.sent) - len(book.acknowledged)} not acknowledged"
    return f"{book.name}: {told}, {others}; facts, rollups and rebuild agree"


async def _check_facts(world: World, book: Book, stored: set[str]) -> None:
    """The lines of the facts against those that were sent."""
    rows = await world.sql(
        "select e.event_id, l.sku, l.quantity, coalesce(l.unit_price, l.amount) as amount from analytics.events e"
        " join analytics.event_lines l using (store_id, event_id) where e.store_id = $1",
        book.store.id,
    )
    kept = Counter((row["event_id"], row["sku"], row["quantity"], row["amount"]) for row in rows)
    said: Counter[Any] = Counter()
    for event_id in stored:
        for line in book.sent[event_id]["data"].get("lines", []):
            said[event_id, line["sku"], line["quantity"], line.get("unit_price", line.get("amount"))] += 1
    if kept != said:
        raise Violation(f"{book.name}: the lines of the facts are not those that were sent: {(kept - said) or (said - kept)}")


async def _check_trend(world: World, book: Book, naive: NaiveShop, metric: str, basis: str) -> None:
    first, last = (FIRST_DAY - timedelta(days=2)).date(), (FIRST_DAY + timedelta(minutes=MINUTES, days=2)).date()
    answer = await world.get_soon(f"/api/v1/reports/trend?metric={metric}&basis={basis}&from={first}&to={last}", book.key)
    found = {row[0]: row[1] for row in answer["rows"] if row[1]}
    wanted = naive.trend(lambda day: day, metric, basis, None, lambda _: True)
    expected = {str(day): value for (day, _), value in wanted.items() if value}
    if found != expected:
        days = sorted(day for day in found.keys() | expected.keys() if found.get(day) != expected.get(day))
        differing = {day: (found.get(day), expected.get(day)) for day in days}
        raise Violation(f"{book.name}: {metric} ({basis}) differs from a recount of what is stored: {differing}")


async def _check_letters(world: World, poisoned: int) -> str:
    found = json.loads(await world.tillwise("dead", "list", "--limit", "1000", "--json"))
    # A crash between letter and acknowledgement leaves two letters of one entry, never none.
    entries = {(letter["partition"], letter["entry"]) for letter in found["dead_letters"]}
    if len(entries) != poisoned:
        raise Violation(
            f"{poisoned} poison messages, and dead letters of {len(entries)}: {[one['error'] for one in found['dead_letters']]}"
        )
    return f"dead letters: {poisoned} poison messages, {found['count']} letters"


async def _check_redis(world: World) -> str:
    """Nothing grows without a bound: every key is known, and none is longer than it may be."""
    sizes: dict[str, int] = {}
    async for key in world.redis.scan_iter(count=1000):
        name = key.decode()
        most = next((most for prefix, most in KNOWN_KEYS.items() if name.startswith(prefix)), None)
        if most is None:
            raise Violation(f"an unknown key in Redis: {name}")
        if (await world.redis.type(key)) == b"stream":
            sizes[name] = await world.redis.xlen(key)
            if sizes[name] > most:
                raise Violation(f"{name} holds {sizes[name]} entries, more than {most}")
    for partition in range(PARTITIONS):
        for consumer in await world.redis.xinfo_consumers(names.events(partition), "analytics"):
            if consumer["pending"]:
                raise Violation(f"{consumer['name'].decode()} still holds {consumer['pending']} entries of partition {partition}")
    return f"redis: {len(sizes)} streams with {sum(sizes.values())} entries, the longest {max(sizes.items(), key=lambda one: one[1])}"


def surprises(world: World) -> list[str]:
    """What the services logged as an error that nobody foresaw."""
    found: Counter[str] = Counter()
    for log in world.data.logs.glob("*.log"):
        for line in log.read_text(errors="replace").splitlines():
            if '"level":"error"' in line and '"event":"dead_letter"' not in line:
                event = json.loads(line)
                error = (event.get("error") or [{}])[0]
                found[f"{log.stem}: {event['event']} {error.get('exc_type', '')} {error.get('exc_value', '')}"[:300]] += 1
    return [f"surprise, {count} times, {what}" for what, count in found.items()]


def describe(client: Client) -> str:
    """What the client was answered."""
    answers = ", ".join(f"{count} x {name}" for name, count in client.answers.most_common())
    return f"answers: {answers}; slowest refusal {client.slowest_refusal * 1000:.0f} ms"

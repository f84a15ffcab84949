"""A report that nobody waits for any more ends in PostgreSQL too, and the connections are as good as new afterwards."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager

import asyncpg
import pytest

from tillwise_analytics.reports.answering import ReportAnswerer, turn_away
from tillwise_analytics.settling.settler import Settler
from tillwise_common.bus import envelope
from tillwise_common.bus.ask import Answerer, Asker, NoAnswer
from tillwise_common.bus.connection import RedisConnection
from tillwise_common.contracts import reports
from tillwise_common.contracts.reports import Answer, Refusal, RunReport
from tillwise_common.postgres.pool import Postgres
from tillwise_common.settings import Secret

from .conftest import BERLIN
from .shop_events import placed

QUESTION = reports.encode(RunReport(store=BERLIN, report="trend", params={"from": "2026-03-01", "to": "2026-03-31"}))


@asynccontextmanager
async def locked(url, table="rollup_days"):
    """Reports wait for as long as this lasts."""
    connection = await asyncpg.connect(url)
    async with connection.transaction():
        await connection.execute(f"lock table analytics.{table} in access exclusive mode")
        yield
    await connection.close()


async def waiting(platform):
    found = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    return (await platform.rows(found))[0][0]


async def until(condition, seconds=8.0):
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.02)


@pytest.fixture
async def asker(platform, redis_url):
    """Asks a real answerer with one connection to the database, over a real Redis."""
    redis, readers = RedisConnection(Secret(redis_url)), Postgres(Secret(platform.url), "reports", size=1)
    answerer = Answerer(redis, reports.TOPIC, "test", ReportAnswerer(readers, Settler(readers)).answer, at_once=2)
    asker = Asker(redis, "asker")
    await platform.take(placed("1", "2026-03-02T10:00:00Z"))
    for part in (readers, answerer, asker):
        await part.start()
    yield asker
    for part in (asker, answerer):
        await part.drain()
    for part in (asker, answerer, readers, redis):
        await part.close()


async def ask(asker, timeout=10.0, question=QUESTION):
    return reports.decode_reply(await asker.ask(reports.TOPIC, "run", question, timeout=timeout))


async def test_a_report_ends_before_its_deadline_with_a_refusal(platform, asker):
    async with locked(platform.url):
        began = time.monotonic()
        reply = await ask(asker, timeout=2.0)
        assert isinstance(reply, Refusal)
        assert (reply.status, reply.code) == (504, "report_too_slow")
        assert time.monotonic() - began < 2.0
        assert await waiting(platform) == 0
    assert isinstance(await ask(asker), Answer)


async def test_many_statements_together_end_before_the_deadline_too(platform, asker):
    question = reports.encode(RunReport(store=BERLIN, report="trend", params={"from": "2026-03-01", "to": "2026-03-31", "by": "product"}))

    async def half_the_time_is_over():
        found = "select now() - query_start > interval '1 second' from pg_stat_activity where wait_event_type = 'Lock'"
        return await platform.rows(found) == [(True,)]

    async def over():
        return await waiting(platform) == 0

    # Each statement alone would have had time enough.
    async with locked(platform.url, "products"):
        async with locked(platform.url):
            asking = asyncio.create_task(ask(asker, 2.0, question))
            await until(half_the_time_is_over)
        reply = await asking
        assert (reply.status, reply.code) == (504, "report_too_slow")
        await until(over)
    assert isinstance(await ask(asker), Answer)


async def test_the_settings_bound_a_statement_whatever_the_asker_waits(platform):
    async with locked(platform.url):
        readers = Postgres(Secret(platform.url), "reports", size=1, statement_timeout=0.3)
        await readers.start()
        question = envelope.new("run", "test", QUESTION, deadline=time.time() + 60)
        reply = reports.decode_reply(await ReportAnswerer(readers, Settler(readers), longest=0.3).answer(question))
        await readers.close()
    assert (reply.status, reply.code) == (504, "report_too_slow")


async def test_a_report_that_waited_in_vain_for_its_turn_says_so(platform, redis_url):
    redis, readers = RedisConnection(Secret(redis_url)), Postgres(Secret(platform.url), "reports", size=1)
    answerer = Answerer(redis, reports.TOPIC, "test", ReportAnswerer(readers, Settler(readers)).answer, at_once=1, turn_away=turn_away)
    asker = Asker(redis, "asker")
    for part in (readers, answerer, asker):
        await part.start()

    async def begun():
        return await waiting(platform) == 1

    async with locked(platform.url):
        first = asyncio.create_task(ask(asker, timeout=30))
        await until(begun)
        reply = await ask(asker, timeout=1.0)
        assert (reply.status, reply.code) == (504, "reports_busy")
    assert isinstance(await first, Answer)
    for part in (asker, answerer):
        await part.drain()
    for part in (asker, answerer, readers, redis):
        await part.close()


async def test_who_hangs_up_stops_the_query(platform, asker):
    async with locked(platform.url):
        asking = asyncio.create_task(ask(asker, timeout=30))

        async def begun():
            return await waiting(platform) == 1

        async def over():
            return await waiting(platform) == 0

        await until(begun)
        asking.cancel()
        await until(over)
    for _ in range(5):
        assert isinstance(await ask(asker), Answer)


async def test_a_question_called_off_before_anybody_took_it_is_not_begun(platform, redis_url):
    redis = RedisConnection(Secret(redis_url))
    asker, seen = Asker(redis, "asker"), []

    async def answer(question):
        seen.append(question.id)
        return b"done"

    await asker.start()
    asking = asyncio.create_task(asker.ask("topic", "kind", b"first", timeout=30))
    await until(lambda: _is(redis.commands.xlen("tw:requests:{topic}"), 1))
    asking.cancel()
    await until(lambda: _is(redis.commands.xlen("tw:requests:{topic}"), 0))
    answerer = Answerer(redis, "topic", "test", answer)
    await answerer.start()
    assert await asker.ask("topic", "kind", b"second") == b"done"
    assert len(seen) == 1
    await answerer.drain()
    for part in (asker, answerer, redis):
        await part.close()


async def test_an_expired_question_is_dropped(platform, redis_url):
    redis = RedisConnection(Secret(redis_url))
    asker, seen = Asker(redis, "asker"), []

    async def answer(question):
        seen.append(question.data)
        return b"done"

    await asker.start()
    with pytest.raises((NoAnswer, TimeoutError)):
        await asker.ask("topic", "kind", b"late", timeout=0.2)
    answerer = Answerer(redis, "topic", "test", answer)
    await answerer.start()
    assert await asker.ask("topic", "kind", b"in time") == b"done"
    assert seen == [b"in time"]
    await answerer.drain()
    for part in (asker, answerer, redis):
        await part.close()


async def _is(found, wanted):
    return await found == wanted

"""Consuming: acknowledged after handling, poison put aside, the dead relieved."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from tillwise_common.bus import caretaker, envelope, groups
from tillwise_common.bus.connection import RedisConnection
from tillwise_common.bus.consume import Poison, StreamConsumer, Transient
from tillwise_common.bus.groups import trim
from tillwise_common.settings import Secret

STREAM, DEAD, GROUP = "tw:events:{0}", "tw:dead:{0}", "g"


@pytest.fixture
async def bus(redis_url):
    connection = RedisConnection(Secret(redis_url))
    yield connection
    await connection.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(caretaker, "HEARTBEAT_SECONDS", 1)
    monkeypatch.setattr(caretaker, "TAKEOVER_EVERY_SECONDS", 0.1)


async def publish(bus, *texts):
    for text in texts:
        await bus.commands.xadd(STREAM, envelope.new("t", "test", text.encode()).fields())


@asynccontextmanager
async def consuming(bus, handler, name="c1", **options):
    consumer = StreamConsumer(bus, STREAM, GROUP, name, handler, dead_letters=DEAD, block_ms=100, **options)
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.drain()
        await consumer.close()


async def until(condition, seconds=8.0):
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.02)


async def pending(bus):
    return (await bus.commands.xpending(STREAM, GROUP))["pending"]


def texts(entries):
    return [entry.envelope.data.decode() for entry in entries]


async def test_entries_are_acknowledged_only_after_the_handler_returned(bus):
    await publish(bus, "a", "b")
    seen, may_end = [], asyncio.Event()

    async def handler(entries):
        seen.extend(texts(entries))
        await may_end.wait()

    async with consuming(bus, handler):
        await until(lambda: _is(lambda: seen == ["a", "b"]))
        assert await pending(bus) == 2
        may_end.set()
        await until(lambda: _none_pending(bus))


async def _is(condition):
    return condition()


async def _none_pending(bus):
    return await pending(bus) == 0


async def test_poison_goes_to_the_dead_letters_and_the_others_are_handled(bus):
    await publish(bus, "a", "bad", "c", "d")
    seen = []

    async def handler(entries):
        if "bad" in texts(entries):
            raise ValueError("cannot read this")
        seen.extend(texts(entries))

    async with consuming(bus, handler, max_deliveries=2):
        await until(lambda: _length(bus, DEAD, 1))
        await until(lambda: _none_pending(bus))
    ((_, letter),) = await bus.commands.xrange(DEAD)
    assert sorted(seen) == ["a", "c", "d"]
    assert (letter[b"data"], letter[b"dead_error"], letter[b"dead_tries"]) == (b"bad", b"ValueError: cannot read this", b"2")


async def _length(bus, stream, length):
    return await bus.commands.xlen(stream) == length


async def test_declared_poison_and_foreign_entries_are_put_aside_at_once(bus):
    await publish(bus, "bad")
    await bus.commands.xadd(STREAM, {"who": "knows"})
    tries = []

    async def handler(entries):
        tries.append(1)
        raise Poison("never")

    async with consuming(bus, handler, max_deliveries=9):
        await until(lambda: _length(bus, DEAD, 2))
    assert len(tries) == 1


async def test_what_fails_for_a_while_is_tried_until_it_works(bus):
    await publish(bus, "a")
    tries = []

    async def handler(entries):
        tries.append(texts(entries))
        if len(tries) < 4:
            raise Transient("database away")

    async with consuming(bus, handler, max_deliveries=1):
        await until(lambda: _is(lambda: len(tries) == 4))
        await until(lambda: _none_pending(bus))
    assert await bus.commands.xlen(DEAD) == 0


async def test_a_dead_consumers_entries_are_taken_over(bus):
    await groups.ensure_group(bus.commands, STREAM, GROUP)
    await publish(bus, "held")
    # Read by somebody who never shows a sign of life again.
    await bus.commands.xreadgroup(GROUP, "dead", {STREAM: ">"})
    seen = []

    async def handler(entries):
        seen.extend(texts(entries))

    async with consuming(bus, handler, "alive"):
        await until(lambda: _is(lambda: seen == ["held"]))
        await until(lambda: _none_pending(bus))


async def test_a_slow_but_living_consumer_keeps_its_entries(bus):
    await publish(bus, "slow")
    may_end, first, second = asyncio.Event(), [], []

    async def slow(entries):
        first.extend(texts(entries))
        await may_end.wait()

    async def other(entries):
        second.extend(texts(entries))

    async with consuming(bus, slow, "c1"):
        await until(lambda: _is(lambda: first == ["slow"]))
        # It takes one batch ahead, and no more.
        await publish(bus, "ahead")
        await until(lambda: _is(lambda: first == ["slow", "ahead"]))
        async with consuming(bus, other, "c2"):
            await publish(bus, "news")
            await until(lambda: _is(lambda: second == ["news"]))
            await asyncio.sleep(1.5)
            assert (first, second) == (["slow", "ahead"], ["news"])
        may_end.set()


async def test_a_server_that_lost_its_data_gets_its_group_again(bus):
    seen = []

    async def handler(entries):
        seen.extend(texts(entries))

    async with consuming(bus, handler):
        await publish(bus, "a")
        await until(lambda: _is(lambda: seen == ["a"]))
        await bus.commands.flushall()
        await publish(bus, "b")
        await until(lambda: _is(lambda: seen == ["a", "b"]))


async def test_draining_finishes_the_batch_in_hand(bus):
    await publish(bus, "a")
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def handler(entries):
        begun.set()
        await may_end.wait()

    async with consuming(bus, handler) as consumer:
        await begun.wait()
        draining = asyncio.create_task(consumer.drain())
        await asyncio.sleep(0)
        assert not draining.done()
        may_end.set()
        await draining
        assert await pending(bus) == 0


async def test_trimming_spares_what_any_group_still_needs(bus):
    await groups.ensure_group(bus.commands, STREAM, "fast")
    await groups.ensure_group(bus.commands, STREAM, "slow")
    for _ in range(300):
        await publish(bus, "x")
    await bus.commands.xreadgroup("fast", "f", {STREAM: ">"}, count=300, noack=True)
    ((_, read),) = await bus.commands.xreadgroup("slow", "s", {STREAM: ">"}, count=250)
    await bus.commands.xack(STREAM, "slow", *[entry for entry, _ in read[:200]])
    await trim(bus.commands, STREAM)
    left = [entry for entry, _ in await bus.commands.xrange(STREAM)]
    assert read[200][0] in left
    assert len(left) < 300


async def test_the_name_of_a_dead_consumer_is_forgotten_once_it_holds_nothing(bus, monkeypatch):
    monkeypatch.setattr(caretaker, "FORGET_CONSUMERS_AFTER_MS", 300)
    await groups.ensure_group(bus.commands, STREAM, GROUP)
    await publish(bus, "held")
    await bus.commands.xreadgroup(GROUP, "dead", {STREAM: ">"})
    await bus.commands.xgroup_createconsumer(STREAM, GROUP, "never worked")
    seen = []

    async def handler(entries):
        seen.extend(texts(entries))

    async def alone():
        names = [one["name"] for one in await bus.commands.xinfo_consumers(STREAM, GROUP)]
        return names == [b"alive"]

    async with consuming(bus, handler, "alive"):
        await until(alone)
    assert seen == ["held"]


async def test_what_was_given_to_a_broken_connection_is_found_again(bus):
    await groups.ensure_group(bus.commands, STREAM, GROUP)
    seen = []

    async def handler(entries):
        seen.extend(texts(entries))

    async with consuming(bus, handler, "c1"):
        await publish(bus, "first")
        await until(lambda: _is(lambda: seen == ["first"]))
        # The server answers a read of this consumer's on a connection that nobody listens to any more.
        pipeline = bus.commands.pipeline(transaction=True)
        pipeline.xadd(STREAM, envelope.new("t", "test", b"lost").fields())
        pipeline.xreadgroup(GROUP, "c1", {STREAM: ">"})
        await pipeline.execute()
        assert await pending(bus) == 1
        await until(lambda: _is(lambda: seen == ["first", "lost"]))
        await until(lambda: _none_pending(bus))

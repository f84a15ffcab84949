"""Publishing packs what arrives together; asking ends with an answer or at a deadline."""

from __future__ import annotations

import asyncio
import time

import pytest

from tillwise_common import request_id
from tillwise_common.bus import envelope, names
from tillwise_common.bus.ask import Answerer, Asker, NoAnswer, TooLate
from tillwise_common.bus.connection import RedisConnection
from tillwise_common.bus.publish import NotAccepted, PackingPublisher
from tillwise_common.settings import Secret


@pytest.fixture
async def bus(redis_url):
    connection = RedisConnection(Secret(redis_url))
    yield connection
    await connection.close()


def pack(key, items):
    return f"s:{key}", envelope.new("t", "test", b",".join(items))


async def test_items_that_arrive_together_travel_as_one_message_per_key(bus):
    publisher = PackingPublisher(bus.commands, pack)
    await publisher.start()
    await asyncio.gather(*(publisher.publish(key, item, 1) for key, item in (("a", b"1"), ("b", b"2"), ("a", b"3"))))
    await publisher.close()
    assert [fields[b"data"] for _, fields in await bus.commands.xrange("s:a")] == [b"1,3"]
    assert [fields[b"data"] for _, fields in await bus.commands.xrange("s:b")] == [b"2"]


async def test_a_flight_is_bounded_in_bytes(bus):
    publisher = PackingPublisher(bus.commands, pack, most_bytes=10)
    await publisher.start()
    await asyncio.gather(*(publisher.publish("a", b"x", 6) for _ in range(3)))
    await publisher.close()
    assert await bus.commands.xlen("s:a") == 3


async def test_everybody_waiting_is_told_when_the_server_is_away():
    connection = RedisConnection(Secret("unix:///nowhere.sock"))
    publisher = PackingPublisher(connection.commands, pack)
    await publisher.start()
    results = await asyncio.gather(*(publisher.publish("a", b"x", 1) for _ in range(3)), return_exceptions=True)
    await publisher.close()
    assert [type(result) for result in results] == [NotAccepted] * 3


async def test_one_keys_refusal_does_not_touch_the_others(bus):
    await bus.commands.set("s:bad", "not a stream")
    publisher = PackingPublisher(bus.commands, pack)
    await publisher.start()
    good, bad = await asyncio.gather(publisher.publish("good", b"1", 1), publisher.publish("bad", b"2", 1), return_exceptions=True)
    await publisher.close()
    assert good is None
    assert isinstance(bad, NotAccepted)


async def test_a_client_that_gives_up_does_not_lose_the_message(bus):
    publisher = PackingPublisher(bus.commands, pack)
    await publisher.start()
    publisher.publish("a", b"1", 1).cancel()
    await publisher.publish("a", b"2", 1)
    await publisher.drain()
    await publisher.close()
    data = b",".join([fields[b"data"] for _, fields in await bus.commands.xrange("s:a")])
    assert data == b"1,2"


class Gate:
    """A server whose answers wait until it is opened, to look at what is on its way."""

    def __init__(self, redis):
        self._redis = redis
        self.open = asyncio.Event()
        self.on_the_way = []

    async def xadd(self, stream, fields):
        self.on_the_way.append(fields["data"])
        await self.open.wait()
        return await self._redis.xadd(stream, fields)


async def test_a_second_flight_leaves_when_it_is_as_full_as_the_first_and_a_third_waits(bus):
    gate = Gate(bus.commands)
    publisher = PackingPublisher(gate, pack)
    await publisher.start()
    first = [publisher.publish("a", item, 1) for item in (b"1", b"2")]
    await settled()
    assert gate.on_the_way == [b"1,2"]
    second = [publisher.publish("a", b"3", 1)]
    await settled()
    assert gate.on_the_way == [b"1,2"]
    second.append(publisher.publish("a", b"4", 1))
    await settled()
    assert gate.on_the_way == [b"1,2", b"3,4"]
    third = [publisher.publish("a", b"%d" % number, 1) for number in range(5, 10)]
    await settled()
    assert len(gate.on_the_way) == 2
    assert not any(done.done() for done in first + second + third)
    gate.open.set()
    await asyncio.gather(*first, *second, *third)
    assert gate.on_the_way[2:] == [b"5,6,7,8,9"]
    await publisher.drain()
    await publisher.close()


async def test_closing_tells_everybody_who_is_still_waiting(bus):
    publisher = PackingPublisher(Gate(bus.commands), pack)
    await publisher.start()
    items = [publisher.publish("a", b"1", 1)]
    await settled()
    items += [publisher.publish("a", b"%d" % number, 1) for number in range(3)]
    await settled()
    items.append(publisher.publish("a", b"9", 1))
    await publisher.close()
    results = await asyncio.gather(*items, return_exceptions=True)
    assert [type(result) for result in results] == [NotAccepted] * 5


async def settled():
    """Whatever can happen without an answer of the server has happened."""
    for _ in range(10):
        await asyncio.sleep(0)


class Conversation:
    """An asker and an answerer on one server."""

    def __init__(self, bus, answer, **options):
        self.asker = Asker(bus, "asker-1")
        self.answerer = Answerer(bus, "topic", "answerer-1", answer, **options)

    async def __aenter__(self):
        await self.answerer.start()
        await self.asker.start()
        return self.asker

    async def __aexit__(self, *_):
        await self.answerer.drain()
        await self.answerer.close()
        await self.asker.close()


async def test_a_question_is_answered_with_its_request_id_along(bus):
    request_id.current.set("r-1")

    async def answer(question):
        return question.data.upper() + b" " + request_id.current.get().encode()

    async with Conversation(bus, answer) as asker:
        replies = await asyncio.gather(*(asker.ask("topic", "t", b"q%d" % n, timeout=5) for n in range(20)))
    assert sorted(replies) == sorted(b"Q%d r-1" % n for n in range(20))
    assert await bus.commands.exists(names.replies("asker-1")) == 0


async def test_a_question_nobody_waits_for_is_dropped(bus):
    asked = []

    async def answer(question):
        asked.append(question.data)
        return b""

    old = envelope.new("t", "x", b"old", subject=names.replies("gone"), deadline=time.time() - 1)
    await bus.commands.xadd(names.requests("topic"), old.fields())
    async with Conversation(bus, answer) as asker:
        await asker.ask("topic", "t", b"new", timeout=5)
    assert asked == [b"new"]


async def test_an_answer_that_takes_too_long_is_given_up_on_both_sides(bus):
    given_up = asyncio.Event()

    async def answer(question):
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()

    async with Conversation(bus, answer) as asker:
        with pytest.raises(NoAnswer):
            await asker.ask("topic", "t", b"q", timeout=0.2)
        await asyncio.wait_for(given_up.wait(), 2)


async def test_only_so_many_questions_are_worked_on_at_once(bus):
    now, most = 0, 0

    async def answer(question):
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        return b""

    async with Conversation(bus, answer, at_once=2) as asker:
        await asyncio.gather(*(asker.ask("topic", "t", b"q", timeout=5) for _ in range(8)))
    assert most == 2


async def test_who_is_at_work_too_long_is_told_from_nobody_there(bus):
    async def answer(question):
        await asyncio.Event().wait()

    async with Conversation(bus, answer) as asker:
        with pytest.raises(TooLate) as slow:
            await asker.ask("topic", "t", b"q", timeout=0.3)
        assert slow.value.begun
        with pytest.raises(NoAnswer) as nobody:
            await asker.ask("another", "t", b"q", timeout=0.3)
    assert not isinstance(nobody.value, TooLate)


async def test_who_has_no_time_to_take_a_question_is_told_from_nobody_there(bus):
    begun = asyncio.Event()

    async def answer(question):
        begun.set()
        await asyncio.Event().wait()

    async with Conversation(bus, answer, at_once=1) as asker:
        first = asyncio.create_task(asker.ask("topic", "t", b"1", timeout=1))
        await begun.wait()
        with pytest.raises(TooLate) as busy:
            await asker.ask("topic", "t", b"2", timeout=0.8)
        assert not busy.value.begun
        with pytest.raises(TooLate):
            await first
    # Whoever was there has left in order.
    await asker.start()
    with pytest.raises(NoAnswer) as nobody:
        await asker.ask("topic", "t", b"3", timeout=0.3)
    await asker.close()
    assert not isinstance(nobody.value, TooLate)


async def test_a_question_whose_turn_does_not_come_in_time_is_told_so(bus):
    begun, let_go = asyncio.Event(), asyncio.Event()

    async def answer(question):
        begun.set()
        await let_go.wait()
        return b"answered"

    async with Conversation(bus, answer, at_once=1, turn_away=lambda question: b"busy") as asker:
        first = asyncio.create_task(asker.ask("topic", "t", b"1", timeout=30))
        await begun.wait()
        assert await asker.ask("topic", "t", b"2", timeout=0.6) == b"busy"
        # Who has time is left in the queue.
        third = asyncio.create_task(asker.ask("topic", "t", b"3", timeout=30))
        assert await asker.ask("topic", "t", b"4", timeout=0.6) == b"busy"
        let_go.set()
        assert [await first, await third] == [b"answered"] * 2
    assert await bus.commands.xlen(names.requests("topic")) == 0


async def test_asking_without_a_server_fails_at_once():
    asker = Asker(RedisConnection(Secret("unix:///nowhere.sock")), "x")
    with pytest.raises(NoAnswer):
        await asker.ask("topic", "t", b"q", timeout=5)


async def test_an_answerer_that_ends_before_anybody_asked_ends_quietly(bus):
    answerer = Answerer(bus, "nobody-asks-this", "answerer-1", None)
    await answerer.close()

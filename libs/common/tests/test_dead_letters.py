"""Dead letters: found, shown short, sent again once, discarded; and the entry that kills its consumer becomes one."""

from __future__ import annotations

import asyncio

import pytest

from tillwise_common.bus import envelope, groups, names
from tillwise_common.bus.connection import RedisConnection
from tillwise_common.bus.consume import Poison, StreamConsumer
from tillwise_common.bus.dead_letters import DeadLetters, NoSuchLetter, write
from tillwise_common.settings import Secret

STREAM, DEAD, GROUP = names.events(0), names.dead_letters(0), "g"


@pytest.fixture
async def bus(redis_url):
    connection = RedisConnection(Secret(redis_url))
    yield connection
    await connection.close()


async def bury(bus, text, at_partition=0):
    message = envelope.new("t", "test", text.encode(), subject="shop")
    letters, stream = names.dead_letters(at_partition), names.events(at_partition)
    await write(bus.commands, letters, stream, b"1-1", message.fields(), ValueError("broken"), 3)


async def test_a_letter_says_why_and_keeps_the_message(bus):
    await bury(bus, "x" * 5000)
    letters = DeadLetters(bus.commands, 2)
    (letter,) = await letters.latest(10)
    assert (letter.error, letter.tries, letter.partition, letter.entry) == ("ValueError: broken", 3, 0, "1-1")
    # The list is short; the letter itself is whole.
    assert letter.message.data == b""
    assert letter.size > 5000
    assert (await letters.find(letter.id)).message.data == b"x" * 5000
    assert await letters.count() == 1


async def test_a_replayed_letter_is_on_its_stream_once_as_it_was(bus):
    await bury(bus, "a", at_partition=1)
    letters = DeadLetters(bus.commands, 2)
    (letter,) = await letters.latest(10)
    done = await asyncio.gather(*(letters.replay(letter.id) for _ in range(5)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["NoSuchLetter"] * 4 + ["NoneType"]
    ((_, fields),) = await bus.commands.xrange(names.events(1))
    assert envelope.parse(fields).data == b"a"
    assert not [name for name in fields if name.startswith(b"dead_")]
    assert await letters.count() == 0


async def test_all_ids_are_found_page_by_page(bus):
    for number in range(230):
        await bury(bus, str(number), at_partition=number % 2)
    letters = DeadLetters(bus.commands, 2)
    assert len({letter_id async for letter_id in letters.ids()}) == 230


@pytest.mark.parametrize("letter_id", ["", "0", "0:1", "0:1-1", "9:1-1", "0:-", "0:+-1", "x:1-1", "0:1-1 MATCH", "0:٣-1"])
async def test_what_is_no_id_finds_nothing(bus, letter_id):
    letters = DeadLetters(bus.commands, 2)
    for act in (letters.find, letters.replay, letters.discard):
        with pytest.raises(NoSuchLetter):
            await act(letter_id)


async def test_only_the_bad_part_of_a_message_becomes_a_letter(bus):
    await bus.commands.xadd(STREAM, envelope.new("t", "test", b"a,b,bad,c,d").fields())
    stored = set()

    async def handler(entries):
        parts = [part for entry in entries for part in entry.envelope.data.decode().split(",")]
        if "bad" in parts:
            raise Poison("bad")
        stored.update(parts)

    def split(message):
        return [envelope.new("t", "test", part) for part in message.data.split(b",")]

    consumer = StreamConsumer(bus, STREAM, GROUP, "c", handler, dead_letters=DEAD, split=split, block_ms=50)
    await consumer.start()
    letters = DeadLetters(bus.commands, 1)
    async with asyncio.timeout(5):
        while not (found := await letters.latest(9)):
            await asyncio.sleep(0.01)
    await consumer.drain()
    await consumer.close()
    assert stored == {"a", "b", "c", "d"}
    assert [(await letters.find(letter.id)).message.data for letter in found] == [b"bad"]
    assert (await bus.commands.xpending(STREAM, GROUP))["pending"] == 0


class Process:
    """A consumer that dies when it handles `deadly`, as a process does: nothing is acknowledged, nothing is caught."""

    def __init__(self, bus, handled):
        self.died = asyncio.Event()

        async def handler(entries):
            texts = [entry.envelope.data.decode() for entry in entries]
            if "deadly" in texts:
                self.died.set()
                await asyncio.Event().wait()
            handled.extend(texts)

        self._consumer = StreamConsumer(bus, STREAM, GROUP, "c", handler, dead_letters=DEAD, block_ms=50, max_deliveries=3)

    async def live(self, until):
        await self._consumer.start()
        died, done = asyncio.create_task(self.died.wait()), asyncio.create_task(until())
        await asyncio.wait({died, done}, return_when=asyncio.FIRST_COMPLETED, timeout=5)
        done.cancel()
        await self._consumer.close()
        return self.died.is_set()


async def test_an_entry_that_kills_its_process_is_given_up_and_the_others_are_not(bus):
    await groups.ensure_group(bus.commands, STREAM, GROUP)
    for text in ("a", "b", "deadly", "c", "d"):
        await bus.commands.xadd(STREAM, envelope.new("t", "test", text.encode()).fields())
    handled, deaths = [], 0

    async def nothing_left():
        while (await bus.commands.xpending(STREAM, GROUP))["pending"] or len(set(handled)) < 4:
            await asyncio.sleep(0.02)

    while await Process(bus, handled).live(nothing_left):
        deaths += 1
        assert deaths < 10
    assert sorted(handled) == ["a", "b", "c", "d"]
    # With the first delivery, with the batch read again, and twice alone.
    assert deaths == 4
    (letter,) = await DeadLetters(bus.commands, 1).latest(9)
    assert "3 processes that died over it" in letter.error
    assert await bus.commands.hlen(names.suspects(STREAM)) == 0

"""Consume streams in batches: read, handle, acknowledge; put poison aside.

One reader a stream. An entry is acknowledged after its handler returned, never before, so handlers must make
repeats harmless. The next batch is read and begun while the handler is busy with the last, so the order of batches
must not matter to it either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.exceptions import ResponseError

from tillwise_common import logs, tasks
from tillwise_common.bus import dead_letters
from tillwise_common.bus.caretaker import Caretaker
from tillwise_common.bus.connection import RedisConnection, RedisError, Unreachable
from tillwise_common.bus.envelope import MalformedEnvelope, parse
from tillwise_common.bus.groups import ensure_group
from tillwise_common.bus.message import Entry, Handler, Poison, Split, Transient
from tillwise_common.bus.suspects import Suspects

__all__ = ["Entry", "Handler", "Poison", "Split", "StreamConsumer", "Transient"]
log = logs.get("bus")

MOST_ENTRIES = 512
MOST_BYTES = 4_000_000
BATCHES_IN_HAND = 2
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0


class StreamConsumer:
    """Feeds the entries of one stream to `handler`, at most two batches at a time."""

    def __init__(
        self,
        connection: RedisConnection,
        stream: str,
        group: str,
        consumer: str,
        handler: Handler,
        *,
        dead_letters: str,
        split: Split | None = None,
        batch: int = 16,
        max_deliveries: int = 5,
        block_ms: int = 500,
    ) -> None:
        self.stream, self.group, self.consumer = stream, group, consumer
        self._redis = connection.commands
        self._blocking = connection.blocking
        self._handler = handler
        self._split = split
        self._dead_letters = dead_letters
        self._batch = batch
        self._max_deliveries = max_deliveries
        self._block_ms = block_ms
        self._failures: dict[bytes, int] = {}
        self._stopping = False
        self._consuming: asyncio.Task[None] | None = None
        self._in_hand: set[asyncio.Task[None]] = set()
        self._held: set[bytes] = set()
        self._caretaker = Caretaker(self._redis, stream, group, consumer, self._held, self._inherit)
        self._suspects = Suspects(self._redis, stream, max_deliveries)
        # What this consumer was given and did not acknowledge (a lost reply, a failure): read again before news.
        self._look_back = True
        # Some of it may come from a process that died over it.
        self._inherited = True
        self._pause = 0.0

    async def start(self) -> None:
        self._consuming = tasks.keep(self._consume, f"consume {self.stream}")
        self._caretaker.start()

    async def drain(self) -> None:
        """Stop reading; the batches in hand are finished and acknowledged."""
        self._stopping = True
        self._caretaker.stop_helping()
        if self._consuming is not None:
            await asyncio.wait([self._consuming])

    async def close(self) -> None:
        await tasks.end(self._consuming)
        for task in list(self._in_hand):
            await tasks.end(task)
        await self._caretaker.close()

    async def _consume(self) -> None:
        self._look_again()
        while not self._stopping:
            try:
                if entries := await self._next():
                    await self._take_in_hand(entries)
            except ResponseError as error:
                self._look_again()
                await self._mend_group(error)
            except (RedisError, *Unreachable) as error:
                self._interrupted(error)
        await self._settled()

    async def _next(self) -> list[Entry]:
        if not self._look_back:
            return await self._parse(await self._read_new())
        # What is in hand would be read again.
        await self._settled()
        await asyncio.sleep(self._pause)
        return await self._read_again()

    async def _read_again(self) -> list[Entry]:
        """What this consumer holds and has not acknowledged."""
        # Set before, since more may be inherited while we ask.
        inherited, self._look_back, self._inherited = self._inherited, False, False
        found = await self._redis.xreadgroup(self.group, self.consumer, {self.stream: "0"}, count=self._batch)
        if not found or not found[0][1]:
            return []
        self._look_back = True
        self._inherited |= inherited
        entries = await self._parse(found[0][1])
        return await self._under_watch(entries) if entries and self._inherited else entries

    async def _under_watch(self, entries: list[Entry]) -> list[Entry]:
        entries, given_up = await self._suspects.begin(entries)
        for entry in given_up:
            error = Poison(f"in the hands of {self._max_deliveries} processes that died over it")
            await self._put_aside(entry.id, entry.envelope.fields(), error, self._max_deliveries)
            await self._ack([entry.id])
            await self._suspects.forget([entry.id])
        return entries

    async def _read_new(self) -> Any:
        # Never called off: the server would go on giving entries to a connection that nobody reads. So it is short instead.
        found = await self._blocking.xreadgroup(self.group, self.consumer, {self.stream: ">"}, count=self._batch, block=self._block_ms)
        return found[0][1] if found else []

    async def _parse(self, raw: list[tuple[bytes, dict[bytes, bytes] | None]]) -> list[Entry]:
        entries = []
        for entry_id, fields in raw:
            if not fields:
                # Trimmed while we held it: it cannot be read any more, and that is an alarm.
                log.error("entry_lost", stream=self.stream, entry=entry_id.decode())
                await self._ack([entry_id])
                continue
            try:
                entries.append(Entry(entry_id, parse(fields)))
            except MalformedEnvelope as error:
                await self._put_aside(entry_id, fields, error, 1)
                await self._ack([entry_id])
        return entries

    async def _take_in_hand(self, entries: list[Entry]) -> None:
        self._adapt(entries)
        self._held.update(entry.id for entry in entries)
        task = asyncio.create_task(self._work(entries), name=f"handle {self.stream}")
        self._in_hand.add(task)
        task.add_done_callback(self._in_hand.discard)
        while len(self._in_hand) >= BATCHES_IN_HAND:
            await asyncio.wait(self._in_hand, return_when=asyncio.FIRST_COMPLETED)

    async def _settled(self) -> None:
        while self._in_hand:
            await asyncio.wait(self._in_hand)

    def _adapt(self, entries: Sequence[Entry]) -> None:
        """Read more entries at a time while they are small, fewer when they are big: memory stays bounded."""
        size = sum(len(entry.envelope.data) for entry in entries)
        if size > MOST_BYTES and self._batch > 1:
            self._batch = max(1, self._batch // 2)
        elif len(entries) == self._batch and size < MOST_BYTES // 4 and self._batch < MOST_ENTRIES:
            self._batch *= 2

    async def _work(self, entries: list[Entry]) -> None:
        try:
            await self._handle(entries)
            self._pause = 0.0
        except (Transient, RedisError, *Unreachable) as error:
            self._interrupted(error)
            await self._clear_suspicion(entries)
        except Exception:
            # Nobody foresaw this; the entries are still ours.
            log.exception("consume_failed", stream=self.stream)
            self._pause = LONGEST_PAUSE
            self._look_again()
        finally:
            self._held.difference_update(entry.id for entry in entries)

    async def _clear_suspicion(self, entries: Sequence[Entry]) -> None:
        try:
            await self._suspects.clear([entry.id for entry in entries])
        except (RedisError, *Unreachable):
            # The notes stay and count once too often: at worst an entry is handled alone.
            pass

    async def _handle(self, entries: Sequence[Entry]) -> None:
        """Handle a batch; when it fails, halve it until what fails stands alone."""
        try:
            await self._handler(entries)
        except Transient:
            raise
        except Exception as error:
            if len(entries) > 1:
                middle = len(entries) // 2
                await self._handle(entries[:middle])
                await self._handle(entries[middle:])
            else:
                await self._failed(entries[0], error)
            return
        for entry in entries:
            self._failures.pop(entry.id, None)
        await self._ack([entry.id for entry in entries])

    async def _failed(self, entry: Entry, error: Exception) -> None:
        tries = self._failures.get(entry.id, 0) + 1
        if isinstance(error, Poison) or tries >= self._max_deliveries:
            self._failures.pop(entry.id, None)
            await self._sort_out(entry, error, tries)
            return
        self._failures[entry.id] = tries
        log.warning("entry_failed", stream=self.stream, entry=entry.id.decode(), tries=tries, exc_info=error)
        await self._suspects.clear([entry.id])
        # The others go on: it waits its turn among what is looked back for.
        await asyncio.sleep(min(0.05 * 2**tries, 1.0))
        self._look_again()

    async def _sort_out(self, entry: Entry, error: Exception, tries: int) -> None:
        """Handle what is good in a bad entry, put the rest aside, acknowledge."""
        parts = self._split(entry.envelope) if self._split is not None else []
        if len(parts) > 1:
            await self._bisect([Entry(entry.id, part) for part in parts], tries)
        else:
            await self._put_aside(entry.id, entry.envelope.fields(), error, tries)
        await self._ack([entry.id])

    async def _bisect(self, parts: Sequence[Entry], tries: int) -> None:
        middle = len(parts) // 2
        for half in (parts[:middle], parts[middle:]):
            try:
                await self._handler(half)
            except Transient:
                raise
            except Exception as error:
                if len(half) > 1:
                    await self._bisect(half, tries)
                else:
                    await self._put_aside(half[0].id, half[0].envelope.fields(), error, tries)

    async def _put_aside(self, entry_id: bytes, fields: Any, error: Exception, tries: int) -> None:
        """Write the dead letter first, acknowledge then: a crash in between leaves two letters, never none."""
        await dead_letters.write(self._redis, self._dead_letters, self.stream, entry_id, fields, error, tries)
        log.error("dead_letter", stream=self.stream, entry=entry_id.decode(), error_kind=type(error).__name__, tries=tries)

    async def _ack(self, ids: list[bytes]) -> None:
        await self._redis.xack(self.stream, self.group, *ids)
        await self._suspects.clear(ids)

    def _interrupted(self, error: Exception) -> None:
        self._pause = min(max(self._pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
        log.warning("consume_interrupted", stream=self.stream, reason=type(error).__name__, retry_in=self._pause)
        self._look_again()

    def _inherit(self) -> None:
        self._inherited = True
        self._look_again()

    def _look_again(self) -> None:
        self._look_back = True

    async def _mend_group(self, error: ResponseError) -> None:
        if not str(error).startswith("NOGROUP"):
            log.error("stream_refused", stream=self.stream, reason=str(error)[:200])
            await asyncio.sleep(1.0)
            return
        await ensure_group(self._redis, self.stream, self.group)

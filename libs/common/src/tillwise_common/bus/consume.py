"""Consume streams in batches: read, handle, acknowledge; take over from the dead; put poison aside.

One task a stream. An entry is acknowledged after its handler returned, never before, so handlers must make
repeats harmless. A consumer's life shows in a heartbeat key: what a consumer without one holds is taken over at
once, however long the entries have been in work.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from redis.exceptions import ResponseError

from tillwise_common import logs, tasks
from tillwise_common.bus import names
from tillwise_common.bus.connection import RedisConnection, RedisError, Unreachable
from tillwise_common.bus.envelope import Envelope, MalformedEnvelope, parse

log = logs.get("bus")

HEARTBEAT_SECONDS = 5
TAKEOVER_EVERY_SECONDS = 2.0
FORGET_CONSUMERS_AFTER_MS = 60_000
DEAD_LETTERS_KEPT = 100_000
MOST_ENTRIES = 512
MOST_BYTES = 8_000_000
# Deleting a consumer deletes what it holds, so look and delete in one step.
_FORGET_CONSUMER = """
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2])
if #pending == 0 then return redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2]) end
return -1
"""


class Entry(msgspec.Struct, frozen=True):
    """A message as it lies on a stream."""

    id: bytes
    envelope: Envelope


Handler = Callable[[Sequence[Entry]], Awaitable[None]]


class Poison(Exception):
    """Raised by a handler for an entry that can never be handled: it is put aside at once."""


class Transient(Exception):
    """Raised by a handler when what it needs is away: the same entries are tried again, as often as it takes."""


class StreamConsumer:
    """Feeds the entries of one stream to `handler`, exactly one batch at a time."""

    def __init__(
        self,
        connection: RedisConnection,
        stream: str,
        group: str,
        consumer: str,
        handler: Handler,
        *,
        dead_letters: str,
        batch: int = 16,
        max_deliveries: int = 5,
        block_ms: int = 5000,
    ) -> None:
        self.stream, self.group, self.consumer = stream, group, consumer
        self._redis = connection.commands
        self._blocking = connection.blocking
        self._handler = handler
        self._dead_letters = dead_letters
        self._batch = batch
        self._max_deliveries = max_deliveries
        self._block_ms = block_ms
        self._failures: dict[bytes, int] = {}
        self._stopping = False
        self._reading: asyncio.Task[Any] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        # What this consumer was given and did not acknowledge (a lost reply, a failure): read again before news.
        self._look_back = True

    async def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._consume(), name=f"consume {self.stream}"),
            asyncio.create_task(self._look_after(), name=f"look after {self.stream}"),
        ]

    async def drain(self) -> None:
        """Stop reading; the batch in hand is finished and acknowledged."""
        self._stopping = True
        await tasks.end(self._reading)
        if self._tasks:
            await asyncio.wait([self._tasks[0]])

    async def close(self) -> None:
        for task in self._tasks:
            await tasks.end(task)
        with contextlib.suppress(RedisError, *Unreachable):
            # Others need not wait for the heartbeat to run out.
            await self._redis.delete(names.heartbeat(self.consumer))

    async def _consume(self) -> None:
        pause = 0.1
        while not self._stopping:
            try:
                entries = await self._next()
                if entries:
                    self._adapt(entries)
                    await self._handle(entries)
                pause = 0.1
            except ResponseError as error:
                await self._mend_group(error)
            except (Transient, RedisError, *Unreachable) as error:
                log.warning("consume_interrupted", stream=self.stream, reason=type(error).__name__, retry_in=pause)
                self._look_back = True
                await asyncio.sleep(pause)
                pause = min(pause * 2, 2.0)

    async def _next(self) -> list[Entry]:
        if self._look_back:
            entries = await self._read("0", None)
            if entries:
                return entries
            self._look_back = False
        return await self._read(">", self._block_ms)

    async def _read(self, since: str, block: int | None) -> list[Entry]:
        read = self._blocking.xreadgroup(self.group, self.consumer, {self.stream: since}, count=self._batch, block=block)
        self._reading = asyncio.ensure_future(read)
        try:
            found = await self._reading
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Only the read was called off (drain, or something to take over). Its reply may have been on the way.
            self._look_back = True
            return []
        finally:
            self._reading = None
        return await self._parse(found[0][1]) if found else []

    def _adapt(self, entries: Sequence[Entry]) -> None:
        """Read more entries at a time while they are small, fewer when they are big: memory stays bounded."""
        size = sum(len(entry.envelope.data) for entry in entries)
        if size > MOST_BYTES and self._batch > 1:
            self._batch = max(1, self._batch // 2)
        elif len(entries) == self._batch and size < MOST_BYTES // 4 and self._batch < MOST_ENTRIES:
            self._batch *= 2

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
        return entries

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
        await self._ack([entry.id for entry in entries])

    async def _failed(self, entry: Entry, error: Exception) -> None:
        tries = self._failures.get(entry.id, 0) + 1
        if isinstance(error, Poison) or tries >= self._max_deliveries:
            self._failures.pop(entry.id, None)
            await self._put_aside(entry.id, entry.envelope.fields(), error, tries)
            return
        self._failures[entry.id] = tries
        self._look_back = True
        log.warning("entry_failed", stream=self.stream, entry=entry.id.decode(), tries=tries, exc_info=error)
        await asyncio.sleep(min(0.05 * 2**tries, 1.0))

    async def _put_aside(self, entry_id: bytes, fields: Any, error: Exception, tries: int) -> None:
        """Write the dead letter first, acknowledge then: a crash in between leaves two letters, never none."""
        reason = f"{type(error).__name__}: {error}"[:500]
        letter = dict(fields) | {
            "dead_entry": entry_id,
            "dead_stream": self.stream,
            "dead_error": reason,
            "dead_tries": tries,
            "dead_at": time.time(),
        }
        await self._redis.xadd(self._dead_letters, letter, maxlen=DEAD_LETTERS_KEPT, approximate=True)
        await self._ack([entry_id])
        log.error("dead_letter", stream=self.stream, entry=entry_id.decode(), error_kind=type(error).__name__, tries=tries)

    async def _ack(self, ids: list[bytes]) -> None:
        await self._redis.xack(self.stream, self.group, *ids)

    async def _mend_group(self, error: ResponseError) -> None:
        if not str(error).startswith("NOGROUP"):
            log.error("stream_refused", stream=self.stream, reason=str(error)[:200])
            await asyncio.sleep(1.0)
            return
        await ensure_group(self._redis, self.stream, self.group)

    async def _look_after(self) -> None:
        """Show that we live, take over from those who do not."""
        last_takeover = 0.0
        while True:
            try:
                await self._redis.set(names.heartbeat(self.consumer), b"1", ex=HEARTBEAT_SECONDS)
                if time.monotonic() - last_takeover >= TAKEOVER_EVERY_SECONDS and not self._stopping:
                    last_takeover = time.monotonic()
                    await self._take_over()
                    await trim(self._redis, self.stream)
            except (RedisError, *Unreachable):
                # The reading task meets the same trouble and says so.
                pass
            await asyncio.sleep(HEARTBEAT_SECONDS / 4)

    async def _take_over(self) -> None:
        for other in await self._redis.xinfo_consumers(self.stream, self.group):
            name = other["name"].decode()
            if name == self.consumer or await self._redis.exists(names.heartbeat(name)):
                continue
            if other["pending"]:
                await self._claim_from(name)
            elif other["idle"] > FORGET_CONSUMERS_AFTER_MS:
                await self._redis.eval(_FORGET_CONSUMER, 1, self.stream, self.group, name)

    async def _claim_from(self, name: str) -> None:
        held = await self._redis.xpending_range(self.stream, self.group, "-", "+", self._batch, consumername=name)
        # At least a heartbeat's time in their hands: two rescuers do not take from one another.
        claimed = (
            await self._redis.xclaim(
                self.stream, self.group, self.consumer, HEARTBEAT_SECONDS * 1000, [h["message_id"] for h in held], justid=True
            )
            if held
            else []
        )
        if claimed:
            log.warning("took_over", stream=self.stream, dead_consumer=name, entries=len(claimed))
            self._look_back = True
            if self._reading is not None:
                self._reading.cancel()


async def ensure_group(redis: Any, stream: str, group: str) -> None:
    """Create a consumer group that reads from the beginning, and the stream, unless they exist."""
    try:
        await redis.xgroup_create(stream, group, id="0", mkstream=True)
    except ResponseError as error:
        if not str(error).startswith("BUSYGROUP"):
            raise


async def trim(redis: Any, stream: str) -> int:
    """Drop what every group has acknowledged: entries below the oldest that some group still needs.

    Never by length, which could drop what nobody has read. A stream without groups is left alone.
    """
    needed: list[tuple[int, int]] = []
    for group in await redis.xinfo_groups(stream):
        oldest = (await redis.xpending(stream, group["name"]))["min"] if group["pending"] else group["last-delivered-id"]
        needed.append(_as_numbers(oldest))
    if not needed:
        return 0
    return int(await redis.xtrim(stream, minid="{}-{}".format(*min(needed)), approximate=True))


def _as_numbers(entry_id: bytes) -> tuple[int, int]:
    milliseconds, _, sequence = entry_id.partition(b"-")
    return int(milliseconds), int(sequence or 0)

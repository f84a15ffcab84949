"""The intake's side of the event streams: one consumer a partition, one transaction a handful of messages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial

import msgspec
from prometheus_client import CollectorRegistry, Counter, Histogram

from tillwise_analytics.intake.rows import Staged
from tillwise_analytics.intake.writer import Writer
from tillwise_common import logs, request_id
from tillwise_common.bus import names
from tillwise_common.bus.connection import RedisConnection
from tillwise_common.bus.consume import Entry, Poison, StreamConsumer, Transient
from tillwise_common.bus.envelope import Envelope
from tillwise_common.contracts import batches
from tillwise_common.metrics import LATENCY_BUCKETS
from tillwise_common.postgres.pool import Unreachable

GROUP = "analytics"
log = logs.get("intake")
# Rows of one transaction: enough to spread its fixed cost, little enough to stay in memory and to end soon.
MOST_ROWS = 30_000
# Transactions of one partition: while one rolls up its store, the next already copies and inserts its facts.
COMMITS_AT_ONCE = 2


class Intake:
    """Consumes the event streams of all partitions."""

    def __init__(
        self, redis: RedisConnection, writer: Writer, consumer: str, partitions: int, max_deliveries: int, registry: CollectorRegistry
    ) -> None:
        self._writer = writer
        self._consumers = [
            StreamConsumer(
                redis,
                names.events(partition),
                GROUP,
                consumer,
                partial(self.handle, asyncio.Semaphore(COMMITS_AT_ONCE)),
                dead_letters=names.dead_letters(partition),
                split=_one_by_one,
                max_deliveries=max_deliveries,
            )
            for partition in range(partitions)
        ]
        events = Counter("tillwise_intake_events", "Events by what became of them", ["outcome"], registry=registry)
        self._stored, self._repeated, self._conflicts = (events.labels(o) for o in ("stored", "repeated", "conflict"))
        self._seconds = Histogram("tillwise_intake_commit_seconds", "Time of one commit", buckets=LATENCY_BUCKETS, registry=registry)
        self._freshness = Histogram(
            "tillwise_intake_freshness_seconds",
            "From acceptance to commit, oldest event of a commit",
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )

    async def start(self) -> None:
        for consumer in self._consumers:
            await consumer.start()

    async def drain(self) -> None:
        await asyncio.gather(*(consumer.drain() for consumer in self._consumers))

    async def close(self) -> None:
        await asyncio.gather(*(consumer.close() for consumer in self._consumers))

    async def handle(self, slots: asyncio.Semaphore, entries: Sequence[Entry]) -> None:
        """Store the events of some messages. Entries may be repeats: a crash may lie between commit and acknowledgement.

        While the database works on some transactions, the rows of the next are made.
        """
        staged, oldest = Staged(), entries[0].envelope.time
        committing: list[asyncio.Task[None]] = []
        try:
            for entry in entries:
                self._stage(staged, entry)
                # Give reports, probes and the commits in flight a turn between two messages.
                await asyncio.sleep(0)
                if len(staged) + len(staged.lines) >= MOST_ROWS or entry is entries[-1]:
                    await slots.acquire()
                    committing.append(asyncio.create_task(self._commit(slots, staged, entry, oldest)))
                    staged, oldest = Staged(), entry.envelope.time
        finally:
            # Also when one failed: what was begun is finished before the entries are looked at one by one.
            ended = await asyncio.gather(*committing, return_exceptions=True)
        for error in ended:
            if error is not None:
                raise error

    @staticmethod
    def _stage(staged: Staged, entry: Entry) -> None:
        if entry.envelope.type != batches.TYPE:
            raise Poison(f"unknown message type {entry.envelope.type[:80]!r}")
        try:
            staged.add(batches.decode(entry.envelope.data))
        except (msgspec.DecodeError, KeyError, UnicodeDecodeError, RecursionError) as error:
            raise Poison(f"{type(error).__name__}: {error}"[:300]) from None

    async def _commit(self, slots: asyncio.Semaphore, staged: Staged, entry: Entry, oldest: float) -> None:
        request_id.current.set(entry.envelope.request_id)
        began = time.perf_counter()
        try:
            done = await self._writer.commit(staged)
        except ValueError:
            # asyncpg calls a value that it cannot encode an InterfaceError too: the data is wrong, not the connection.
            raise
        except Unreachable as error:
            raise Transient(type(error).__name__) from error
        finally:
            slots.release()
        self._seconds.observe(time.perf_counter() - began)
        self._freshness.observe(time.time() - oldest)
        self._stored.inc(done.stored)
        self._repeated.inc(done.repeated)
        self._conflicts.inc(done.conflicts)
        log.info(
            "committed",
            events=done.stored,
            repeated=done.repeated,
            conflicts=done.conflicts,
            ms=round((time.perf_counter() - began) * 1000, 1),
        )


def _one_by_one(message: Envelope) -> list[Envelope]:
    """The events of a message in messages of their own, so that one bad event does not keep the others out."""
    return [msgspec.structs.replace(message, data=data) for data in batches.split(message.data)]

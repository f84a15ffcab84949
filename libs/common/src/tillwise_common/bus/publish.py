"""Publish to streams: what arrives together goes out together, in one round trip and one disk flush.

While one flight is on its way to the server, newcomers wait for the next one. At light load a message leaves at
once, at heavy load hundreds share a flight: the delay is never longer than one flight.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from redis.exceptions import ResponseError

from tillwise_common import logs, tasks
from tillwise_common.bus.connection import RedisError, Unreachable
from tillwise_common.bus.envelope import Envelope

log = logs.get("bus")
Item = TypeVar("Item")
K = TypeVar("K", bound=Hashable)
Pack = Callable[[K, list[Item]], tuple[str, Envelope]]


class NotAccepted(Exception):
    """The stream did not take the message, or we do not know: the sender must send it again."""


class TooFewCopies(Exception):
    """Fewer servers than asked for say that they have it on disk."""


class PackingPublisher(Generic[K, Item]):
    """Collects items by key and publishes one message per key and flight, made by `pack(key, items)`."""

    def __init__(
        self,
        redis: Any,
        pack: Pack[K, Item],
        *,
        most_items: int = 1000,
        most_bytes: int = 4_000_000,
        replicas: int = 0,
        patience_ms: int = 1000,
    ) -> None:
        """`replicas` servers beside the master must have a message on disk before it counts as published (WAITAOF)."""
        self._redis = redis
        self._replicas, self._patience_ms = replicas, patience_ms
        self._pack = pack
        self._most_items = most_items
        self._most_bytes = most_bytes
        self._waiting: list[tuple[K, Item, int, asyncio.Future[None]]] = []
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None
        self._new_future: Callable[[], asyncio.Future[None]]

    async def start(self) -> None:
        # Asked once: each question for the running loop costs a system call on Python 3.11.
        self._new_future = asyncio.get_running_loop().create_future
        self._task = tasks.keep(self._fly, "publish")

    async def drain(self) -> None:
        """Wait until everything handed in has been answered."""
        await self._idle.wait()

    async def close(self) -> None:
        await tasks.end(self._task)

    def publish(self, key: K, item: Item, size: int) -> asyncio.Future[None]:
        """Hand in an item of `size` bytes. The future ends when the server has it on disk, or with NotAccepted."""
        done: asyncio.Future[None] = self._new_future()
        self._waiting.append((key, item, size, done))
        self._idle.clear()
        self._arrived.set()
        return done

    async def _fly(self) -> None:
        while True:
            await self._arrived.wait()
            # Whoever is ready to be served now comes along: one command and one disk flush for all of them.
            await asyncio.sleep(0)
            flight = self._board()
            try:
                await self._send(flight)
            except (RedisError, *Unreachable) as error:
                self._answer(flight, NotAccepted(type(error).__name__))
            except BaseException as error:
                self._answer(flight, NotAccepted(type(error).__name__))
                if not isinstance(error, Exception):
                    raise
                log.error("publish_failed", exc_info=error)
            if not self._waiting:
                self._arrived.clear()
                self._idle.set()

    def _board(self) -> list[tuple[K, Item, int, asyncio.Future[None]]]:
        size = count = 0
        for _, _, bytes_, _ in self._waiting:
            if count and (count >= self._most_items or size + bytes_ > self._most_bytes):
                break
            count += 1
            size += bytes_
        flight, self._waiting = self._waiting[:count], self._waiting[count:]
        return flight

    async def _send(self, flight: list[tuple[K, Item, int, asyncio.Future[None]]]) -> None:
        groups: dict[K, list[tuple[Item, asyncio.Future[None]]]] = {}
        for key, item, _, done in flight:
            groups.setdefault(key, []).append((item, done))
        replies = await self._add([self._pack(key, [item for item, _ in members]) for key, members in groups.items()])
        for reply, members in zip(replies, groups.values(), strict=True):
            refused = NotAccepted(type(reply).__name__) if isinstance(reply, Exception) else None
            for _, done in members:
                _finish(done, refused)

    async def _add(self, messages: list[tuple[str, Envelope]]) -> list[Any]:
        """The server's replies, a refusal as its exception."""
        if self._replicas:
            return await self._add_with_copies(messages)
        if len(messages) == 1:
            # One store alone, the usual case, needs no pipeline.
            try:
                return [await self._redis.xadd(messages[0][0], messages[0][1].fields())]
            except ResponseError as refusal:
                return [refusal]
        pipeline = self._redis.pipeline(transaction=False)
        for stream, envelope in messages:
            pipeline.xadd(stream, envelope.fields())
        replies: list[Any] = await pipeline.execute(raise_on_error=False)
        return replies

    async def _add_with_copies(self, messages: list[tuple[str, Envelope]]) -> list[Any]:
        # On the same connection, or the question would be about somebody else's writes.
        pipeline = self._redis.pipeline(transaction=False)
        for stream, envelope in messages:
            pipeline.xadd(stream, envelope.fields())
        pipeline.execute_command("WAITAOF", 1, self._replicas, self._patience_ms)
        replies: list[Any] = await pipeline.execute(raise_on_error=False)
        copies = replies.pop()
        if isinstance(copies, Exception) or int(copies[0]) < 1 or int(copies[1]) < self._replicas:
            log.warning("too_few_copies", wanted=self._replicas, found=str(copies)[:80])
            return [reply if isinstance(reply, Exception) else TooFewCopies() for reply in replies]
        return replies

    @staticmethod
    def _answer(flight: list[tuple[K, Item, int, asyncio.Future[None]]], error: NotAccepted) -> None:
        for _, _, _, done in flight:
            _finish(done, error)


def _finish(done: asyncio.Future[None], error: NotAccepted | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
        # A client that went away leaves nobody to read it.
        done.exception()

"""Publish to streams: what arrives together goes out together, in one round trip and one disk flush.

While a flight is on its way to the server, newcomers wait for the next one, which leaves when it lands, or as soon as
it is as full: then the server has it in hand when it has flushed the one before. At light load a message leaves at
once, at heavy load hundreds share a flight: the delay is never longer than one flight.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from redis.exceptions import ResponseError

from tillwise_common import logs, tasks
from tillwise_common.bus.connection import RedisError, Unreachable
from tillwise_common.bus.envelope import Envelope

log = logs.get("bus")
Item = TypeVar("Item")
K = TypeVar("K", bound=Hashable)
# In the air at once: one that the server flushes, and one that it takes up next.
FLIGHTS = 2
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
        self._flights: set[asyncio.Task[None]] = set()
        # How many are in the air, and how many passengers they have.
        self._flying = self._aloft = 0
        self._departing = False
        self._loop: asyncio.AbstractEventLoop
        self._context: contextvars.Context

    async def start(self) -> None:
        # Asked once: each question for the running loop costs a system call on Python 3.11.
        self._loop = asyncio.get_running_loop()
        # A flight is nobody's own: it carries no request's variables.
        self._context = contextvars.copy_context()

    async def drain(self) -> None:
        """Wait until everything handed in has been answered."""
        while self._waiting or self._flights:
            await (asyncio.wait(self._flights) if self._flights else asyncio.sleep(0))

    async def close(self) -> None:
        waiting, self._waiting = self._waiting, []
        for _, _, _, done in waiting:
            _finish(done, NotAccepted("closed"))
        # A flight that has not taken off yet would tell its passengers nothing.
        await asyncio.sleep(0)
        for flight in list(self._flights):
            await tasks.end(flight)

    def publish(self, key: K, item: Item, size: int) -> asyncio.Future[None]:
        """Hand in an item of `size` bytes. The future ends when the server has it on disk, or with NotAccepted."""
        done: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append((key, item, size, done))
        if not self._departing and self._may_leave():
            self._departing = True
            # Not at once: whoever is ready to be served now comes along.
            self._loop.call_soon(self._depart, context=self._context)
        return done

    def _may_leave(self) -> bool:
        return not self._flying or (self._flying < FLIGHTS and len(self._waiting) >= self._aloft)

    def _depart(self) -> None:
        self._departing = False
        while self._waiting and self._may_leave():
            passengers = self._board()
            self._flying, self._aloft = self._flying + 1, self._aloft + len(passengers)
            flight = self._loop.create_task(self._fly(passengers), name="publish", context=self._context)
            self._flights.add(flight)
            flight.add_done_callback(self._flights.discard)

    async def _fly(self, passengers: list[tuple[K, Item, int, asyncio.Future[None]]]) -> None:
        answers: list[tuple[asyncio.Future[None], NotAccepted | None]]
        try:
            answers = await self._send(passengers)
        except BaseException as error:
            answers = [(done, NotAccepted(type(error).__name__)) for _, _, _, done in passengers]
            if not isinstance(error, Exception):
                raise
            if not isinstance(error, (RedisError, *Unreachable)):
                log.error("publish_failed", exc_info=error)
        finally:
            self._flying, self._aloft = self._flying - 1, self._aloft - len(passengers)
            # The next one leaves before these are answered, so that the server need not wait for us.
            self._depart()
            for done, refused in answers:
                _finish(done, refused)

    def _board(self) -> list[tuple[K, Item, int, asyncio.Future[None]]]:
        size = count = 0
        for _, _, bytes_, _ in self._waiting:
            if count and (count >= self._most_items or size + bytes_ > self._most_bytes):
                break
            count += 1
            size += bytes_
        flight, self._waiting = self._waiting[:count], self._waiting[count:]
        return flight

    async def _send(self, flight: list[tuple[K, Item, int, asyncio.Future[None]]]) -> list[tuple[asyncio.Future[None], NotAccepted | None]]:
        """Everybody's answer: None when the server has it on disk."""
        groups: dict[K, list[tuple[Item, asyncio.Future[None]]]] = {}
        for key, item, _, done in flight:
            groups.setdefault(key, []).append((item, done))
        replies = await self._add([self._pack(key, [item for item, _ in members]) for key, members in groups.items()])
        answers: list[tuple[asyncio.Future[None], NotAccepted | None]] = []
        for reply, members in zip(replies, groups.values(), strict=True):
            refused = NotAccepted(type(reply).__name__) if isinstance(reply, Exception) else None
            answers += [(done, refused) for _, done in members]
        return answers

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


def _finish(done: asyncio.Future[None], error: NotAccepted | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
        # A client that went away leaves nobody to read it.
        done.exception()

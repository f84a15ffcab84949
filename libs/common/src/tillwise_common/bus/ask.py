"""Request and reply over streams: a question goes to one of many answerers, the reply to the asking instance.

A deadline travels along; a question that nobody waits for any more is dropped, not answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

from redis.exceptions import ResponseError

from tillwise_common import logs, request_id, tasks
from tillwise_common.bus import envelope, names
from tillwise_common.bus.connection import RedisConnection, RedisError, Unreachable
from tillwise_common.bus.envelope import Envelope
from tillwise_common.bus.groups import ensure_group

log = logs.get("bus")

GROUP = "answerers"
MOST_QUESTIONS = 10_000
MOST_REPLIES = 1_000
REPLIES_LIVE_SECONDS = 60


class NoAnswer(Exception):
    """Nobody answered before the deadline, or the bus is away."""


class Asker:
    """Asks questions and waits for their replies on a stream of its own."""

    def __init__(self, connection: RedisConnection, instance: str) -> None:
        self._redis = connection.commands
        self._blocking = connection.blocking
        self._instance = instance
        self._stream = names.replies(instance)
        self._waiting: dict[str, asyncio.Future[bytes]] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._listen(), name="replies")

    async def drain(self) -> None:
        """Questions end with the HTTP requests that ask them."""

    async def close(self) -> None:
        await tasks.end(self._task)
        with contextlib.suppress(RedisError, *Unreachable):
            # It would expire by itself.
            await self._redis.delete(self._stream)

    async def ask(self, topic: str, kind: str, data: bytes, *, store: str = "", timeout: float = 10.0) -> bytes:
        """The reply to a question, within `timeout` seconds. Raises NoAnswer."""
        question = envelope.new(kind, self._instance, data, subject=self._stream, store=store, deadline=time.time() + timeout)
        reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[question.id] = reply
        try:
            async with asyncio.timeout(timeout):
                await self._redis.xadd(names.requests(topic), question.fields(), maxlen=MOST_QUESTIONS, approximate=True)
                return await reply
        except (RedisError, *Unreachable) as error:
            raise NoAnswer(type(error).__name__) from None
        finally:
            self._waiting.pop(question.id, None)

    async def _listen(self) -> None:
        last: bytes | str = "0"
        while True:
            try:
                await self._redis.expire(self._stream, REPLIES_LIVE_SECONDS)
                found = await self._blocking.xread({self._stream: last}, count=100, block=5000)
                for entry_id, fields in found[0][1] if found else []:
                    last = entry_id
                    self._deliver(fields)
            except ResponseError as error:
                log.error("replies_refused", reason=str(error)[:200])
                await asyncio.sleep(1.0)
            except (RedisError, *Unreachable) as error:
                log.warning("replies_interrupted", reason=type(error).__name__)
                # The server may come back empty and number from the start again.
                last = "0"
                await asyncio.sleep(0.2)

    def _deliver(self, fields: dict[bytes, bytes]) -> None:
        try:
            reply = envelope.parse(fields)
        except envelope.MalformedEnvelope:
            log.error("malformed_reply")
            return
        waiting = self._waiting.get(reply.subject)
        if waiting is not None and not waiting.done():
            waiting.set_result(reply.data)


Answer = Callable[[Envelope], Awaitable[bytes]]


class Answerer:
    """Takes questions of one topic, a bounded number at a time, and replies with what `answer` returns."""

    def __init__(self, connection: RedisConnection, topic: str, consumer: str, answer: Answer, *, at_once: int = 8) -> None:
        self._redis = connection.commands
        self._blocking = connection.blocking
        self._stream = names.requests(topic)
        self._consumer = consumer
        self._answer = answer
        self._slots = asyncio.Semaphore(at_once)
        self._working: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._serve(), name=f"answer {self._stream}")

    async def drain(self) -> None:
        await tasks.end(self._task)
        if self._working:
            await asyncio.wait(self._working)

    async def close(self) -> None:
        await tasks.end(self._task)
        for task in self._working:
            task.cancel()
        with contextlib.suppress(RedisError, *Unreachable):
            # There may be no group yet when the end comes early, and no server when it comes late.
            await self._redis.xgroup_delconsumer(self._stream, GROUP, self._consumer)

    async def _serve(self) -> None:
        while True:
            try:
                await self._slots.acquire()
                try:
                    # Unacknowledged on purpose (NOACK): a question is worth its deadline, the asker asks again.
                    found = await self._blocking.xreadgroup(GROUP, self._consumer, {self._stream: ">"}, count=1, block=5000, noack=True)
                finally:
                    self._slots.release()
                for entry_id, fields in found[0][1] if found else []:
                    await self._slots.acquire()
                    task = asyncio.create_task(self._reply(entry_id, fields))
                    self._working.add(task)
                    task.add_done_callback(self._finished)
            except ResponseError as error:
                if str(error).startswith("NOGROUP"):
                    await ensure_group(self._redis, self._stream, GROUP)
                else:
                    log.error("questions_refused", reason=str(error)[:200])
                    await asyncio.sleep(1.0)
            except (RedisError, *Unreachable) as error:
                log.warning("questions_interrupted", reason=type(error).__name__)
                await asyncio.sleep(0.2)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._working.discard(task)
        self._slots.release()

    async def _reply(self, entry_id: bytes, fields: dict[bytes, bytes]) -> None:
        try:
            question = envelope.parse(fields)
            if question.expired():
                log.info("question_expired", topic=self._stream)
                return
            request_id.current.set(question.request_id)
            data = await self._answer_in_time(question)
            reply = envelope.new(f"{question.type}.reply", self._consumer, data, subject=question.id)
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.xadd(question.subject, reply.fields(), maxlen=MOST_REPLIES, approximate=True)
            pipeline.expire(question.subject, REPLIES_LIVE_SECONDS)
            pipeline.xdel(self._stream, entry_id)
            await pipeline.execute()
        except TimeoutError:
            log.warning("question_abandoned", topic=self._stream)
        except (RedisError, *Unreachable) as error:
            log.warning("reply_lost", reason=type(error).__name__)
        except Exception:
            log.exception("answer_failed", topic=self._stream)

    async def _answer_in_time(self, question: Envelope) -> bytes:
        left = question.deadline - time.time() if question.deadline else None
        async with asyncio.timeout(left):
            return await self._answer(question)

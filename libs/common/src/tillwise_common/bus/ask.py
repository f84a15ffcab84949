"""Request and reply over streams: a question goes to one of many answerers, the reply to the asking instance.

A deadline travels along; a question that nobody waits for any more is dropped, not answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

from redis.exceptions import ResponseError

from tillwise_common import logs, request_id, tasks
from tillwise_common.bus import envelope, names
from tillwise_common.bus.connection import Redis, RedisConnection, RedisError, Unreachable
from tillwise_common.bus.envelope import Envelope
from tillwise_common.bus.groups import ensure_group
from tillwise_common.bus.notify import follow, notify

log = logs.get("bus")

GROUP = "answerers"
MOST_QUESTIONS = 10_000
MOST_REPLIES = 1_000
REPLIES_LIVE_SECONDS = 60
BLOCK_MS = 500


# Who waits for a turn until this long before the deadline is told so.
TURN_AWAY_SECONDS = 0.4
TURN_AWAY_EVERY_SECONDS = 0.1
# By how much what should have happened within a question's time may be late.
MOST_LATE_SECONDS = 2.0


class NoAnswer(Exception):
    """Nobody answered before the deadline, or the bus is away."""


class TooLate(NoAnswer):
    """Somebody is there to answer, and did not before the deadline; `begun` says whether somebody was at work on it."""

    def __init__(self, topic: str, *, begun: bool) -> None:
        super().__init__(topic)
        self.begun = begun


class Asker:
    """Asks questions and waits for their replies on a stream of its own."""

    def __init__(self, connection: RedisConnection, instance: str) -> None:
        self._redis = connection.commands
        self._blocking = connection.blocking
        self._instance = instance
        self._stream = names.replies(instance)
        self._waiting: dict[str, asyncio.Future[bytes]] = {}
        self._calling_off: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = tasks.keep(self._listen, "replies")

    async def drain(self) -> None:
        """Questions end with the HTTP requests that ask them."""

    async def close(self) -> None:
        await tasks.end(self._task)
        with contextlib.suppress(RedisError, *Unreachable):
            # It would expire by itself.
            await self._redis.delete(self._stream)

    async def ask(self, topic: str, kind: str, data: bytes, *, store: str = "", timeout: float = 10.0) -> bytes:
        """The reply to a question, within `timeout` seconds. Raises NoAnswer; TooLate where somebody is there."""
        question = envelope.new(kind, self._instance, data, subject=self._stream, store=store, deadline=time.time() + timeout)
        reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[question.id] = reply
        entry: bytes | None = None
        try:
            async with asyncio.timeout(timeout):
                entry = await self._redis.xadd(names.requests(topic), question.fields(), maxlen=MOST_QUESTIONS, approximate=True)
                return await reply
        except (RedisError, *Unreachable) as error:
            if isinstance(error, TimeoutError) and entry is not None:
                await self._tell_who_was_there(names.requests(topic), entry, timeout)
            raise NoAnswer(type(error).__name__) from None
        except asyncio.CancelledError:
            # Who wanted to know has gone.
            self._call_off(topic, question.id, entry)
            raise
        finally:
            self._waiting.pop(question.id, None)

    async def _tell_who_was_there(self, stream: str, entry: bytes, seconds: float) -> None:
        """Raise TooLate unless nobody looked for questions while this one waited for `seconds`."""
        with contextlib.suppress(RedisError, *Unreachable):
            async with asyncio.timeout(BLOCK_MS / 1000):
                begun = _reached(entry, await _last_taken(self._redis, stream))
                # A busy answerer looks again when it has ended something; a machine may be so busy that it cannot say so itself.
                looked = [consumer["idle"] for consumer in await self._redis.xinfo_consumers(stream, GROUP)]
                if begun or any(idle < (seconds + MOST_LATE_SECONDS) * 1000 for idle in looked):
                    raise TooLate(stream, begun=begun)

    def _call_off(self, topic: str, question_id: str, entry: bytes | None) -> None:
        task = asyncio.create_task(self._tell_called_off(topic, question_id, entry), name="call off")
        self._calling_off.add(task)
        task.add_done_callback(self._calling_off.discard)

    async def _tell_called_off(self, topic: str, question_id: str, entry: bytes | None) -> None:
        with contextlib.suppress(RedisError, *Unreachable):
            if entry is not None:
                # Perhaps nobody has begun.
                await self._redis.xdel(names.requests(topic), entry)
            await notify(self._redis, _called_off(topic), "question.called_off", self._instance, question_id.encode())

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
                self._give_up(error)
                # The server may come back empty and number from the start again.
                last = "0"
                await asyncio.sleep(0.2)

    def _give_up(self, error: BaseException) -> None:
        """Whoever waits is told at once: the reply may be lost, and asking again is cheaper than waiting for it."""
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(NoAnswer(type(error).__name__))
                # A question that ends meanwhile leaves nobody to read it.
                waiting.exception()

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
Refuse = Callable[[Envelope], bytes]


async def _last_taken(redis: Redis, stream: str) -> bytes:
    """The id of the last question that an answerer took."""
    found = [group["last-delivered-id"] for group in await redis.xinfo_groups(stream) if group["name"] == GROUP.encode()]
    return found[0] if found else b"0-0"


def _reached(entry: bytes, last: bytes) -> bool:
    """Whether `last` has come as far as `entry`: ids of streams, two numbers each."""
    return [int(part) for part in last.split(b"-")] >= [int(part) for part in entry.split(b"-")]


def _called_off(topic: str) -> str:
    return f"{topic}.called_off"


class Answerer:
    """Takes questions of one topic, a bounded number at a time, and replies with what `answer` returns.

    A question that was begun is cancelled when its deadline passes or its asker calls it off. One that waits for its turn
    until just before its deadline gets what `turn_away` says, so that its asker need not take us for dead.
    """

    def __init__(
        self, connection: RedisConnection, topic: str, consumer: str, answer: Answer, *, at_once: int = 8, turn_away: Refuse | None = None
    ) -> None:
        self._connection = connection
        self._redis = connection.commands
        self._topic = topic
        self._stream = names.requests(topic)
        self._consumer = consumer
        self._answer = answer
        self._refuse = turn_away
        self._slots = asyncio.Semaphore(at_once)
        # By the entry on the stream; a question is in here from the moment it is taken.
        self._working: dict[bytes, asyncio.Task[None]] = {}
        self._by_question: dict[str, asyncio.Future[bytes]] = {}
        self._stopping = False
        # Questions may have been given to us that we have not seen: after a crash, a cut.
        self._look_back = True
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._tasks = [
            tasks.keep(self._serve, f"answer {self._stream}"),
            tasks.keep(self._hear_called_off, f"called off {self._stream}"),
        ]
        if self._refuse is not None:
            self._tasks.append(tasks.keep(self._turn_away, f"turn away {self._stream}"))

    async def drain(self) -> None:
        """Take no more questions, and answer those that were taken."""
        self._stopping = True
        if self._tasks:
            await asyncio.wait([self._tasks[0]])
        if self._working:
            await asyncio.wait(self._working.values())

    async def close(self) -> None:
        for task in (*self._tasks, *self._working.values()):
            await tasks.end(task)
        with contextlib.suppress(RedisError, *Unreachable):
            # There may be no group yet when the end comes early, and no server when it comes late.
            await self._redis.xgroup_delconsumer(self._stream, GROUP, self._consumer)

    async def _serve(self) -> None:
        self._look_back = True
        while not self._stopping or self._look_back:
            await self._slots.acquire()
            try:
                for entry_id, fields in await self._next():
                    await self._slots.acquire()
                    self._begin(entry_id, fields)
            except ResponseError as error:
                if str(error).startswith("NOGROUP"):
                    await self._make_group()
                else:
                    log.error("questions_refused", reason=str(error)[:200])
                    await asyncio.sleep(1.0)
            except (RedisError, *Unreachable) as error:
                log.warning("questions_interrupted", reason=type(error).__name__)
                # A question is worth its deadline: when we are to stop, nobody waits for the bus to come back.
                self._look_back = not self._stopping
                await asyncio.sleep(0.2)

    async def _make_group(self) -> None:
        await ensure_group(self._redis, self._stream, GROUP)

    async def _next(self) -> list[tuple[bytes, dict[bytes, bytes]]]:
        """Questions to begin. The slot that was taken to ask is given back."""
        try:
            if self._look_back:
                self._look_back = False
                found = await self._redis.xreadgroup(GROUP, self._consumer, {self._stream: "0"})
                missed = found[0][1] if found else []
                return [(entry_id, fields) for entry_id, fields in missed if entry_id not in self._working]
            return await self._read_new()
        finally:
            self._slots.release()

    async def _read_new(self) -> list[tuple[bytes, dict[bytes, bytes]]]:
        # Never called off: the server would go on giving questions to a connection that nobody reads. So it is short instead.
        found = await self._connection.blocking.xreadgroup(GROUP, self._consumer, {self._stream: ">"}, count=1, block=BLOCK_MS)
        # In a quiet moment: was a question given to a connection that broke?
        self._look_back = not found
        return found[0][1] if found else []

    def _begin(self, entry_id: bytes, fields: dict[bytes, bytes]) -> None:
        task = asyncio.create_task(self._reply(entry_id, fields))
        self._working[entry_id] = task
        task.add_done_callback(lambda _: self._finished(entry_id))

    def _finished(self, entry_id: bytes) -> None:
        self._working.pop(entry_id, None)
        self._slots.release()

    async def _reply(self, entry_id: bytes, fields: dict[bytes, bytes]) -> None:
        try:
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.xack(self._stream, GROUP, entry_id)
            pipeline.xdel(self._stream, entry_id)
            # Called off before we began: its entry is gone.
            question = envelope.parse(fields) if fields else None
            if question is not None and question.expired():
                log.info("question_expired", topic=self._stream)
            elif question is not None and (data := await self._answer_in_time(question)) is not None:
                self._add_reply(pipeline, question, data)
            await pipeline.execute()
        except (RedisError, *Unreachable) as error:
            log.warning("reply_lost", reason=type(error).__name__)
        except Exception:
            log.exception("answer_failed", topic=self._stream)
            with contextlib.suppress(RedisError, *Unreachable):
                await self._redis.xack(self._stream, GROUP, entry_id)

    def _add_reply(self, pipeline: Any, question: Envelope, data: bytes) -> None:
        reply = envelope.new(f"{question.type}.reply", self._consumer, data, subject=question.id)
        pipeline.xadd(question.subject, reply.fields(), maxlen=MOST_REPLIES, approximate=True)
        pipeline.expire(question.subject, REPLIES_LIVE_SECONDS)

    async def _turn_away(self) -> None:
        """While all slots are taken, refuse questions whose time is up before their turn comes."""
        while True:
            await asyncio.sleep(TURN_AWAY_EVERY_SECONDS)
            if not self._slots.locked() or not self._working:
                continue
            with contextlib.suppress(RedisError, *Unreachable, envelope.MalformedEnvelope):
                await self._turn_away_now()

    async def _turn_away_now(self) -> None:
        assert self._refuse is not None
        last = await _last_taken(self._redis, self._stream)
        pipeline = self._redis.pipeline(transaction=False)
        for entry_id, fields in await self._redis.xrange(self._stream, min=b"(" + last, count=100):
            question = envelope.parse(fields)
            if question.deadline and not question.expired() and question.deadline - time.time() < TURN_AWAY_SECONDS:
                log.info("question_turned_away", topic=self._stream, question_request_id=question.request_id)
                # Nobody can take it any more; where somebody just did, the asker has its answer all the same.
                pipeline.xdel(self._stream, entry_id)
                self._add_reply(pipeline, question, self._refuse(question))
        if len(pipeline):
            await pipeline.execute()

    async def _answer_in_time(self, question: Envelope) -> bytes | None:
        """The answer, or None when nobody waits for it any more."""
        request_id.current.set(question.request_id)
        answering = asyncio.ensure_future(self._answer(question))
        self._by_question[question.id] = answering
        try:
            async with asyncio.timeout(question.deadline - time.time() if question.deadline else None):
                return await answering
        except TimeoutError:
            log.warning("question_abandoned", topic=self._stream)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            log.info("question_called_off", topic=self._stream)
        finally:
            del self._by_question[question.id]
        return None

    async def _hear_called_off(self) -> None:
        while True:
            try:
                async for notice in follow(self._connection, _called_off(self._topic)):
                    if task := self._by_question.get(notice.data.decode()):
                        task.cancel()
            except (RedisError, *Unreachable, envelope.MalformedEnvelope):
                # What is called off meanwhile ends with its deadline.
                await asyncio.sleep(1.0)

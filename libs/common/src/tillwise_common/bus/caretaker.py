"""Consumers look after one another: they show that they live, and take over from those who do not.

A consumer's life shows in a heartbeat key: what a consumer without one holds is taken over at once, however long
the entries have been in work, and its name is forgotten when it holds nothing any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Set
from typing import Any

from tillwise_common import logs, tasks
from tillwise_common.bus import names
from tillwise_common.bus.connection import RedisError, Unreachable
from tillwise_common.bus.groups import trim

log = logs.get("bus")

HEARTBEAT_SECONDS = 5
TAKEOVER_EVERY_SECONDS = 2.0
FORGET_CONSUMERS_AFTER_MS = 60_000
CLAIM_AT_ONCE = 512
# Deleting a consumer deletes what it holds, so look and delete in one step.
_FORGET_CONSUMER = """
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2])
if #pending == 0 then return redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2]) end
return -1
"""


class Caretaker:
    """Beats the heart of one consumer. Calls `inherited()` when the consumer owns entries that are not in `held`: taken over
    from a dead one, or given to a connection that broke before it could read them.
    """

    def __init__(self, redis: Any, stream: str, group: str, consumer: str, held: Set[bytes], inherited: Callable[[], None]) -> None:
        self._redis = redis
        self._stream, self._group, self._consumer = stream, group, consumer
        self._held = held
        self._inherited = inherited
        self._task: asyncio.Task[None] | None = None
        self._helping = True

    def start(self) -> None:
        self._task = tasks.keep(self._look_after, f"look after {self._stream}")

    def stop_helping(self) -> None:
        """Show life until the end, but take nothing over any more."""
        self._helping = False

    async def close(self) -> None:
        await tasks.end(self._task)
        with contextlib.suppress(RedisError, *Unreachable):
            # Others need not wait for the heartbeat to run out.
            await self._redis.delete(names.heartbeat(self._consumer))

    async def _look_after(self) -> None:
        last_round = 0.0
        while True:
            try:
                await self._redis.set(names.heartbeat(self._consumer), b"1", ex=HEARTBEAT_SECONDS)
                if self._helping and time.monotonic() - last_round >= TAKEOVER_EVERY_SECONDS:
                    last_round = time.monotonic()
                    await self._take_over()
                    await self._find_forgotten()
                    await trim(self._redis, self._stream)
            except (RedisError, *Unreachable):
                # The reading task meets the same trouble and says so.
                pass
            await asyncio.sleep(HEARTBEAT_SECONDS / 4)

    async def _take_over(self) -> None:
        for other in await self._redis.xinfo_consumers(self._stream, self._group):
            name = other["name"].decode()
            if name == self._consumer or await self._redis.exists(names.heartbeat(name)):
                continue
            if other["pending"]:
                await self._claim_from(name)
            elif other["idle"] > FORGET_CONSUMERS_AFTER_MS:
                await self._redis.eval(_FORGET_CONSUMER, 1, self._stream, self._group, name)

    async def _claim_from(self, name: str) -> None:
        held = await self._redis.xpending_range(self._stream, self._group, "-", "+", CLAIM_AT_ONCE, consumername=name)
        if not held:
            return
        # At least a heartbeat's time in their hands: two rescuers do not take from one another.
        ids = [entry["message_id"] for entry in held]
        idle = HEARTBEAT_SECONDS * 1000
        if claimed := await self._redis.xclaim(self._stream, self._group, self._consumer, idle, ids, justid=True):
            log.warning("took_over", stream=self._stream, dead_consumer=name, entries=len(claimed))
            self._inherited()

    async def _find_forgotten(self) -> None:
        """What was given to us long ago and is not in hand was lost on its way."""
        idle = HEARTBEAT_SECONDS * 1000
        ours = await self._redis.xpending_range(self._stream, self._group, "-", "+", CLAIM_AT_ONCE, consumername=self._consumer, idle=idle)
        if any(entry["message_id"] not in self._held for entry in ours):
            self._inherited()

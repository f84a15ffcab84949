"""Faults, each a small story: what breaks, for how long, and how it comes back."""

from __future__ import annotations

import asyncio
import json
import random
import signal
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from client import Client
from proxy import Proxy
from shop import Book
from world import World

from tillwise_common.bus import envelope, names
from tillwise_common.contracts import batches
from tillwise_common.contracts.batches import Batch, Part

PARTITIONS = 4
FREEZE_SECONDS = 10.0


class Faults:
    """Breaks a world, by chance and by a seed."""

    def __init__(self, world: World, client: Client, seed: int) -> None:
        self._world, self._client = world, client
        self._dice = random.Random(seed)
        self.poisoned = 0

    def of_processes(self) -> list[Callable[[], Awaitable[None]]]:
        return [
            self.kill_gateway, self.kill_analytics, self.kill_worker, self.freeze_analytics, self.kill_valkey, self.kill_postgres,
            self.restart_one_by_one, self.stop_all_analytics, self.poison,
        ]  # fmt: skip

    def of_the_network(self) -> list[Callable[[], Awaitable[None]]]:
        return [self.slow, self.cut, self.half_close, self.silence, self.shut]

    async def kill_gateway(self) -> None:
        self._kill("gateway")

    async def kill_analytics(self) -> None:
        self._kill("analytics")

    async def kill_worker(self) -> None:
        self._kill("worker")

    def _kill(self, service: str) -> None:
        if pids := self._world.pids(service):
            self._world.signal(self._dice.choice(pids), signal.SIGKILL)

    async def freeze_analytics(self) -> None:
        """A zombie: it holds entries, is relieved of them, and wakes up in the middle of its work."""
        if pids := self._world.pids("analytics"):
            pid = self._dice.choice(pids)
            self._world.signal(pid, signal.SIGSTOP)
            await asyncio.sleep(FREEZE_SECONDS)
            self._world.signal(pid, signal.SIGCONT)

    async def kill_valkey(self) -> None:
        self._world.valkey.kill()

    async def kill_postgres(self) -> None:
        self._world.postgres.kill()

    async def restart_one_by_one(self) -> None:
        """SIGTERM to every process in turn; its supervisor starts it again."""
        for service in ("gateway", "analytics", "worker"):
            for pid in self._world.pids(service):
                self._world.signal(pid, signal.SIGTERM)
                await asyncio.sleep(0.5)

    async def stop_all_analytics(self) -> None:
        """Nobody consumes until the gateways refuse."""
        pids = self._world.pids("analytics")
        for pid in pids:
            self._world.signal(pid, signal.SIGSTOP)
        refused = self._client.answers["503 overloaded"]
        try:
            async with asyncio.timeout(20):
                while self._client.answers["503 overloaded"] < refused + 3:
                    await asyncio.sleep(0.1)
        except TimeoutError:
            # Another fault kept the events away.
            pass
        for pid in pids:
            self._world.signal(pid, signal.SIGCONT)

    async def poison(self) -> None:
        """Messages that cannot be stored; one of them holds a good event too, which must be."""
        book = self._dice.choice(self._client.books)
        fields = self._dice.choice((self._no_envelope, self._no_batch, self._no_text))(book)
        await self._world.redis.xadd(names.events(names.partition_of(book.store.id, PARTITIONS)), fields)
        self.poisoned += 1

    def _no_envelope(self, _: Book) -> Any:
        return {"hello": "there"}

    def _no_batch(self, _: Book) -> Any:
        return envelope.new(batches.TYPE, "chaos", b"\xc1 is no msgpack").fields()

    def _no_text(self, book: Book) -> Any:
        """The database refuses a zero character; a gateway would have, too."""
        good = self._client.new_event(book)
        bad = {**good, "id": f"poison{self.poisoned}", "type": "stock.counted", "data": {"sku": "a\0b", "quantity": 1}}
        part = Part("poison", "chaos", datetime.now(UTC), "array", json.dumps([bad, good]).encode())
        book.acknowledged.add(good["id"])
        return envelope.new(batches.TYPE, "chaos", batches.encode(Batch(book.store, [part])), subject=book.name).fields()

    async def slow(self) -> None:
        proxy = self._proxy()
        proxy.delay = self._dice.uniform(0.01, 0.3)
        await asyncio.sleep(self._dice.uniform(1, 4))
        proxy.delay = 0.0

    async def cut(self) -> None:
        self._proxy().cut()

    async def half_close(self) -> None:
        self._proxy().half_close()

    async def silence(self) -> None:
        proxy = self._proxy()
        proxy.passing.clear()
        await asyncio.sleep(self._dice.uniform(1, 6))
        proxy.passing.set()

    async def shut(self) -> None:
        proxy = self._proxy()
        proxy.open = False
        proxy.cut()
        await asyncio.sleep(self._dice.uniform(1, 4))
        proxy.open = True

    def _proxy(self) -> Proxy:
        return self._dice.choice((self._world.redis_proxy, self._world.postgres_proxy))

"""Connections to Redis (or Valkey), with the retry policy spelt out."""

from __future__ import annotations

from typing import Any

import redis.asyncio as aioredis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from tillwise_common.health import Complaint
from tillwise_common.settings import Secret

Redis = aioredis.Redis
# Longer than any blocking read asks the server to wait (5 s).
BLOCKING_TIMEOUT = 8.0
# What a server needs so that 202 keeps its word: docs/delivery.md.
DURABLE = {
    "appendonly": ("yes", "accepted events are lost when the server ends"),
    "appendfsync": ("always", "the last seconds of accepted events can be lost"),
    "maxmemory-policy": ("noeviction", "events that nobody has read can be dropped"),
}
# RuntimeError is what uvloop calls a transport that closes under a write; redis-py passes it on.
Unreachable = (RedisConnectionError, TimeoutError, OSError, RuntimeError)

__all__ = ["Redis", "RedisConnection", "RedisError", "Unreachable", "connect"]


def connect(url: Secret, *, timeout: float = 5.0, max_connections: int = 64) -> Any:
    """A client on a pool of its own.

    Nothing is repeated behind the caller's back: an XADD whose reply was lost would be there twice.
    """
    return aioredis.Redis.from_url(
        url.reveal(),
        socket_timeout=timeout,
        socket_connect_timeout=2.0,
        max_connections=max_connections,
        retry=Retry(NoBackoff(), 0),
        retry_on_timeout=False,
        health_check_interval=0,
    )


class RedisConnection:
    """Redis as a part of a service: two pools, since a blocking read must not time out like a command."""

    def __init__(self, url: Secret, *, timeout: float = 5.0) -> None:
        self.commands = connect(url, timeout=timeout)
        self.blocking = connect(url, timeout=BLOCKING_TIMEOUT)

    async def start(self) -> None:
        """Nothing to do: connections are made when needed, so a service starts while Redis is away."""

    async def drain(self) -> None:
        """Connections are needed until the end."""

    async def close(self) -> None:
        await self.blocking.aclose()
        await self.commands.aclose()

    async def ping(self) -> None:
        await self.commands.ping()

    async def check_durability(self) -> None:
        """Raise Complaint when the server may forget what it has confirmed, or drop what nobody has read."""
        try:
            found = {name: (await self.commands.config_get(name)).get(name, wanted) for name, (wanted, _) in DURABLE.items()}
        except ResponseError:
            # A hosted server may hide its configuration: then its operator has to know.
            return
        problems = [f"{name} is {found[name]}, not {wanted}: {why}" for name, (wanted, why) in DURABLE.items() if found[name] != wanted]
        if problems:
            raise Complaint("; ".join(problems))

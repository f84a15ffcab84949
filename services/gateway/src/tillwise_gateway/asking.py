"""Asking the worker's queues on behalf of a client."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from aiohttp import web

from tillwise_common.bus.connection import RedisError, Unreachable
from tillwise_common.contracts.stores import Store
from tillwise_common.web.problems import Problem

LONGEST_KEY = 255
# For so long an Idempotency-Key finds again what it was first used for.
KEY_SECONDS = 24 * 3600.0


def once(request: web.Request, store: Store) -> dict[str, Any]:
    """What makes asking again with the same Idempotency-Key find the same job: arguments of Queue.add. Raises Problem 422."""
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > LONGEST_KEY:
        raise Problem(422, "invalid_idempotency_key", f"An Idempotency-Key has at most {LONGEST_KEY} characters.")
    return {"dedupe": f"{store.id}:{key}", "dedupe_seconds": KEY_SECONDS} if key else {}


def same(asked: Any, found: Any) -> None:
    """Raises Problem 422 where a key was used for something else."""
    if asked != found:
        raise Problem(422, "idempotency_key_reused", "This Idempotency-Key was used for something else: take a new one.")


async def reached(asked: Awaitable[Any]) -> Any:
    """An answer of the queue. Raises Problem 503 while Redis is away."""
    try:
        return await asked
    except (*Unreachable, RedisError):
        raise Problem(503, "queue_unavailable", "Jobs are away for the moment. Try again shortly.", headers={"Retry-After": "2"}) from None

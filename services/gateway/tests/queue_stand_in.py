"""Stands in for the worker: takes jobs and ends them as a test says, and shows itself as a worker does."""

from __future__ import annotations

import asyncio
import time
from itertools import count
from typing import Any, Literal

import msgspec

from tillwise_common.bus.connection import RedisConnection
from tillwise_common.jobs.control import Control, WorkerSeen
from tillwise_common.jobs.kinds import Kind, Options
from tillwise_common.jobs.queue import Added, Queue
from tillwise_common.settings import Secret


class SendMail(msgspec.Struct, forbid_unknown_fields=True):
    """A letter to somebody."""

    to: str
    token: str = ""
    copies: int = 1
    urgent: bool = False
    form: Literal["plain", "html"] = "plain"
    note: str | None = None


SEND_MAIL = Kind(name="send_mail", payload=SendMail, queue="mail", secret=("token",), options=Options(attempts=3), about="Sends a letter.")
LEASE_MS = 60_000
_tokens = count(1)


class StandIn:
    """The queue "mail", and a worker whose jobs end when it is told so."""

    def __init__(self, url: str, queue: str = "mail") -> None:
        self.redis = RedisConnection(Secret(url))
        self.queue = Queue(self.redis.commands, queue)
        self.control = Control(self.queue)
        self._held: dict[str, str] = {}

    async def add(self, to: str = "ann@example.com", **asked: Any) -> str:
        payload = SendMail(to=to, **{name: asked.pop(name) for name in ("token", "note") if name in asked})
        added: Added = await self.queue.add(SEND_MAIL, payload, **asked)
        return added.id

    async def take(self, many: int = 1) -> list[str]:
        """Begin jobs."""
        token = f"stand-in:{next(_tokens)}"
        told = await self.queue.run("turn", 0, many, LEASE_MS, token, "stand-in", 1000, 86_400_000)
        ids = [one[0].decode() for one in told[6:]]
        self._held |= dict.fromkeys(ids, token)
        return ids

    async def end(self, job_id: str, what: str = "completed", value: Any = None, delay: int = 0) -> None:
        """End one: "completed" with a result, "failed" or "retry" with an error."""
        told = b"" if value is None else msgspec.json.encode(value)
        await self.queue.run(
            "turn", 1, job_id, self._held.pop(job_id), what, told, delay, 0, LEASE_MS, "none", "stand-in", 1000, 86_400_000
        )

    async def completed(self, **asked: Any) -> str:
        return await self._ended("completed", {"sent": True}, **asked)

    async def failed(self, message: str = "the server said no", **asked: Any) -> str:
        error = {"type": "SmtpError", "message": message, "traceback": ["/srv/mail.py:7 in send", "/srv/smtp.py:9 in say"]}
        return await self._ended("failed", error, **asked)

    async def note(self, job_id: str, what: Literal["progress", "log"], said: Any) -> None:
        told = msgspec.json.encode(said) if what == "progress" else said
        await self.queue.run("note", job_id, self._held[job_id], what, told, 100)

    async def show(self, running: list[str]) -> None:
        """Be seen as a worker."""
        seen = WorkerSeen(name="mailer-1", service="worker", since=time.time() - 90, at_once=10, running=running)
        await self.queue.redis.hset(self.queue.key("workers"), "mailer-1", msgspec.msgpack.encode((time.time() + 600, seen)))

    async def state(self, job_id: str) -> str:
        return (await self.control.job(job_id)).state

    async def close(self) -> None:
        await self.redis.close()

    async def _ended(self, what: str, value: Any, **asked: Any) -> str:
        job_id = await self.add(**asked)
        assert await self.take() == [job_id]
        await self.end(job_id, what, value)
        return job_id


async def until(true: Any) -> None:
    """Look until something is so; the test's own time limit ends it."""
    while not await true():
        await asyncio.sleep(0.01)

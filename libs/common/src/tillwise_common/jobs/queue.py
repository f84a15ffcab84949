"""A queue, as those see it who add jobs to it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

import msgspec

from tillwise_common import request_id as request_ids
from tillwise_common.jobs import keys, kinds, scripts
from tillwise_common.jobs.errors import BadJob
from tillwise_common.jobs.kinds import NORMAL, Kind, Options

P = TypeVar("P", bound=msgspec.Struct)
# So many jobs are added in one step.
AT_ONCE = 500
# The positional arguments of arq's way to call, among the named ones.
POSITIONAL = "*"
LARGEST_PAYLOAD = 1_000_000
LONGEST_DELAY = 10 * 366 * 86_400.0


class Added(NamedTuple):
    """A job that was added, or the one that was there before (`new` is false)."""

    id: str
    new: bool


class Entry(msgspec.Struct, kw_only=True):
    """A job to add: its payload as JSON, and what is asked of it.

    `id`: none means one is made; one that is there already adds nothing. `delay` in seconds, or `at` as Unix time. `dedupe`: while a job
    with this key is not finished (or for `dedupe_seconds`), others with it add nothing; with `debounce` they replace the payload of one
    that is still delayed and begin its delay anew. `parent`: "queue|id|what to do if this one fails".
    """

    name: str
    data: bytes
    id: str = ""
    priority: int = NORMAL
    delay: float = 0.0
    options: Options = Options()
    request_id: str = ""
    traceparent: str = ""
    parent: str = ""
    dedupe: str = ""
    dedupe_seconds: float | None = None
    debounce: bool = False
    # So many children must be done before it runs.
    children: int = 0

    def fields(self, job_id: str) -> tuple[Any, ...]:
        """As add.lua takes it."""
        holds = "" if self.dedupe_seconds is None else max(int(self.dedupe_seconds * 1000), 1)
        return (
            job_id, "1" if self.id else "", self.name, self.data, self.priority, max(round(self.delay * 1000), 0), kinds.pack(self.options),
            self.request_id, self.traceparent, self.parent, self.dedupe, holds, "1" if self.debounce else "", self.children,
        )  # fmt: skip


class Queue:
    """A queue of jobs. `redis` is a client that answers in bytes."""

    def __init__(self, redis: Any, name: str) -> None:
        self.redis = redis
        self.name = name
        self.prefix = keys.prefix(name)
        self._told = False

    async def add(self, kind: Kind[P], payload: P, **asked: Any) -> Added:
        """Add a job of a kind; `asked` are fields of Entry that differ from the kind's. Raises BadJob."""
        return (await self.add_many([entry(kind, payload, **asked)]))[0]

    async def add_many(self, entries: Iterable[Entry]) -> list[Added]:
        """Add jobs in their order, five hundred in a step. Raises BadJob before any is added."""
        found: list[Added] = []
        todo = [checked(one) for one in entries]
        for begin in range(0, len(todo), AT_ONCE):
            found += await self._add(todo[begin : begin + AT_ONCE])
        return found

    async def enqueue_job(
        self,
        function: str,
        *args: Any,
        _job_id: str | None = None,
        _defer_until: datetime | None = None,
        _defer_by: float | timedelta | None = None,
        **kwargs: Any,
    ) -> Added:
        """Add a job as arq's own client does: for functions that take arguments by place or name. They must be JSON."""
        if _defer_until is not None and _defer_by is not None:
            raise BadJob("use either _defer_until or _defer_by")
        delay = _defer_by.total_seconds() if isinstance(_defer_by, timedelta) else _defer_by or 0.0
        if _defer_until is not None:
            delay = max(_defer_until.timestamp() - time.time(), 0.0)
        data = _json({**kwargs, **({POSITIONAL: args} if args else {})})
        return (await self.add_many([Entry(name=function, data=data, id=_job_id or "", delay=delay)]))[0]

    async def run(self, script: str, *args: Any) -> Any:
        """Run one of the queue's scripts."""
        return await scripts.run(self.redis, script, self.prefix, *args)

    def key(self, name: str) -> str:
        return self.prefix + name

    async def _add(self, entries: Sequence[Entry]) -> list[Added]:
        if not self._told:
            await self.redis.sadd(keys.QUEUES, self.name)
            self._told = True
        args: list[Any] = [len(entries)]
        first, current = f"{time.time_ns() // 1000:x}{secrets.token_hex(4)}", request_ids.current.get()
        for number, one in enumerate(entries):
            if not one.request_id:
                one.request_id = current
            args += one.fields(one.id or f"{first}{number:03x}")
        told = await self.run("add", *args)
        return [Added(told[n].decode(), bool(told[n + 1])) for n in range(0, len(told), 2)]


def entry(kind: Kind[P], payload: P, **asked: Any) -> Entry:
    """A job of a kind, to add with others."""
    asked = {"options": kind.options, "priority": kind.priority, **asked}
    return Entry(name=kind.name, data=msgspec.json.encode(payload), **asked)


def checked(one: Entry) -> Entry:
    """Raises BadJob for an entry that cannot be added."""
    if one.id:
        keys.checked(one.id)
    if len(one.data) > LARGEST_PAYLOAD:
        raise BadJob(f"the payload has {len(one.data)} bytes, more than {LARGEST_PAYLOAD}: put it into a file and name that")
    kinds.check_priority(one.priority)
    if not 0 <= one.delay <= LONGEST_DELAY:
        raise BadJob(f"the delay {one.delay} is not from 0 to {LONGEST_DELAY:g} seconds")
    if one.debounce and not (one.dedupe and one.delay > 0):
        raise BadJob("debounce needs a dedupe key and a delay")
    return one


def _json(arguments: Mapping[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(arguments)
    except (TypeError, ValueError) as error:
        raise BadJob(f"the arguments are not JSON: {error}") from None

"""A job as it is kept, and as others see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from tillwise_common.jobs import kinds
from tillwise_common.jobs.kinds import Options

State = Literal["waiting", "delayed", "active", "completed", "failed", "children"]
# The sorted set that holds the jobs of a state. A place in that of the waiting tells priority and order, in the others a moment.
LISTS: dict[State, str] = {
    "waiting": "wait", "delayed": "delayed", "active": "active", "completed": "completed", "failed": "failed", "children": "parents",
}  # fmt: skip


class Failure(msgspec.Struct, kw_only=True, rename={"kind": "type"}):
    """Why an attempt failed. Tracebacks have no values of variables: those may be anybody's secrets."""

    kind: str
    message: str
    traceback: list[str] = []


class Job(msgspec.Struct, kw_only=True):
    """One job. Moments are Unix time in milliseconds, None for what has not been; `result` and `data` are JSON."""

    id: str
    queue: str
    name: str
    state: State
    data: msgspec.Raw
    priority: int
    options: Options
    attempts: int
    stalled: int
    created: int
    run_at: int
    started: int | None
    finished: int | None
    progress: msgspec.Raw | None
    result: msgspec.Raw | None
    error: Failure | None
    request_id: str
    worker: str | None
    parent: str | None
    schedule: str | None
    dedupe: str | None
    cancelling: bool


def read(queue: str, job_id: str, kept: Mapping[bytes, bytes]) -> Job:
    """A job from the fields that are kept of it."""

    def number(name: bytes) -> int | None:
        return int(kept[name]) if kept.get(name) else None

    def words(name: bytes) -> str | None:
        return kept[name].decode() if kept.get(name) else None

    parent = words(b"parent")
    state: Any = kept[b"state"].decode()
    return Job(
        id=job_id,
        queue=queue,
        name=kept[b"name"].decode(),
        state=state,
        data=msgspec.Raw(kept[b"data"]),
        priority=int(kept[b"priority"]),
        options=kinds.unpack(kept[b"opts"]),
        attempts=number(b"attempts") or 0,
        stalled=number(b"stalled") or 0,
        created=int(kept[b"created"]),
        run_at=number(b"run_at") or int(kept[b"created"]),
        started=number(b"started"),
        finished=number(b"finished"),
        progress=_raw(kept, b"progress"),
        result=_raw(kept, b"result"),
        error=failure(kept.get(b"error")),
        request_id=words(b"request_id") or "",
        worker=_worker(words(b"token")),
        parent=":".join(parent.split("|")[:2]) if parent else None,
        schedule=words(b"schedule"),
        dedupe=words(b"dedupe"),
        cancelling=b"cancel" in kept,
    )


def _worker(token: str | None) -> str | None:
    """Who runs it: the token of a claim begins with the worker's name."""
    return token.rpartition(":")[0] if token else None


def _raw(kept: Mapping[bytes, bytes], name: bytes) -> msgspec.Raw | None:
    return msgspec.Raw(kept[name]) if kept.get(name) else None


def failure(kept: bytes | None) -> Failure | None:
    """The failure that is kept as JSON."""
    return msgspec.json.decode(kept, type=Failure) if kept else None

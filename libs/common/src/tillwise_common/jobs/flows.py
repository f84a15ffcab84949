"""Flows: a parent runs when its children are done, whatever queues they are in."""

from __future__ import annotations

import secrets
import time
from collections import defaultdict
from typing import Any, Literal

import msgspec

from tillwise_common.jobs import keys
from tillwise_common.jobs.errors import BadJob
from tillwise_common.jobs.queue import Added, Entry, Queue

# What a parent does when a child has failed: fail too, run when the others are done, or run at once.
OnFailure = Literal["fail", "ignore", "continue"]
# A flow whose children are not all there by then was left half built by somebody who died: its parent fails.
BUILT_WITHIN_MS = 60_000
MOST_CHILDREN = 10_000


class Child(msgspec.Struct, kw_only=True):
    """A child: a job with a queue, which may have children of its own."""

    queue: str
    entry: Entry
    on_failure: OnFailure = "fail"
    children: list[Child] = []


class Flow(msgspec.Struct, kw_only=True):
    """A job and its children."""

    queue: str
    entry: Entry
    children: list[Child]


async def add(redis: Any, flow: Flow) -> Added:
    """Add a flow, parents before their children: nothing runs before all that it waits for is known. Raises BadJob."""
    if not flow.children:
        raise BadJob("a flow needs children; add the job itself instead")
    levels = _levels(flow)
    found: Added | None = None
    for parents in levels:
        by_queue: dict[str, list[Entry]] = defaultdict(list)
        for queue, entry, children in parents:
            if children:
                names = [f"{child.queue}:{child.entry.id}" for child in children]
                is_new = await Queue(redis, queue).run("family", entry.id, BUILT_WITHIN_MS, *names)
                if not is_new and found is None:
                    return Added(entry.id, False)
            by_queue[queue].append(entry)
        for queue, entries in by_queue.items():
            added = await Queue(redis, queue).add_many(entries)
            found = found or added[0]
            for one, told in zip(entries, added, strict=True):
                if one.parent and not told.new:
                    await _adopt(redis, queue, one)
    for parents in levels:
        for queue, entry, children in parents:
            if children:
                await redis.zrem(Queue(redis, queue).key("building"), entry.id)
    return found or Added(flow.entry.id, False)


async def results(queue: Queue, job_id: str) -> dict[str, Any]:
    """What the children of a job returned, by "queue:id"."""
    return {child: msgspec.json.decode(told) if told else None for how, child, told in await kin(queue, job_id) if how == "completed"}


async def faults(queue: Queue, job_id: str) -> dict[str, Any]:
    """How children of a job failed, by "queue:id"."""
    return {child: msgspec.json.decode(told) for how, child, told in await kin(queue, job_id) if how == "failed"}


async def kin(queue: Queue, job_id: str) -> list[tuple[str, str, bytes]]:
    """The children of a job: how each stands ("waiting", "completed", "failed"), which it is, and what it returned or raised."""
    found = await queue.redis.hgetall(queue.key(f"kin:{keys.checked(job_id)}"))
    # How many it still waits for is kept beside them.
    return [(*_split(name.decode()), told) for name, told in found.items() if name != b"waits"]


def _split(name: str) -> tuple[str, str]:
    how, _, child = name.partition(" ")
    return how, child


async def _adopt(redis: Any, queue: str, child: Entry) -> None:
    """A child that was there before: either it tells the parent when it ends, or how it ended is told now."""
    outcome, value = await Queue(redis, queue).run("adopt", child.id, child.parent)
    if outcome != b"adopted":
        parents, parent, policy = child.parent.split("|")
        await Queue(redis, parents).run("child", parent, f"{queue}:{child.id}", outcome, value, policy)


def _levels(flow: Flow) -> list[list[tuple[str, Entry, list[Child]]]]:
    """Jobs with their queues and children, a list for each generation."""
    stamp, number = f"{time.time_ns() // 1000:x}{secrets.token_hex(4)}", 0
    generation = [(flow.queue, flow.entry, flow.children)]
    found = []
    while generation:
        found.append(generation)
        below = []
        for queue, entry, children in generation:
            if len(children) > MOST_CHILDREN:
                raise BadJob(f"a job has at most {MOST_CHILDREN} children")
            entry.id = keys.checked(entry.id or f"{stamp}f{number}")
            number += 1
            entry.children = len(children)
            for child in children:
                if child.entry.dedupe:
                    raise BadJob("a child has no dedupe key: its parent waits for this very job; give it an id instead")
                child.entry.id = keys.checked(child.entry.id or f"{stamp}f{number}")
                number += 1
                child.entry.parent = f"{queue}|{entry.id}|{child.on_failure}"
                below.append((child.queue, child.entry, child.children))
        generation = below
    return found

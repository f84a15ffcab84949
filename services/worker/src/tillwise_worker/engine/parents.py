"""Brings parents the news of how their children ended. They lie in the child's queue until they are told, whoever dies meanwhile."""

from __future__ import annotations

import json

from tillwise_common.jobs.queue import Queue

AT_ONCE = 200


async def deliver(queue: Queue) -> None:
    """Tell parents how their children ended. What is told twice, because somebody died in between, changes nothing."""
    for item in await queue.redis.lrange(queue.key("outbox"), 0, AT_ONCE - 1):
        parent, child, outcome, value = json.loads(item)
        parents, parent_id, policy = parent.split("|")
        await Queue(queue.redis, parents).run("child", parent_id, f"{queue.name}:{child}", outcome, value, policy)
        await queue.redis.lrem(queue.key("outbox"), 1, item)

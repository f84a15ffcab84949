"""Jobs that come again: by a cron expression in a time zone, or every so many seconds. Whoever looks first adds the job, once."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from cronsim import CronSim, CronSimError

from tillwise_common import logs
from tillwise_common.jobs import keys, kinds
from tillwise_common.jobs.errors import BadJob, JobGone
from tillwise_common.jobs.kinds import NORMAL, Options
from tillwise_common.jobs.queue import Added, Entry, Queue, checked

# A schedule that nobody looked at for long runs once, not as often as it was missed.
MOST_DUE = 100
# When a schedule that cannot be read is looked at again.
UNREADABLE_SECONDS = 3600.0
log = logs.get("schedules")


class Schedule(msgspec.Struct, kw_only=True):
    """When a job comes again: `cron` (five fields, as in crontab) in `timezone`, or `every` so many seconds; not after `until`."""

    name: str
    job: str
    data: bytes = b"{}"
    cron: str | None = None
    every: float | None = None
    timezone: str = "UTC"
    until: float | None = None
    priority: int = NORMAL
    options: Options = Options()

    def next(self, after: float) -> float | None:
        """The next moment (Unix time) after another; None where there is none. Raises BadJob."""
        if self.every is not None:
            moment: float | None = (after // self.every + 1) * self.every
        else:
            moment = self._next_of_cron(after)
        return moment if moment is not None and (self.until is None or moment <= self.until) else None

    def _next_of_cron(self, after: float) -> float | None:
        if len((self.cron or "").split()) != 5:
            raise BadJob(f"{self.cron!r} is no cron expression: it has five fields, such as 30 2 * * 1-5")
        try:
            begin = datetime.fromtimestamp(after, UTC).astimezone(ZoneInfo(self.timezone))
            return float(next(CronSim(self.cron or "", begin)).timestamp())
        except StopIteration:
            return None
        except CronSimError as error:
            raise BadJob(f"{self.cron!r} is no cron expression ({error}): five fields, such as 30 2 * * 1-5") from None
        except (ZoneInfoNotFoundError, ValueError):
            raise BadJob(f"{self.timezone!r} is no time zone: use a name such as Europe/Berlin") from None


class Planned(msgspec.Struct, kw_only=True):
    """A schedule with when it comes next and came last (Unix time)."""

    schedule: Schedule
    next: float | None
    last: float | None
    last_job: str | None


async def put(queue: Queue, schedule: Schedule) -> None:
    """Add a schedule, or change the one of this name; one that stays as it was keeps its next moment. Raises BadJob."""
    keys.checked(schedule.name)
    if (schedule.cron is None) == (schedule.every is None) or (schedule.every is not None and schedule.every < 1):
        raise BadJob("a schedule has either cron or every (at least 1 second)")
    checked(Entry(name=schedule.job, data=schedule.data, priority=schedule.priority))
    due = schedule.next(time.time())
    key, what = queue.key(f"schedule:{schedule.name}"), msgspec.msgpack.encode(schedule)
    await queue.redis.sadd(keys.QUEUES, queue.name)
    if await queue.redis.hget(key, "what") == what and await queue.redis.zscore(queue.key("schedules"), schedule.name) is not None:
        return
    pipe = queue.redis.pipeline(transaction=True)
    pipe.hset(key, "what", what)
    if due is None:
        pipe.zrem(queue.key("schedules"), schedule.name)
    else:
        pipe.zadd(queue.key("schedules"), {schedule.name: round(due * 1000)})
    await pipe.execute()


async def remove(queue: Queue, name: str) -> None:
    """Forget a schedule; jobs that it added stay."""
    pipe = queue.redis.pipeline(transaction=True)
    pipe.zrem(queue.key("schedules"), name)
    pipe.delete(queue.key(f"schedule:{name}"))
    await pipe.execute()


async def planned(queue: Queue) -> list[Planned]:
    """All schedules of a queue, the next one first."""
    due = {name.decode(): score / 1000 for name, score in await queue.redis.zrange(queue.key("schedules"), 0, -1, withscores=True)}
    found = [await _planned(queue, name, moment) for name, moment in due.items()]
    return [one for one in found if one is not None]


async def run_now(queue: Queue, name: str) -> Added:
    """Add a schedule's job now, besides its turns. Raises JobGone."""
    known = await _planned(queue, name, None)
    if known is None:
        raise JobGone(f"the queue {queue.name} has no schedule {name}")
    what = known.schedule
    return (await queue.add_many([Entry(name=what.job, data=what.data, priority=what.priority, options=what.options)]))[0]


async def tick(queue: Queue) -> float | None:
    """Add the jobs of all schedules that are due; returns when the next one is (Unix time)."""
    now = time.time()
    due = await queue.redis.zrangebyscore(queue.key("schedules"), "-inf", now * 1000, start=0, num=MOST_DUE, withscores=True)
    for name, score in due:
        try:
            known = await _planned(queue, name.decode(), None)
            if known is not None:
                await _fire(queue, known.schedule, int(score), now)
            else:
                await queue.redis.zrem(queue.key("schedules"), name)
        except (BadJob, msgspec.MsgspecError) as error:
            # One that cannot be read keeps none of the others from coming.
            log.error("schedule_unreadable", queue=queue.name, schedule=name.decode(errors="replace"), reason=str(error))
            await queue.redis.zadd(queue.key("schedules"), {name: (now + UNREADABLE_SECONDS) * 1000})
    first = await queue.redis.zrange(queue.key("schedules"), 0, 0, withscores=True)
    return first[0][1] / 1000 if first else None


async def _fire(queue: Queue, schedule: Schedule, due: int, now: float) -> None:
    after = schedule.next(now)
    job_id = f"{schedule.name}:{due}"
    await queue.run(
        "fire", schedule.name, due, "" if after is None else round(after * 1000), job_id, schedule.job, schedule.data, schedule.priority,
        kinds.pack(schedule.options), f"schedule-{job_id}"[:128].replace(":", "-"),
    )  # fmt: skip


async def _planned(queue: Queue, name: str, due: float | None) -> Planned | None:
    kept: dict[bytes, Any] = await queue.redis.hgetall(queue.key(f"schedule:{name}"))
    if b"what" not in kept:
        return None
    return Planned(
        schedule=msgspec.msgpack.decode(kept[b"what"], type=Schedule),
        next=due,
        last=int(kept[b"last"]) / 1000 if b"last" in kept else None,
        last_job=kept[b"last_job"].decode() if b"last_job" in kept else None,
    )

"""Schedules: every tick once, whatever many workers look, in the time of their zone."""

from __future__ import annotations

import asyncio
from datetime import datetime
from math import log10
from zoneinfo import ZoneInfo

import msgspec
import pytest
from arq.worker import func
from hypothesis import given
from hypothesis import strategies as st

from tillwise_common.jobs import schedules
from tillwise_common.jobs.errors import BadJob, JobGone
from tillwise_common.jobs.kinds import Backoff
from tillwise_common.jobs.schedules import Schedule

BERLIN = ZoneInfo("Europe/Berlin")


def at(*moment: int) -> float:
    return datetime(*moment, tzinfo=BERLIN).timestamp()


@pytest.mark.parametrize(
    ("cron", "after", "next_one"),
    [
        ("30 9 * * 1-5", (2026, 11, 27, 12, 0), (2026, 11, 30, 9, 30)),
        ("0 0 1 * *", (2026, 11, 1, 0, 0), (2026, 12, 1, 0, 0)),
        # A time that is skipped comes at the end of the gap, and one that comes twice comes once.
        ("30 2 * * *", (2026, 3, 28, 12, 0), (2026, 3, 29, 3, 0)),
        ("30 2 * * *", (2026, 10, 25, 2, 30), (2026, 10, 26, 2, 30)),
    ],
)
def test_a_cron_expression_is_told_in_its_time_zone(cron, after, next_one):
    assert Schedule(name="a", job="a", cron=cron, timezone="Europe/Berlin").next(at(*after)) == at(*next_one)


def test_every_so_many_seconds_is_the_same_moment_for_all():
    assert Schedule(name="a", job="a", every=60).next(119.0) == 120
    assert Schedule(name="a", job="a", every=60).next(120.0) == 180
    assert Schedule(name="a", job="a", every=60, until=179).next(120.0) is None


@pytest.mark.parametrize(
    "bad",
    [
        Schedule(name="a", job="a"),
        Schedule(name="a", job="a", every=0.5),
        Schedule(name="a", job="a", cron="* * * * *", every=5),
        Schedule(name="a", job="a", cron="61 * * * *"),
        Schedule(name="a", job="a", cron="* * * * *", timezone="Europe/Nowhere"),
        Schedule(name="a b", job="a", every=5),
        Schedule(name="a", job="a", cron="* * * * * *"),
    ],
)
async def test_a_schedule_that_cannot_be_is_refused_in_words(desk, bad):
    with pytest.raises(BadJob):
        await schedules.put(desk.queue, bad)


async def test_a_tick_is_one_job_however_many_look(desk):
    await schedules.put(desk.queue, Schedule(name="often", job="done", every=3600))
    await desk.redis.commands.zadd(desk.queue.key("schedules"), {"often": 1000})
    await asyncio.gather(*(schedules.tick(desk.queue) for _ in range(20)))
    (job,) = await desk.control.jobs("waiting")
    assert (job.id, job.schedule) == ("often:1000", "often")
    (planned,) = await schedules.planned(desk.queue)
    assert (planned.last, planned.last_job) == (1.0, "often:1000")
    # It was missed for half a century and runs once.
    assert planned.next % 3600 == 0


async def test_a_schedule_runs_while_a_worker_is_there_and_now_when_asked(desk):
    async def done(_):
        return "ran"

    async with desk.worker(func(done, name="done")):
        await schedules.put(desk.queue, Schedule(name="soon", job="done", every=1))
        await desk.until("added", "soon:" + str(round((await schedules.planned(desk.queue))[0].next * 1000)))
        assert await desk.result((await schedules.run_now(desk.queue, "soon")).id) == "ran"
        await schedules.remove(desk.queue, "soon")
    assert await schedules.planned(desk.queue) == []
    with pytest.raises(JobGone):
        await schedules.run_now(desk.queue, "soon")


async def test_a_schedule_that_is_put_again_keeps_its_moment_unless_it_changed(desk):
    plan = Schedule(name="daily", job="done", cron="0 3 * * *")
    await schedules.put(desk.queue, plan)
    await desk.redis.commands.zadd(desk.queue.key("schedules"), {"daily": 5000})
    await schedules.put(desk.queue, plan)
    assert (await schedules.planned(desk.queue))[0].next == 5
    await schedules.put(desk.queue, Schedule(name="daily", job="done", cron="0 4 * * *"))
    assert (await schedules.planned(desk.queue))[0].next > 10**9


@given(st.floats(0.001, 100), st.floats(1, 10), st.floats(1, 10_000), st.floats(0, 1), st.integers(1, 10_000))
def test_back_off_lies_between_what_jitter_leaves_and_the_longest(first, factor, longest, jitter, attempt):
    backoff = Backoff(first, factor, longest, jitter)
    wait = backoff.seconds(attempt)
    full = longest if (attempt - 1) * log10(factor) > 300 else min(first * factor ** (attempt - 1), longest)
    assert full * (1 - jitter) - 1e-9 <= wait <= full + 1e-9


async def test_a_schedule_that_cannot_be_read_keeps_none_of_the_others_from_coming(desk):
    await schedules.put(desk.queue, Schedule(name="good", job="done", every=3600))
    await desk.redis.commands.hset(desk.queue.key("schedule:bad"), "what", b"nonsense")
    await desk.redis.commands.zadd(desk.queue.key("schedules"), {"bad": 1, "good": 2000})
    await schedules.tick(desk.queue)
    assert [job.id for job in await desk.control.jobs("waiting")] == ["good:2000"]
    await schedules.tick(desk.queue)


async def test_nothing_is_left_of_a_schedule_that_has_ended(desk):
    await schedules.put(desk.queue, Schedule(name="last", job="done", every=3600, until=10**10))
    ended = Schedule(name="last", job="done", every=3600, until=1.0)
    await desk.redis.commands.hset(desk.queue.key("schedule:last"), "what", msgspec.msgpack.encode(ended))
    await desk.redis.commands.zadd(desk.queue.key("schedules"), {"last": 1000})
    await schedules.tick(desk.queue)
    assert [job.id for job in await desk.control.jobs("waiting")] == ["last:1000"]
    assert not await desk.redis.commands.exists(desk.queue.key("schedule:last"))

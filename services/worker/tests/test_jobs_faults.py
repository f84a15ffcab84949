"""What breaks arq's own worker does not break ours, and nothing that dies takes a job along."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest
from arq.worker import func
from prometheus_client import CollectorRegistry

from tillwise_common.jobs.queue import Entry
from tillwise_worker.engine import sweeper
from tillwise_worker.engine.part import Jobs
from tillwise_worker.engine.work import Work

from .conftest import PATIENCE

LEASE = 0.6
OTHER = """
import asyncio, sys
from arq.worker import func
from tillwise_common.bus.connection import RedisConnection
from tillwise_common.jobs.queue import Queue
from tillwise_common.settings import Secret
from tillwise_worker.engine.worker import Worker

async def hold(ctx):
    if ctx["job_try"] == 1 and {hangs}:
        await asyncio.sleep(3600)
    return "other"

async def main():
    redis = RedisConnection(Secret(sys.argv[1]))
    worker = Worker(Queue(redis.commands, "work"), redis.blocking, [func(hold, name="hold")], name="other", lease={lease})
    await worker.async_run()

asyncio.run(main())
"""


async def other_worker(redis_url: str, *, hangs: bool = True) -> asyncio.subprocess.Process:
    """A worker in a process of its own."""
    return await asyncio.create_subprocess_exec(sys.executable, "-c", OTHER.format(hangs=hangs, lease=LEASE), redis_url)


async def hold(_):
    return "mine"


async def test_a_job_whose_worker_was_killed_runs_again_and_that_was_no_attempt(desk, redis_url):
    added = await desk.queue.enqueue_job("hold")
    other = await other_worker(redis_url)
    await desk.until("active", added.id)
    other.send_signal(signal.SIGKILL)
    await other.wait()
    async with desk.worker(func(hold, name="hold"), lease=LEASE):
        assert await desk.result(added.id) == "mine"
    job = await desk.control.job(added.id)
    assert (job.attempts, job.stalled) == (1, 1)
    # From the last renewal to the next sweep: well below the ten seconds that are promised with a lease of five.
    assert (await desk.control.workers())[0].name == "one"


async def test_a_worker_that_was_frozen_cannot_finish_a_job_that_another_one_has(desk, redis_url):
    other = await other_worker(redis_url, hangs=False)
    other.send_signal(signal.SIGSTOP)
    await asyncio.to_thread(os.waitid, os.P_PID, other.pid, os.WSTOPPED)
    added = await desk.queue.enqueue_job("hold")
    may_end = asyncio.Event()

    async def slow(ctx):
        await may_end.wait()
        return f"mine, try {ctx['job_try']}"

    # As if the frozen one had claimed it: its token is no longer the job's.
    claimed = await desk.queue.run("turn", 0, 1, 1, "other:1", "other", 1000, 10**8, "")
    assert claimed[6][0].decode() == added.id
    async with desk.worker(func(slow, name="hold"), lease=LEASE):
        await desk.until("stalled", added.id)
        other.send_signal(signal.SIGCONT)
        told = await desk.queue.run("turn", 1, added.id, "other:1", "completed", '"stolen"', 0, 0, 1, "other:2", "other", 1000, 10**8, "")
        assert [one.decode() for one in told[5]] == [added.id]
        assert await desk.queue.run("note", added.id, "other:1", "progress", "1", 10) == 0
        may_end.set()
        assert await desk.result(added.id) == "mine, try 1"
    other.kill()
    await other.wait()


async def test_a_job_over_which_workers_die_again_and_again_is_given_up(desk):
    added = await desk.queue.enqueue_job("deadly")
    for _ in range(sweeper.MOST_STALLS + 1):
        await desk.queue.run("turn", 0, 1, 1, "dead:1", "dead", 1000, 10**8, "")
        await asyncio.sleep(0.005)
        await desk.queue.run("reap", sweeper.MOST_STALLS, sweeper._STALLED, b"{}", 10**9)
    job = await desk.control.job(added.id)
    assert (job.state, job.error.kind, job.stalled) == ("failed", "Stalled", 4)


async def test_draining_lets_jobs_end_and_hands_back_the_rest_without_an_attempt(desk):
    began, may_end = asyncio.Event(), asyncio.Event()

    async def quick(_):
        await may_end.wait()

    async def endless(_):
        began.set()
        await asyncio.Event().wait()

    async with desk.worker(func(quick, name="quick"), func(endless, name="endless"), sweeps=False) as worker:
        ends = await desk.queue.enqueue_job("quick")
        stays = await desk.queue.enqueue_job("endless")
        await asyncio.wait_for(began.wait(), PATIENCE)
        worker.drain()
        later = await desk.queue.enqueue_job("quick")
        may_end.set()
        assert await desk.ended(ends.id) == "completed"
    job = await desk.control.job(stays.id)
    assert (job.state, job.attempts, job.worker) == ("waiting", 0, None)
    assert [one.id for one in await desk.control.jobs("waiting")] == [stays.id, later.id]


async def test_many_restarts_use_up_no_attempts(desk):
    began = asyncio.Event()

    async def endless(ctx):
        began.set()
        if ctx["job_try"] > 1:
            raise AssertionError
        await asyncio.Event().wait()

    added = await desk.queue.enqueue_job("endless")
    for _ in range(7):
        began.clear()
        async with desk.worker(func(endless, name="endless", max_tries=2), sweeps=False):
            await asyncio.wait_for(began.wait(), PATIENCE)
    assert (await desk.control.job(added.id)).attempts == 0


async def test_a_hundred_running_jobs_do_not_starve_the_next_one(desk):
    may_end = asyncio.Event()

    async def slow(_):
        await may_end.wait()

    async def quick(_):
        return "ran"

    functions = [func(slow, name="slow"), func(quick, name="quick")]
    async with desk.worker(*functions, at_once=100) as full:
        slows = await desk.queue.add_many(Entry(name="slow", data=b"{}") for _ in range(100))
        await desk.until("active", slows[-1].id)
        added = await desk.queue.enqueue_job("quick")
        async with desk.worker(*functions, name="two", at_once=100):
            assert await desk.result(added.id) == "ran"
        assert len(full.running) == 100
        may_end.set()


@pytest.mark.parametrize("hook", ["on_startup", "on_shutdown", "on_job_start", "on_job_end", "after_job_end"])
async def test_a_hook_that_raises_does_not_end_the_worker(desk, hook):
    async def raises(_):
        raise RuntimeError("a fault of the hook")

    async def done(_): ...

    async with desk.worker(func(done, name="done", max_tries=1), **{hook: raises}):
        for _ in range(2):
            added = await desk.queue.enqueue_job("done")
            # A job whose start is refused by its hook has failed; what comes after it changes nothing.
            assert await desk.ended(added.id) == ("failed" if hook == "on_job_start" else "completed")


async def test_a_restart_of_redis_ends_no_worker_and_loses_no_job(restartable_valkey, desk_at):
    desk = desk_at(restartable_valkey.url)
    began, may_end = asyncio.Event(), asyncio.Event()

    async def slow(_):
        began.set()
        await may_end.wait()
        return "ended"

    async with desk.worker(func(slow, name="slow")):
        added = await desk.queue.enqueue_job("slow")
        waiting = await desk.queue.enqueue_job("slow", _defer_by=0.5)
        await asyncio.wait_for(began.wait(), PATIENCE)
        await asyncio.to_thread(restartable_valkey.restart)
        may_end.set()
        assert await desk.result(added.id) == "ended"
        assert await desk.result(waiting.id) == "ended"


async def test_an_unknown_function_fails_the_job_alone(desk):
    async def done(_):
        return "fine"

    async with desk.worker(func(done, name="done"), keep=10**6):
        unknown = await desk.queue.enqueue_job("nobody")
        assert await desk.ended(unknown.id) == "failed"
        assert await desk.result((await desk.queue.enqueue_job("done")).id) == "fine"
    assert "knows 'nobody'" in (await desk.control.job(unknown.id)).error.message


async def test_queues_share_no_keys(desk):
    other = desk.other("elsewhere")
    one, two = await desk.queue.enqueue_job("done", _job_id="same"), await other.queue.enqueue_job("done", _job_id="same")
    assert one.new
    assert two.new
    await desk.control.do("cancel", ["same"])
    assert (await other.control.job("same")).state == "waiting"
    keys = [key.decode() async for key in desk.redis.commands.scan_iter("tw:jobs:*")]
    assert all("{work}" in key or "{elsewhere}" in key or key == "tw:jobs:queues" for key in keys)


async def test_a_cancelled_job_ends_wherever_it_is(desk):
    began, cancelled = asyncio.Event(), asyncio.Event()

    async def endless(_):
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with desk.worker(func(endless, name="endless"), lease=LEASE, at_once=1):
        runs, waits = await desk.queue.add_many(Entry(name="endless", data=b"{}") for _ in range(2))
        delayed = await desk.queue.enqueue_job("endless", _defer_by=60)
        await asyncio.wait_for(began.wait(), PATIENCE)
        assert await desk.control.do("cancel", [waits.id, delayed.id, runs.id]) == 3
        for one in (runs, waits, delayed):
            assert await desk.ended(one.id) == "failed"
            assert (await desk.control.job(one.id)).error.kind == "Cancelled"
    assert cancelled.is_set()
    # A mark to cancel ends with the job: tried again it runs.
    began.clear()
    assert await desk.control.do("retry", [runs.id]) == 1
    async with desk.worker(func(endless, name="endless")):
        await asyncio.wait_for(began.wait(), PATIENCE)


async def test_a_job_that_is_stopped_before_its_first_step_is_handed_back(desk):
    async def endless(_):
        await asyncio.Event().wait()

    async with desk.worker(func(endless, name="endless"), sweeps=False, at_once=1) as worker:
        first = await desk.queue.enqueue_job("endless")
        await desk.until("active", first.id)
        added = await desk.queue.enqueue_job("endless")
        told = await desk.queue.run("turn", 0, 1, 5000, "one:mine", "one", 10, 10**8, "")
        # In the very moment in which it is told to end: its task has not made a step.
        worker._begin("one:mine", told[6]).stop("back")
    job = await desk.control.job(added.id)
    assert (job.state, job.attempts) == ("waiting", 0)


async def test_cancelling_all_that_runs_comes_to_an_end(desk):
    may_end = asyncio.Event()

    async def stubborn(_):
        await may_end.wait()

    async with desk.worker(func(stubborn, name="stubborn"), lease=60):
        added = await desk.queue.enqueue_job("stubborn")
        await desk.until("active", added.id)
        assert [done async for done in desk.control.do_to_all("cancel", "active")] == [1, 1]
        may_end.set()


async def test_a_worker_that_has_nothing_to_do_is_given_the_next_job_and_one_that_drains_hands_it_back(desk):
    async def done(_):
        return "ran"

    async with desk.worker(func(done, name="done"), sweeps=False) as worker:
        async with asyncio.timeout(PATIENCE):
            while not await desk.redis.commands.zcard(desk.queue.key("idle")):
                await asyncio.sleep(0.001)
        added = await desk.queue.enqueue_job("done")
        assert await desk.result(added.id) == "ran"
        job = await desk.control.job(added.id)
        assert job.attempts == 1
        worker._draining = True
        await desk.redis.commands.zadd(desk.queue.key("idle"), {"5000 one": 10**15})
        given = await desk.queue.enqueue_job("done")
    job = await desk.control.job(given.id)
    assert (job.state, job.attempts) == ("waiting", 0)


async def test_a_job_that_was_cancelled_while_it_failed_is_not_tried_again(desk):
    began, may_end = asyncio.Event(), asyncio.Event()

    async def fails(_):
        began.set()
        await may_end.wait()
        raise ValueError("as it happens")

    async with desk.worker(func(fails, name="fails", max_tries=5)):
        added = await desk.queue.enqueue_job("fails")
        await asyncio.wait_for(began.wait(), PATIENCE)
        await desk.control.do("cancel", [added.id])
        may_end.set()
        assert await desk.ended(added.id) == "failed"
    assert (await desk.control.job(added.id)).error.kind == "Cancelled"


async def test_a_key_of_a_job_that_is_no_more_keeps_nobody_out(desk):
    (first,) = await desk.queue.add_many([Entry(name="done", data=b"{}", dedupe="k")])
    await desk.redis.commands.delete(desk.queue.key(f"job:{first.id}"))
    (second,) = await desk.queue.add_many([Entry(name="done", data=b"{}", dedupe="k")])
    assert second.new


async def test_a_worker_that_claims_its_own_lost_job_again_runs_and_ends_it_once(desk):
    began, may_end, ended = [], asyncio.Event(), []

    async def slow(ctx):
        began.append(ctx["job_id"])
        await may_end.wait()
        ended.append(ctx["job_id"])
        return "ended"

    async with desk.worker(func(slow, name="slow"), lease=LEASE) as worker:
        added = await desk.queue.enqueue_job("slow")
        await desk.until("active", added.id)
        # As if the server had been away for longer than the lease.
        await desk.redis.commands.zadd(desk.queue.key("active"), {added.id: 1})
        await desk.queue.run("reap", 3, b"{}", b"{}", 10**9)
        async with asyncio.timeout(PATIENCE):
            while len(began) < 2:
                await asyncio.sleep(0.005)
        may_end.set()
        assert await desk.result(added.id) == "ended"
        assert not worker.running
    assert ended == [added.id]
    assert (await desk.control.job(added.id)).attempts == 1


async def test_a_worker_that_left_is_given_nothing(desk):
    async def done(_): ...

    async with desk.worker(func(done, name="done"), sweeps=False):
        async with asyncio.timeout(PATIENCE):
            while not await desk.redis.commands.zcard(desk.queue.key("idle")):
                await asyncio.sleep(0.001)
    assert await desk.redis.commands.zcard(desk.queue.key("idle")) == 0
    added = await desk.queue.enqueue_job("done")
    assert (await desk.control.job(added.id)).state == "waiting"


async def test_a_job_whose_record_is_spoilt_leaves_no_worker_silently_stuck(desk):
    async def done(_):
        return "ran"

    spoilt, unreadable, fine = await desk.queue.add_many(Entry(name="done", data=b"{}") for _ in range(3))
    await desk.redis.commands.hset(desk.queue.key(f"job:{spoilt.id}"), "created", "yesterday")
    await desk.redis.commands.hset(desk.queue.key(f"job:{unreadable.id}"), "opts", b"\xff")
    works = {"work": [Work(func(done, name="done"))]}
    jobs = Jobs(desk.redis, "here", works, {}, CollectorRegistry(), at_once=1, drain_seconds=1.0)
    await jobs.start()
    try:
        assert await desk.result(fine.id) == "ran"
        assert await desk.result(unreadable.id) == "ran"
    finally:
        await jobs.drain()
        await jobs.close()

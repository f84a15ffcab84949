"""Limits hold over all workers, and operators' wishes are done in bounded steps."""

from __future__ import annotations

import asyncio

import pytest
from arq.worker import func

from tillwise_common.jobs.control import queues
from tillwise_common.jobs.errors import BadJob
from tillwise_common.jobs.queue import Entry


def entries(many: int, name: str = "done") -> list[Entry]:
    return [Entry(name=name, data=b'{"number": %d}' % n) for n in range(many)]


async def test_concurrency_holds_over_two_workers(desk):
    running, most, ended = set(), [], []

    async def step(ctx, number):
        running.add(number)
        most.append(len(running))
        await asyncio.sleep(0.005)
        running.discard(number)
        ended.append(number)

    await desk.control.limit(concurrency=3)
    async with desk.worker(func(step, name="done"), name="one"), desk.worker(func(step, name="done"), name="two"):
        added = await desk.queue.add_many(entries(40))
        for one in added:
            await desk.ended(one.id)
    assert max(most) == 3
    assert sorted(ended) == list(range(40))


async def test_rate_holds_over_two_workers(desk):
    began = []

    async def step(_, number):
        began.append(asyncio.get_running_loop().time())

    await desk.control.limit(rate=5, rate_seconds=0.3)
    async with desk.worker(func(step, name="done"), name="one"), desk.worker(func(step, name="done"), name="two"):
        for one in await desk.queue.add_many(entries(12)):
            await desk.ended(one.id)
    began.sort()
    # The sixth waits for the end of the window that the first one opened, the eleventh for another one.
    assert began[5] - began[0] > 0.25
    assert began[10] - began[5] > 0.25


async def test_a_paused_queue_begins_nothing_until_it_is_resumed(desk):
    async def done(_, number):
        return number

    await desk.control.pause()
    async with desk.worker(func(done, name="done")):
        (added,) = await desk.queue.add_many(entries(1))
        other = await desk.other("busy").queue.enqueue_job("x")
        assert (await desk.control.limits()).paused
        assert (await desk.control.job(added.id)).state == "waiting"
        await desk.control.resume()
        assert await desk.result(added.id) == 0
    assert other.new
    assert await queues(desk.redis.commands) == ["busy", "work"]
    with pytest.raises(BadJob):
        await desk.control.limit(concurrency=0)


async def test_all_failed_jobs_are_tried_again_or_removed_in_steps(desk):
    async def fails(_, number):
        raise ValueError("no")

    async with desk.worker(func(fails, name="done", max_tries=1), at_once=100):
        added = await desk.queue.add_many(entries(1200))
        for one in added[-100:]:
            await desk.ended(one.id)
        async with asyncio.timeout(20):
            while (await desk.control.counts())["failed"] < 1200:
                await asyncio.sleep(0.01)
    assert [done async for done in desk.control.do_to_all("retry", "failed", most=700)] == [500, 700]
    assert await desk.control.counts() == {"waiting": 700, "delayed": 0, "active": 0, "completed": 0, "failed": 500, "children": 0}
    assert [done async for done in desk.control.do_to_all("remove", "failed", older_than=3600)] == [0]
    assert [done async for done in desk.control.do_to_all("remove", "failed")][-1] == 500
    assert [done async for done in desk.control.do_to_all("cancel", "waiting")][-1] == 700
    assert [done async for done in desk.control.do_to_all("remove", "failed")][-1] == 700
    left = [key.decode() async for key in desk.redis.commands.scan_iter("*job:*")]
    assert left == []


async def test_jobs_are_found_by_words_of_their_id_name_request_and_payload(desk):
    await desk.queue.add_many(entries(1300))
    await desk.queue.add_many([Entry(name="mail", data=b'{"to": "ada@example.com"}', request_id="req-77", id="mail-1")])
    for words in ("ada@EXAMPLE", "req-77", "mail-1", "mail ada"):
        found = await desk.control.search("waiting", words)
        assert ([job.id for job in found.jobs], found.after) == (["mail-1"], None)
    page = await desk.control.search("waiting", "done", limit=10)
    assert len(page.jobs) == 10
    assert len((await desk.control.search("waiting", "done", offset=page.after, limit=2000)).jobs) == 1290


async def test_payload_and_priority_of_a_waiting_job_can_be_changed(desk):
    first, last = await desk.queue.add_many(entries(2))
    assert await desk.control.update(last.id, b'{"number": 7}')
    assert await desk.control.prioritise(last.id, 1)
    assert [(job.id, bytes(job.data)) for job in await desk.control.jobs("waiting")] == [
        (last.id, b'{"number": 7}'),
        (first.id, b'{"number": 0}'),
    ]


async def test_rates_tell_what_ended_in_each_minute(desk):
    async def done(_, number):
        if number % 2:
            raise ValueError

    async with desk.worker(func(done, name="done", max_tries=1)):
        for one in await desk.queue.add_many(entries(10)):
            await desk.ended(one.id)
    rates = await desk.control.rates(5)
    assert len(rates) == 5
    assert (sum(completed for _, completed, _ in rates), sum(failed for _, _, failed in rates)) == (5, 5)

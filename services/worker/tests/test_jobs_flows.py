"""A parent runs when its children are done, whatever queues they are in, and never waits for ever."""

from __future__ import annotations

import asyncio

import pytest
from arq.worker import func

from tillwise_common.jobs import flows
from tillwise_common.jobs.errors import BadJob
from tillwise_common.jobs.flows import Child, Flow
from tillwise_common.jobs.queue import Entry
from tillwise_worker.engine import parents


def entry(name: str, value: int = 0) -> Entry:
    return Entry(name=name, data=b'{"value": %d}' % value)


async def part(_, value):
    if value < 0:
        raise ValueError("below zero")
    return value


async def total(ctx, value):
    return [sum((await ctx["job"].children()).values()), len(await ctx["job"].faults())]


async def grand(ctx, value):
    return list((await ctx["job"].children()).values())


FUNCTIONS = [func(part, name="part", max_tries=1), func(total, name="total"), func(grand, name="grand")]


async def test_a_parent_gets_what_its_children_returned_over_queues_and_generations(desk):
    other = desk.other("parts")
    children = [Child(queue="parts", entry=entry("part", n)) for n in range(1, 4)]
    flow = Flow(
        queue="work",
        entry=entry("grand"),
        children=[Child(queue="work", entry=entry("total"), children=children), Child(queue="parts", entry=entry("part", 9))],
    )
    added = await flows.add(desk.redis.commands, flow)
    assert (await desk.control.counts())["children"] == 2
    async with desk.worker(*FUNCTIONS), other.worker(*FUNCTIONS):
        assert sorted(await desk.result(added.id), key=str) == [9, [6, 0]]
    assert sorted((await desk.control.children(added.id)).values()) == ["completed", "completed"]


@pytest.mark.parametrize(("on_failure", "state"), [("fail", "failed"), ("ignore", "completed"), ("continue", "completed")])
async def test_a_failed_child_is_handled_as_asked(desk, on_failure, state):
    children = [Child(queue="work", entry=entry("part", value), on_failure=on_failure) for value in (1, -1)]
    added = await flows.add(desk.redis.commands, Flow(queue="work", entry=entry("total"), children=children))
    async with desk.worker(*FUNCTIONS, at_once=1):
        assert await desk.ended(added.id) == state
    if state == "completed":
        assert await desk.result(added.id) == [1, 1]
    else:
        assert (await desk.control.job(added.id)).error.kind == "ChildFailed"


async def test_a_child_that_is_removed_is_waited_for_no_more(desk):
    child = Child(queue="work", entry=entry("part", 5))
    added = await flows.add(desk.redis.commands, Flow(queue="work", entry=entry("total"), children=[child]))
    await desk.control.do("remove", [child.entry.id])
    async with desk.worker(*FUNCTIONS):
        assert await desk.result(added.id) == [0, 0]


async def test_news_for_a_parent_survive_whoever_should_have_brought_them(desk):
    child = Child(queue="work", entry=entry("part", 5))
    added = await flows.add(desk.redis.commands, Flow(queue="work", entry=entry("total"), children=[child]))
    claimed = await desk.queue.run("turn", 0, 1, 5000, "dies:1", "dies", 10, 10**8, "")
    assert claimed[6][0].decode() == child.entry.id
    await desk.queue.run("turn", 1, child.entry.id, "dies:1", "completed", "5", 0, 0, 1, "dies:2", "dies", 10, 10**8, "")
    assert (await desk.control.job(added.id)).state == "children"
    # Told twice, as by one who died before he could strike it off.
    (item,) = await desk.redis.commands.lrange(desk.queue.key("outbox"), 0, -1)
    await parents.deliver(desk.queue)
    await desk.redis.commands.rpush(desk.queue.key("outbox"), item)
    await parents.deliver(desk.queue)
    async with desk.worker(*FUNCTIONS):
        assert await desk.result(added.id) == [5, 0]


async def test_a_flow_that_was_left_half_built_fails_its_parent(desk, monkeypatch):
    monkeypatch.setattr(flows, "BUILT_WITHIN_MS", 1)
    flow = Flow(queue="work", entry=entry("total"), children=[Child(queue="work", entry=entry("part"))])
    (((queue, parent, children),), _) = flows._levels(flow)
    await desk.queue.run("family", parent.id, 1, f"{queue}:{children[0].entry.id}")
    await desk.queue.add_many([parent])
    await asyncio.sleep(0.005)
    async with desk.worker(*FUNCTIONS):
        assert await desk.ended(parent.id) == "failed"
    assert (await desk.control.job(parent.id)).error.kind == "NotBuilt"


async def test_a_flow_without_children_is_refused(desk):
    with pytest.raises(BadJob):
        await flows.add(desk.redis.commands, Flow(queue="work", entry=entry("total"), children=[]))


async def test_a_flow_whose_parent_was_never_added_leaves_nothing_behind(desk):
    await desk.queue.run("family", "nobody", 1, "work:child")
    await asyncio.sleep(0.005)
    await desk.queue.run("reap", 3, b"{}", b"{}", 10**9)
    assert [key async for key in desk.redis.commands.scan_iter("*kin:*")] == []


async def test_a_flow_that_is_added_again_is_the_one_that_was_there(desk):
    def flow() -> Flow:
        child = Child(queue="work", entry=Entry(name="part", data=b'{"value": 5}', id="child"))
        return Flow(queue="work", entry=Entry(name="total", data=b'{"value": 0}', id="parent"), children=[child])

    assert (await flows.add(desk.redis.commands, flow())).new
    async with desk.worker(*FUNCTIONS):
        assert await desk.result("parent") == [5, 0]
    assert await flows.add(desk.redis.commands, flow()) == ("parent", False)
    assert (await desk.control.job("parent")).state == "completed"


async def test_a_child_that_was_there_before_its_parent_is_waited_for_or_has_ended(desk):
    async with desk.worker(*FUNCTIONS):
        (done,) = await desk.queue.add_many([Entry(name="part", data=b'{"value": 5}', id="done")])
        await desk.result(done.id)
    await desk.queue.add_many([Entry(name="part", data=b'{"value": 2}', id="waits")])
    children = [Child(queue="work", entry=Entry(name="part", data=b"{}", id=one)) for one in ("done", "waits")]
    added = await flows.add(desk.redis.commands, Flow(queue="work", entry=entry("total"), children=children))
    async with desk.worker(*FUNCTIONS):
        assert await desk.result(added.id) == [7, 0]


async def test_a_child_with_a_dedupe_key_is_refused(desk):
    child = Child(queue="work", entry=Entry(name="part", data=b"{}", dedupe="k"))
    with pytest.raises(BadJob, match="dedupe"):
        await flows.add(desk.redis.commands, Flow(queue="work", entry=entry("total"), children=[child]))


async def test_a_parent_that_is_tried_again_waits_for_those_of_its_children_that_have_not_ended(desk):
    children = [Child(queue="work", entry=entry("part", 3))]
    added = await flows.add(desk.redis.commands, Flow(queue="work", entry=entry("total"), children=children))
    await desk.control.do("cancel", [added.id])
    assert await desk.control.do("retry", [added.id]) == 1
    assert (await desk.control.job(added.id)).state == "children"
    async with desk.worker(*FUNCTIONS):
        assert await desk.result(added.id) == [3, 0]


async def test_a_family_that_was_left_half_built_takes_no_job_of_another_state_along(desk):
    await desk.queue.run("family", "parent", 1, "work:child")
    await desk.queue.add_many([Entry(name="total", data=b'{"value": 0}', id="parent")])
    await asyncio.sleep(0.005)
    await desk.queue.run("reap", 3, b"{}", b"{}", 10**9)
    assert [job.id for job in await desk.control.jobs("waiting")] == ["parent"]

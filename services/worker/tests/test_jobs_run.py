"""A job runs, is tried again, and ends; what it returned or raised is kept."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest
from arq.worker import Retry, func

from tillwise_common import request_id
from tillwise_common.jobs.errors import BadJob, JobFailed, JobGone, Later, Unrecoverable
from tillwise_common.jobs.kinds import Backoff, Kind, Options
from tillwise_common.jobs.queue import Entry
from tillwise_worker.engine.work import work

QUICK = Backoff(first=0.01, jitter=0)


class Greet(msgspec.Struct):
    name: str


GREET = Kind(name="greet", payload=Greet, queue="work")


async def test_a_job_gets_its_payload_and_its_result_is_kept(desk):
    async def greet(_, order: Greet) -> dict[str, str]:
        return {"said": f"hello {order.name}"}

    async with desk.worker(work(GREET, greet)):
        added = await desk.queue.add(GREET, Greet("Ada"))
        assert await desk.result(added.id) == {"said": "hello Ada"}
    job = await desk.control.job(added.id)
    assert (job.state, job.attempts, bytes(job.data)) == ("completed", 1, b'{"name":"Ada"}')


async def test_functions_of_arq_take_their_arguments_by_place_and_name(desk):
    async def add(ctx, one, other, *, times=1):
        assert (ctx["job_id"], ctx["job_try"]) == ("sum-1", 1)
        return (one + other) * times

    async with desk.worker(func(add, name="add")):
        added = await desk.queue.enqueue_job("add", 2, 3, times=10, _job_id="sum-1")
        assert await desk.result(added.id) == 50
        # An id that is known adds nothing.
        assert await desk.queue.enqueue_job("add", 2, 3, _job_id="sum-1") == ("sum-1", False)


async def test_a_function_of_arq_may_enqueue_more(desk):
    async def first(ctx):
        return (await ctx["redis"].enqueue_job("second")).id

    async def second(_):
        return "done"

    async with desk.worker(func(first, name="first"), func(second, name="second")):
        added = await desk.queue.enqueue_job("first")
        assert await desk.result(await desk.result(added.id)) == "done"


async def test_a_plain_exception_is_tried_again_with_back_off(desk):
    tries = []

    async def flaky(ctx):
        tries.append(ctx["job_try"])
        if len(tries) < 3:
            raise ValueError("not yet")
        return "at last"

    async with desk.worker(func(flaky, name="flaky")):
        (added,) = await desk.queue.add_many([Entry(name="flaky", data=b"{}", options=Options(attempts=3, backoff=QUICK))])
        assert await desk.result(added.id) == "at last"
    assert tries == [1, 2, 3]


async def test_a_failed_job_keeps_where_it_failed_but_no_values(desk):
    async def fails(_, password):
        raise ValueError("it does not fit")

    request_id.current.set("asked-1")
    async with desk.worker(func(fails, name="fails", max_tries=1)):
        added = await desk.queue.enqueue_job("fails", password="hunter2")
        with pytest.raises(JobFailed, match="ValueError: it does not fit"):
            await desk.result(added.id)
    job = await desk.control.job(added.id)
    assert (job.state, job.attempts, job.request_id) == ("failed", 1, "asked-1")
    assert job.error.traceback[-1].endswith(" in fails")
    assert "hunter2" not in str(job.error)


async def test_the_request_id_goes_along(desk):
    async def whose(_):
        return request_id.current.get()

    request_id.current.set("asked-2")
    async with desk.worker(func(whose, name="whose")):
        assert await desk.result((await desk.queue.enqueue_job("whose")).id) == "asked-2"


@pytest.mark.parametrize("error", [Unrecoverable("no use"), SystemExit(3), KeyboardInterrupt()])
async def test_some_errors_are_final_and_none_ends_the_worker(desk, error):
    async def fails(_):
        raise error

    async def works(_):
        return "alive"

    async with desk.worker(func(fails, name="fails", max_tries=1), func(works, name="works")):
        added = await desk.queue.enqueue_job("fails")
        assert await desk.ended(added.id) == "failed"
        assert await desk.result((await desk.queue.enqueue_job("works")).id) == "alive"


async def test_a_job_may_ask_to_come_back_later_without_an_attempt(desk):
    tries = []

    async def waits(ctx):
        tries.append(ctx["job_try"])
        if len(tries) <= 4:
            raise Later(0.01, free=True)
        if len(tries) == 5:
            raise Retry(defer=timedelta(milliseconds=10))

    async with desk.worker(func(waits, name="waits", max_tries=2)):
        added = await desk.queue.enqueue_job("waits")
        assert await desk.ended(added.id) == "completed"
    assert tries == [1, 1, 1, 1, 1, 2]


async def test_a_job_that_takes_too_long_fails_as_a_timeout(desk):
    async def hangs(_):
        await asyncio.Event().wait()

    async with desk.worker(func(hangs, name="hangs", timeout=0.05, max_tries=1)):
        added = await desk.queue.enqueue_job("hangs")
        assert await desk.ended(added.id) == "failed"
    assert (await desk.control.job(added.id)).error.kind == "Timeout"


async def test_a_payload_that_does_not_fit_fails_at_once_and_says_why(desk):
    async def greet(_, order: Greet) -> None: ...

    async with desk.worker(work(GREET, greet)):
        (added,) = await desk.queue.add_many([Entry(name="greet", data=b'{"name": 5}', options=Options(attempts=9))])
        assert await desk.ended(added.id) == "failed"
    job = await desk.control.job(added.id)
    assert job.attempts == 1
    assert "Expected `str`, got `int` - at `$.name`" in job.error.message


async def test_a_result_that_is_no_json_does_not_undo_the_job(desk):
    async def odd(_):
        return object()

    async with desk.worker(func(odd, name="odd")):
        assert await desk.result((await desk.queue.enqueue_job("odd")).id) is None


async def test_progress_and_lines_are_told_while_it_runs(desk):
    may_end = asyncio.Event()

    async def slow(ctx):
        await ctx["job"].progress({"done": 5, "of": 10})
        await ctx["job"].log("half way")
        await may_end.wait()

    async with desk.worker(func(slow, name="slow")):
        added = await desk.queue.enqueue_job("slow")
        await desk.until("progress", added.id)
        job = await desk.control.job(added.id)
        assert (job.state, job.worker, bytes(job.progress)) == ("active", "one", b'{"done":5,"of":10}')
        may_end.set()
        await desk.result(added.id)
    assert [line for _, line in await desk.control.lines(added.id)] == ["half way"]


async def test_jobs_of_a_priority_come_first_in_first_out_and_the_first_priority_first(desk):
    order = []

    async def note(_, name):
        order.append(name)

    def entry(name: str, priority: int) -> Entry:
        return Entry(name="note", data=msgspec.json.encode({"name": name}), priority=priority)

    added = await desk.queue.add_many([entry("c1", 100), entry("c2", 100), entry("a", 0), entry("b", 50), entry("d", 1000)])
    async with desk.worker(func(note, name="note"), at_once=1):
        await desk.result(added[-1].id)
    assert order == ["a", "b", "c1", "c2", "d"]


async def test_a_delayed_job_runs_when_it_is_due_and_can_be_promoted(desk):
    async def done(_): ...

    async with desk.worker(func(done, name="done")):
        soon = await desk.queue.enqueue_job("done", _defer_by=0.2)
        late = await desk.queue.enqueue_job("done", _defer_by=3600)
        assert await desk.ended(soon.id) == "completed"
        job = await desk.control.job(soon.id)
        assert job.started >= job.created + 200
        assert (await desk.control.job(late.id)).state == "delayed"
        assert await desk.control.do("promote", [late.id]) == 1
        assert await desk.ended(late.id) == "completed"


async def test_a_key_keeps_others_out_until_the_job_has_ended(desk):
    async def done(_): ...

    def entry() -> Entry:
        return Entry(name="done", data=b"{}", dedupe="report-5")

    first, second = await desk.queue.add_many([entry(), entry()])
    assert (first.new, second) == (True, (first.id, False))
    async with desk.worker(func(done, name="done")):
        await desk.result(first.id)
        assert (await desk.queue.add_many([entry()]))[0].new


async def test_debounce_takes_the_last_payload_and_begins_the_delay_anew(desk):
    seen = []

    async def note(_, value):
        seen.append(value)

    def entry(value: int) -> Entry:
        return Entry(name="note", data=b'{"value": %d}' % value, delay=0.3, dedupe="typing", debounce=True)

    async with desk.worker(func(note, name="note")):
        added = [(await desk.queue.add_many([entry(value)]))[0] for value in range(5)]
        assert {one.id for one in added} == {added[0].id}
        await desk.result(added[0].id)
    assert seen == [4]


async def test_what_cannot_be_a_job_is_refused_before_any_is_added(desk):
    for bad in (
        Entry(name="x", data=b"{}", id="with space"),
        Entry(name="x", data=b"{}", priority=1001),
        Entry(name="x", data=b" " * 1_000_001),
        Entry(name="x", data=b"{}", debounce=True),
        Entry(name="x", data=b"{}", delay=float("inf")),
        Entry(name="x", data=b"{}", id=".."),
    ):
        with pytest.raises(BadJob):
            await desk.queue.add_many([Entry(name="x", data=b"{}"), bad])
    with pytest.raises(BadJob, match="not JSON"):
        await desk.queue.enqueue_job("x", object())
    with pytest.raises(JobGone):
        await desk.control.job("nobody")
    assert sum((await desk.control.counts()).values()) == 0


async def test_completed_jobs_are_kept_by_count(desk):
    async def done(_): ...

    async with desk.worker(func(done, name="done"), keep=5):
        added = await desk.queue.add_many(Entry(name="done", data=b"{}") for _ in range(20))
        await desk.result(added[-1].id)
    assert (await desk.control.counts())["completed"] == 5
    with pytest.raises(JobGone):
        await desk.control.job(added[0].id)


async def test_completed_jobs_are_kept_no_longer_than_they_should_where_nothing_else_completes(desk):
    async def done(_): ...

    async with desk.worker(func(done, name="done"), sweeps=False):
        added = await desk.queue.enqueue_job("done")
        await desk.result(added.id)
    await asyncio.sleep(0.005)
    await desk.queue.run("reap", 3, b"{}", b"{}", 1)
    with pytest.raises(JobGone):
        await desk.control.job(added.id)


async def test_who_waits_for_a_job_that_is_removed_is_told_so(desk):
    added = await desk.queue.enqueue_job("never", _defer_by=3600)
    waiting = asyncio.create_task(desk.result(added.id))
    await desk.until("added", added.id)
    await desk.control.do("remove", [added.id])
    with pytest.raises(JobGone):
        await waiting


async def test_progress_that_is_too_large_to_tell_everybody_fails_the_job(desk):
    async def talks(ctx):
        await ctx["job"].progress("x" * 20_000)

    async with desk.worker(func(talks, name="talks", max_tries=1)):
        added = await desk.queue.enqueue_job("talks")
        assert await desk.ended(added.id) == "failed"

"""Live news of queues: what happened is told once, together, and to everybody who looks."""

from __future__ import annotations

import asyncio
import contextlib

import orjson

from tillwise_common.contracts.jobs import KINDS
from tillwise_common.jobs.queue import entry
from tillwise_gateway.queues import live, stream

from .queue_stand_in import SEND_MAIL, SendMail, until

PATH = "/api/v1/admin/queues"
PATIENCE = 20.0


class Listening:
    """A stream of news that is read."""

    def __init__(self, response):
        self._response = response

    async def next(self):
        """The next message; None at the end."""
        async with asyncio.timeout(PATIENCE):
            while line := await self._response.content.readline():
                if line.startswith(b"data: "):
                    return orjson.loads(line.removeprefix(b"data: "))
        return None

    async def heard(self, true):
        """The first message of which something is true."""
        while (news := await self.next()) is not None:
            if true(news):
                return news
        raise AssertionError("the stream ended")

    async def line(self):
        async with asyncio.timeout(PATIENCE):
            return await self._response.content.readline()


@contextlib.asynccontextmanager
async def listening(office, queue="mail"):
    async with office._session.get(f"{office.url}{PATH}/{queue}/news", headers={"Authorization": f"Bearer {office.key}"}) as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        yield Listening(response)


async def test_who_begins_to_look_is_told_how_things_stand(office, mail):
    await mail.add()
    async with listening(office) as news:
        first = await news.next()
        assert (first["queue"], first["counts"]["waiting"], first["paused"]) == ("mail", 1, False)


async def test_what_happens_is_told_with_counts_and_jobs(office, mail):
    async with listening(office) as news:
        await news.next()
        job_id = await mail.add()
        told = await news.heard(lambda one: job_id in one["jobs"])
        assert (told["counts"]["waiting"], told["happened"]) == (1, {"added": 1})
        await mail.take()
        told = await news.heard(lambda one: "active" in one["happened"])
        assert told["counts"]["active"] == 1


async def test_a_thousand_jobs_are_a_few_messages_that_lack_none(office, mail):
    async with listening(office) as news:
        await news.next()
        for n in range(20):
            await mail.queue.add_many([entry(SEND_MAIL, SendMail(to=f"{n}.{m}")) for m in range(50)])
        told, added, messages = None, 0, 0
        while added < 1000:
            told = await news.next()
            added += told["happened"].get("added", 0)
            messages += 1
        assert (added, told["counts"]["waiting"]) == (1000, 1000)
        # Twenty steps; in a quarter of a second there are many of them.
        assert messages < 20
        assert len(told["jobs"]) <= 100


async def test_one_stream_tells_of_all_queues(office, mail):
    async with listening(office, "-") as news:
        known = {kind.queue for kind in KINDS} | {"mail"}
        assert {(await news.next())["queue"] for _ in known} == known
        await mail.add()
        assert (await news.heard(lambda one: one["happened"]))["queue"] == "mail"


async def test_a_silent_stream_shows_that_it_lives(office, mail, monkeypatch):
    monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 0.05)
    async with listening(office) as news:
        while await news.line() != b": still here\n":
            pass


async def test_a_stream_ends_after_a_while_so_that_who_looks_is_asked_for_their_key_again(office, mail, monkeypatch):
    monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr(stream, "LONGEST_SECONDS", 0.2)
    async with listening(office) as news:
        while await news.next() is not None:
            pass


async def test_streams_end_when_the_gateway_does(office, mail):
    async with listening(office) as news:
        await news.next()
        office.service.lifecycle.stop()
        while await news.next() is not None:
            pass


async def test_a_stream_goes_on_when_the_connection_to_redis_was_cut(office, mail):
    async with listening(office) as news:
        await news.next()
        await mail.redis.commands.client_kill_filter(_type="normal", skipme=True)
        job_id = await mail.add()
        await news.heard(lambda one: one["counts"]["waiting"] == 1)
        await mail.control.do("cancel", [job_id])
        await news.heard(lambda one: one["counts"]["failed"] == 1)


async def test_nobody_watches_a_queue_at_which_nobody_looks(office, mail):
    async def readers():
        return [one for one in await mail.redis.commands.client_list() if one["cmd"] == "xread"]

    async with listening(office) as first, listening(office) as second:
        await first.next()
        await second.next()
        # Both share one reader.
        await until(readers)
        assert len(tasks_of("news of mail")) == 1
    await until(lambda: nothing(tasks_of("news of mail")))


def tasks_of(name):
    return [task for task in asyncio.all_tasks() if task.get_name() == name]


async def nothing(found):
    return not found


async def test_too_many_who_look_are_asked_to_come_back(office, mail, monkeypatch):
    monkeypatch.setattr(live, "MOST_LISTENERS", 1)
    async with listening(office) as news:
        await news.next()
        answer = await office.call("GET", f"{PATH}/mail/news")
        assert (answer.status, (await answer.json())["code"], answer.headers["Retry-After"]) == (503, "too_many_listeners", "10")

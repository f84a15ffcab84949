"""`/api/v1/admin/queues`: queues, jobs and schedules for programs, and for the scripts of the pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from tillwise_common.jobs.control import Action
from tillwise_common.jobs.queue import Added
from tillwise_common.web.problems import Problem, json_response
from tillwise_gateway.admin.bodies import read_body
from tillwise_gateway.queues import faults, stream
from tillwise_gateway.queues.changes import Bulk, Limits, NewJob, Priority
from tillwise_gateway.queues.desk import PAGE, Desk, state_of
from tillwise_gateway.queues.entrance import Entrance, chosen
from tillwise_gateway.queues.live import Live

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PATH = "/api/v1/admin/queues"
MOST, FURTHEST = 200, 10_000_000
# Rates are kept for two days.
MOST_MINUTES = 2880


class Some(msgspec.Struct, forbid_unknown_fields=True):
    """What to do to some jobs."""

    action: Action
    ids: list[str]


class Change(msgspec.Struct, forbid_unknown_fields=True):
    """What to change of a job that does not run."""

    payload: dict[str, Any] | None = None
    priority: Priority | None = None


class Copy(msgspec.Struct, forbid_unknown_fields=True):
    """A job like another one; without a payload, with the same."""

    payload: dict[str, Any] | None = None


class QueueRoutes:
    """The handlers; every one of them wants the platform's admin."""

    def __init__(self, entrance: Entrance, desk: Desk, live: Live) -> None:
        self._entrance, self._desk, self._live = entrance, desk, live

    def routes(self) -> list[web.RouteDef]:
        one, job = f"{PATH}/{{queue}}", f"{PATH}/{{queue}}/jobs/{{id}}"
        found = [
            web.get(PATH, self.list),
            web.get(one, self.show),
            web.get(f"{one}/kinds", self.kinds),
            web.get(f"{one}/jobs", self.jobs),
            web.post(f"{one}/jobs", self.add),
            web.get(job, self.job),
            web.patch(job, self.change),
            web.post(f"{job}/duplicate", self.duplicate),
            web.post(f"{one}/actions", self.act),
            web.post(f"{one}/bulk", self.bulk),
            web.post(f"{one}/pause", self.pause),
            web.post(f"{one}/resume", self.resume),
            web.put(f"{one}/limits", self.limit),
            web.get(f"{one}/schedules", self.schedules),
            web.post(f"{one}/schedules/{{name}}/run", self.run_schedule),
            web.delete(f"{one}/schedules/{{name}}", self.remove_schedule),
        ]
        return [web.RouteDef(route.method, route.path, _told(route.handler), route.kwargs) for route in found] + [
            # No queue is named so: it stands for all.
            web.get(f"{PATH}/-/news", self.news_of_all),
            web.get(f"{one}/news", self.news),
        ]

    async def list(self, request: web.Request) -> web.Response:
        """All queues, and how Redis is."""
        await self._entrance.look_around(request)
        queues, server = await self._desk.overview(), await self._desk.server()
        return json_response({"queues": queues, "redis": server, "read_only": self._entrance.read_only})

    async def show(self, request: web.Request) -> web.Response:
        """One queue, with the rates of the last `minutes`."""
        queue = await self._entrance.look(request)
        return json_response(await self._desk.summary(queue, _number(request, "minutes", 60, 1, MOST_MINUTES)))

    async def kinds(self, request: web.Request) -> web.Response:
        """What jobs can be added to a queue, with the JSON Schemas of their payloads."""
        queue = await self._entrance.look(request)
        found = [
            {"name": kind.name, "about": kind.about, "priority": kind.priority, "secret": kind.secret, "schema": kind.schema()}
            for kind in self._desk.known.of(queue.queue.name)
        ]
        return json_response({"kinds": found})

    async def jobs(self, request: web.Request) -> web.Response:
        """A page of jobs: `state`, `words` to search for, `limit`, and `offset` (the `next` of the page before)."""
        queue = await self._entrance.look(request)
        state, words = state_of(request.query.get("state", "waiting")), request.query.get("words", "")
        offset, limit = _number(request, "offset", 0, 0, FURTHEST), _number(request, "limit", PAGE, 1, MOST)
        counts, page = await queue.counts(), await self._desk.jobs(queue, state, words, offset, limit)
        return json_response({"state": state, "count": counts[state], **page})

    async def job(self, request: web.Request) -> web.Response:
        queue = await self._entrance.look(request)
        return json_response(await self._desk.job(queue, request.match_info["id"]))

    async def add(self, request: web.Request) -> web.Response:
        changes = await self._entrance.change(request)
        return _added(await changes.add(await read_body(request, NewJob)))

    async def change(self, request: web.Request) -> web.Response:
        """Another payload or priority."""
        changes = await self._entrance.change(request)
        wish = await read_body(request, Change)
        await changes.change(request.match_info["id"], wish.payload, wish.priority)
        return web.Response(status=204)

    async def duplicate(self, request: web.Request) -> web.Response:
        changes = await self._entrance.change(request)
        wish = await read_body(request, Copy)
        return _added(await changes.duplicate(request.match_info["id"], wish.payload))

    async def act(self, request: web.Request) -> web.Response:
        """Retry, promote, cancel or remove some jobs; `done` are fewer where some are in another state by now."""
        changes = await self._entrance.change(request)
        wish = await read_body(request, Some)
        ids = chosen(wish.ids)
        return json_response({"done": await changes.do(wish.action, ids), "of": len(ids)})

    async def bulk(self, request: web.Request) -> web.Response:
        """The same to all of a state and age; `dry_run` counts only."""
        changes = await self._entrance.change(request)
        wish = await read_body(request, Bulk)
        return json_response({"meant" if wish.dry_run else "done": await changes.do_to_all(wish)})

    async def pause(self, request: web.Request) -> web.Response:
        await (await self._entrance.change(request)).pause()
        return web.Response(status=204)

    async def resume(self, request: web.Request) -> web.Response:
        await (await self._entrance.change(request)).resume()
        return web.Response(status=204)

    async def limit(self, request: web.Request) -> web.Response:
        """Set what holds the queue back; what is left out is lifted."""
        changes = await self._entrance.change(request)
        await changes.limit(await read_body(request, Limits))
        return web.Response(status=204)

    async def schedules(self, request: web.Request) -> web.Response:
        queue = await self._entrance.look(request)
        return json_response({"schedules": await self._desk.schedules(queue)})

    async def run_schedule(self, request: web.Request) -> web.Response:
        changes = await self._entrance.change(request)
        return _added(await changes.run_schedule(request.match_info["name"]))

    async def remove_schedule(self, request: web.Request) -> web.Response:
        changes = await self._entrance.change(request)
        await changes.remove_schedule(request.match_info["name"])
        return web.Response(status=204)

    async def news(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: how many jobs are in each state, and to which something happened."""
        with faults.told():
            queue = await self._entrance.look(request)
        async with self._live.listening([queue.queue.name]) as listener:
            return await stream.send(request, listener)

    async def news_of_all(self, request: web.Request) -> web.StreamResponse:
        with faults.told():
            await self._entrance.look_around(request)
            names = await self._desk.names()
        async with self._live.listening(names) as listener:
            return await stream.send(request, listener)


def _told(handler: Any) -> Handler:
    async def told(request: web.Request) -> web.StreamResponse:
        with faults.told():
            response: web.StreamResponse = await handler(request)
            return response

    return told


def _added(added: Added) -> web.Response:
    return json_response({"id": added.id, "new": added.new}, status=201 if added.new else 200)


def _number(request: web.Request, name: str, default: int, least: int, most: int) -> int:
    text = request.query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
        raise Problem(422, "invalid_parameters", f"{name}: must be a number from {least} to {most}", field=name)
    return int(text)

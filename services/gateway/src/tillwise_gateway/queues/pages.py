"""`/api/admin/queues`: the dashboard's pages. Their forms work without scripts; scripts only make them livelier."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote, urlencode

from aiohttp import web

from tillwise_common.jobs.control import Control
from tillwise_common.jobs.errors import BadJob, JobGone
from tillwise_common.jobs.record import LISTS, State
from tillwise_common.web.problems import Problem
from tillwise_gateway.pages.rendering import Templates
from tillwise_gateway.pages.same_site import same_site
from tillwise_gateway.queues import faults, forms, sparkline, words
from tillwise_gateway.queues.changes import AGED, POSSIBLE
from tillwise_gateway.queues.desk import Desk, state_of
from tillwise_gateway.queues.entrance import Entrance
from tillwise_gateway.queues.wishes import Wish, bulk_of

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PATH, API = "/api/admin/queues", "/api/v1/admin/queues"
TITLES: dict[State, str] = {
    "waiting": "Waiting", "active": "Active", "delayed": "Delayed", "failed": "Failed", "completed": "Completed", "children": "On children",
}  # fmt: skip
VERBS = {"retry": "Retry", "promote": "Run now", "cancel": "Cancel", "remove": "Remove"}
AGES = (
    (0, "of any age"),
    (3600, "older than 1 hour"),
    (86_400, "older than 1 day"),
    (604_800, "older than 7 days"),
    (2_592_000, "older than 30 days"),
)
assert TITLES.keys() == LISTS.keys()


class QueuePages:
    """The handlers of the pages."""

    def __init__(self, entrance: Entrance, desk: Desk) -> None:
        self._entrance, self._desk, self._templates = entrance, desk, Templates()

    def routes(self) -> list[web.RouteDef]:
        one, job = f"{PATH}/{{queue}}", f"{PATH}/{{queue}}/jobs/{{id}}"
        found = [
            web.get(PATH, self.overview),
            web.get(one, self.queue),
            web.post(one, self.change_queue),
            web.get(f"{one}/bulk", self.bulk),
            web.get(job, self.job),
            web.post(job, self.change_job),
        ]
        return [web.RouteDef(route.method, route.path, self._told(route.handler), route.kwargs) for route in found]

    async def overview(self, request: web.Request) -> web.Response:
        """All queues at a glance."""
        await self._entrance.look_around(request)
        queues, server = await self._desk.overview(), await self._desk.server()
        return self._page("queues/overview.html", queues=queues, server=server, stream=f"{API}/-/news")

    async def queue(self, request: web.Request) -> web.Response:
        """One queue: its figures, the jobs of a state, its workers, schedules and limits."""
        control = await self._entrance.look(request)
        queue = await self._desk.summary(control)
        state, typed = state_of(request.query.get("state") or _first(queue["counts"])), request.query.get("words", "")[:200]
        offset = request.query.get("offset", "0")[:9]
        position = int(offset) if offset.isascii() and offset.isdigit() else 0
        await self._go_to_job(control, typed)
        page = await self._desk.jobs(control, state, typed, position)

        def link(**more: Any) -> str:
            return "?" + urlencode({"state": state, **({"words": typed} if typed else {}), **more})

        return self._page(
            "queues/queue.html",
            queue=queue,
            name=queue["name"],
            state=state,
            typed=typed,
            offset=position,
            jobs=page["jobs"],
            next=page["next"],
            schedules=await self._desk.schedules(control),
            kinds=[(kind, forms.fields(kind.schema(), kind.secret)) for kind in self._desk.known.of(queue["name"])],
            possible=[verb for verb, states in POSSIBLE.items() if state in states],
            aged=state in AGED,
            ages=AGES,
            done=_done(request),
            added=request.query.get("job", "")[:200],
            link=link,
            here=f"{PATH}/{queue['name']}{link(offset=position)}",
            stream=f"{API}/{queue['name']}/news",
        )

    async def _go_to_job(self, control: Control, typed: str) -> None:
        """Who searches for the id of a job is led to it, whatever its state."""
        with contextlib.suppress(JobGone, BadJob):
            found = await control.job(typed.strip())
            raise web.HTTPSeeOther(_job_link(f"{control.queue.name}:{found.id}"))

    async def bulk(self, request: web.Request) -> web.Response:
        """Asks whether it is meant, and says how many jobs it would be."""
        control = await self._entrance.look(request)
        wish = bulk_of(request.query)
        wish.check()
        meant = await control.count(wish.state, older_than=wish.older_than)
        return self._page("queues/bulk.html", name=control.queue.name, wish=wish, meant=meant, ages=dict(AGES))

    async def job(self, request: web.Request) -> web.Response:
        """Everything that is known of a job."""
        control = await self._entrance.look(request)
        job = await self._desk.job(control, request.match_info["id"])
        return self._page(
            "queues/job.html",
            name=control.queue.name,
            job=job,
            possible=[verb for verb, states in POSSIBLE.items() if job["state"] in states],
            changeable=job["state"] in ("waiting", "delayed", "children", "failed"),
            done=_done(request),
            stream=f"{API}/{control.queue.name}/news",
        )

    async def change_queue(self, request: web.Request) -> web.Response:
        """A form of the queue's page."""
        same_site(request)
        changes = await self._entrance.change(request)
        form = await request.post()
        told = await Wish(form).for_queue(changes, self._desk.known)
        state = str(form.get("state", ""))
        back = {**({"state": state} if state in LISTS else {}), **told}
        raise web.HTTPSeeOther(f"{PATH}/{request.match_info['queue']}?{urlencode(back)}")

    async def change_job(self, request: web.Request) -> web.Response:
        """A form of the job's page."""
        same_site(request)
        changes = await self._entrance.change(request)
        job_id, queue = request.match_info["id"], request.match_info["queue"]
        told = await Wish(await request.post()).for_job(changes, job_id)
        where = f"{PATH}/{queue}" if told["done"] == "remove" else _job_link(f"{queue}:{told.pop('id', job_id)}")
        raise web.HTTPSeeOther(f"{where}?{urlencode(told)}")

    def _page(self, template: str, **values: Any) -> web.Response:
        return self._templates.page(
            template,
            person=True,
            path=PATH,
            read_only=self._entrance.read_only,
            titles=TITLES,
            verbs=VERBS,
            spark=sparkline.sparkline,
            words=words,
            job_link=_job_link,
            **values,
        )

    def _told(self, handler: Any) -> Handler:
        """`handler`, whose problems a person can read, and who is not known is sent to the login."""

        async def told(request: web.Request) -> web.StreamResponse:
            try:
                with faults.told():
                    response: web.StreamResponse = await handler(request)
                    return response
            except Problem as problem:
                if problem.status == 401 and request.method == "GET":
                    raise web.HTTPSeeOther(f"/login?next={quote(request.path_qs, safe='')}") from None
                page = self._templates.page(
                    "problem.html", status=problem.status, problem=problem, errors=[], person=None, back=(PATH, "Back to the queues")
                )
                page.headers.update(problem.headers)
                return page

        return told


def _first(counts: dict[State, int]) -> State:
    """The state that is shown first: what failed needs somebody, then what runs, and so on."""
    order: tuple[State, ...] = ("failed", "active", "waiting", "delayed", "children", "completed")
    return next((state for state in order if counts[state]), "waiting")


def _done(request: web.Request) -> tuple[str, int] | None:
    """What a form did before this page, and to how many."""
    done, count = request.query.get("done", ""), request.query.get("count", "0")
    return (done, int(count)) if done and count.isascii() and count.isdigit() and len(count) < 9 else None


def _job_link(name: str) -> str:
    """The page of a job that is named as "queue:id"."""
    queue, _, job_id = name.partition(":")
    return f"{PATH}/{queue}/jobs/{quote(job_id, safe=':')}"

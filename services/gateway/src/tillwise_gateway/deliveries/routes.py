"""`/api/v1/report-schedules`: reports that come by themselves, by e-mail or to a webhook."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from tillwise_common import logs
from tillwise_common.bus.connection import RedisConnection
from tillwise_common.contracts.deliveries import Address, ByMail, ByWebhook, Delivery, Url
from tillwise_common.contracts.jobs import DELIVER_REPORT
from tillwise_common.contracts.stores import Store
from tillwise_common.jobs import schedules
from tillwise_common.jobs.errors import BadJob
from tillwise_common.jobs.queue import Queue
from tillwise_common.jobs.schedules import Planned, Schedule
from tillwise_common.render.forms import FORMS
from tillwise_common.web.problems import Problem, json_response
from tillwise_gateway.accounts.door import Door
from tillwise_gateway.accounts.principal import Principal
from tillwise_gateway.admin.bodies import read_body
from tillwise_gateway.asking import reached
from tillwise_gateway.reports.catalogue import Catalogue
from tillwise_gateway.reports.client import ReportsClient

FindStore = Callable[[Principal, str | None], Awaitable[Store]]
PATH = "/api/v1/report-schedules"
# More than that nobody reads.
MOST_OF_A_STORE = 100
log = logs.get("report_schedules")


class Wanted(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a client sends. `to` or `webhook`; `timezone` is the store's where none is said."""

    report: str
    cron: str
    format: str = "pdf"
    params: dict[str, str | int | float | bool | None] = {}
    timezone: str | None = None
    to: list[Address] = []
    webhook: Url | None = None
    store: str | None = None


class ReportSchedules:
    """The handlers; they want a key of the store with the scope export."""

    def __init__(self, door: Door, find_store: FindStore, catalogue: Catalogue, client: ReportsClient, redis: RedisConnection) -> None:
        self._door, self._find_store, self._catalogue, self._client = door, find_store, catalogue, client
        self._queue = Queue(redis.commands, DELIVER_REPORT.queue)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(PATH, self.add),
            web.get(PATH, self.show_all),
            web.get(f"{PATH}/{{id}}", self.show),
            web.delete(f"{PATH}/{{id}}", self.remove),
            web.post(f"{PATH}/{{id}}/run", self.run),
        ]

    async def add(self, request: web.Request) -> web.Response:
        """A new one: 201. The secret that signs a webhook is told this once."""
        principal = await self._door.authenticate(request, "export")
        wanted = await read_body(request, Wanted)
        store = await self._find_store(principal, wanted.store or request.query.get("store") or None)
        if len(await self._of(store)) >= MOST_OF_A_STORE:
            raise Problem(409, "too_many_schedules", f"A store has at most {MOST_OF_A_STORE} of them: remove one first.")
        await self._check(wanted)
        # Asked once now: who mistypes a parameter is told so, and not next Monday.
        await self._client.run(store, wanted.report, _params(wanted))
        plan = f"s{store.id}.{secrets.token_hex(8)}"
        order = _delivery(wanted, store, plan)
        schedule = Schedule(
            name=plan, job=DELIVER_REPORT.name, data=msgspec.json.encode(order), cron=wanted.cron,
            timezone=wanted.timezone or store.timezone, options=DELIVER_REPORT.options, priority=DELIVER_REPORT.priority,
        )  # fmt: skip
        try:
            await reached(schedules.put(self._queue, schedule))
        except BadJob as error:
            raise _refused("cron" if "cron" in str(error) else "timezone", str(error)) from None
        log.info("report_scheduled", plan=plan, store=store.id, report=wanted.report, way=type(order.way).__name__)
        told = _told(await self._find(store, plan))
        if isinstance(order.way, ByWebhook):
            told["secret"] = order.way.secret
        return json_response(told, status=201, headers={"Location": f"{PATH}/{plan}"})

    async def show_all(self, request: web.Request) -> web.Response:
        store = await self._store(request)
        return json_response({"schedules": [_told(one) for one in await self._of(store)]})

    async def show(self, request: web.Request) -> web.Response:
        store = await self._store(request)
        return json_response(_told(await self._find(store, request.match_info["id"])))

    async def remove(self, request: web.Request) -> web.Response:
        store = await self._store(request)
        found = await self._find(store, request.match_info["id"])
        await reached(schedules.remove(self._queue, found.schedule.name))
        log.info("report_schedule_removed", plan=found.schedule.name, store=store.id)
        return web.Response(status=204)

    async def run(self, request: web.Request) -> web.Response:
        """Send it now, besides its turns."""
        store = await self._store(request)
        found = await self._find(store, request.match_info["id"])
        added = await reached(schedules.run_now(self._queue, found.schedule.name))
        return json_response({"job": added.id}, status=202)

    async def _store(self, request: web.Request) -> Store:
        principal = await self._door.authenticate(request, "export")
        return await self._find_store(principal, request.query.get("store") or None)

    async def _of(self, store: Store) -> list[Planned]:
        found: list[Planned] = await reached(schedules.planned(self._queue))
        return [one for one in found if one.schedule.name.startswith(f"s{store.id}.")]

    async def _find(self, store: Store, plan: str) -> Planned:
        """Raises Problem 404, also for another store's."""
        found = next((one for one in await self._of(store) if one.schedule.name == plan), None)
        if found is None:
            raise Problem(404, "no_such_schedule", "This store has no report schedule of this id.")
        return found

    async def _check(self, wanted: Wanted) -> None:
        known = [one["name"] for one in await self._catalogue.reports()]
        if wanted.report not in known:
            raise _refused("report", f"must be one of {', '.join(known)}")
        if wanted.format not in FORMS:
            raise _refused("format", f"must be one of {', '.join(FORMS)}")
        if bool(wanted.to) == (wanted.webhook is not None):
            raise _refused("to", "say either to (e-mail addresses) or webhook (an address)")
        if len(wanted.to) > 50:
            raise _refused("to", "at most 50 addresses")


def _delivery(wanted: Wanted, store: Store, plan: str) -> Delivery:
    way = ByMail(wanted.to) if wanted.webhook is None else ByWebhook(wanted.webhook, _secret())
    return Delivery(store, wanted.report, _params(wanted), wanted.format, way, plan)  # type: ignore[arg-type]


def _params(wanted: Wanted) -> dict[str, str]:
    return {key: _text(value) for key, value in wanted.params.items() if value is not None}


def _secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _text(value: str | int | float | bool) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _told(planned: Planned) -> dict[str, Any]:
    schedule = planned.schedule
    order = msgspec.json.decode(schedule.data, type=Delivery)
    way = {"to": order.way.to} if isinstance(order.way, ByMail) else {"webhook": order.way.url}
    return {
        "id": schedule.name,
        "report": order.report,
        "params": order.params,
        "format": order.format,
        "cron": schedule.cron,
        "timezone": schedule.timezone,
        **way,
        "next": planned.next,
        "last": planned.last,
        "last_job": planned.last_job,
    }


def _refused(parameter: str, detail: str) -> Problem:
    return Problem(422, "invalid_schedule", f"{parameter}: {detail}", errors=[{"parameter": parameter, "detail": detail}])

"""Pages: the trend, the login, and the files they need."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import orjson
from aiohttp import web

from tillwise_common.contracts import groups, reports
from tillwise_common.contracts.reports import Column, ReportAnswer
from tillwise_common.contracts.stores import Store
from tillwise_common.render.shown import show
from tillwise_common.web.problems import Problem
from tillwise_gateway.accept import prefers_page
from tillwise_gateway.accounts.accounts import Accounts
from tillwise_gateway.accounts.door import COOKIE, Door
from tillwise_gateway.accounts.principal import Principal
from tillwise_gateway.pages.any_report import values_of
from tillwise_gateway.pages.bundle import ChartBundle
from tillwise_gateway.pages.downloads import downloads
from tillwise_gateway.pages.questions import fields, meant, without_days
from tillwise_gateway.pages.rendering import STATIC, Templates
from tillwise_gateway.pages.same_site import same_site
from tillwise_gateway.reports.catalogue import Catalogue
from tillwise_gateway.reports.client import ReportsClient
from tillwise_gateway.reports.routes import single_values

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
CHOICES = {
    "metric": {
        "sales": "Sales", "orders": "Orders", "units": "Units", "average_order": "Average order",
        "customers": "Customers", "new_customers": "New customers",
    },
    "granularity": {"hour": "Hour", "day": "Day", "week": "Week", "month": "Month"},
    "by": {"": "No breakdown", "channel": "Channel", "country": "Country", "category": "Category", "product": "Product"},
    "compare": {
        "": "No comparison", "previous_period": "Previous period", "previous_year": "Previous year",
        "same_weekdays": "Same weekdays last year",
    },
    "basis": {"net": "Net", "gross": "Gross"},
}  # fmt: skip
# Parameters of the trend whose places on its page are fixed; filters have one, too. Any others follow in the order of the catalogue.
PLACED = {*CHOICES, "from", "to", "forecast", "interval", "anomalies", "trend_test"}
# A form says so which store its days are of: another one begins with days of its own.
DAYS_OF = "days_of"
PRESETS = (("7 days", 7, "day"), ("30 days", 30, "day"), ("90 days", 90, "week"), ("12 months", 365, "month"))
MOST_FINDINGS = 8


class Pages:
    """The handlers of pages."""

    def __init__(
        self, door: Door, accounts: Accounts, client: ReportsClient, catalogue: Catalogue, bundle: ChartBundle, session_hours: int
    ) -> None:
        self._door, self._accounts, self._client = door, accounts, client
        self._bundle, self._session_hours = bundle, session_hours
        self._templates, self._catalogue = Templates(), catalogue

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self._told_as_page(self.home)),
            web.get("/reports/trend", self._told_as_page(self.trend)),
            web.get("/reports", self._told_as_page(self.no_report)),
            web.get("/reports/{name:[a-z0-9-]+}", self._told_as_page(self.report)),
            web.get("/reports/{name:.*}", self._told_as_page(self.no_report)),
            web.get("/login", self._told_as_page(self.show_login)),
            web.post("/login", self._told_as_page(self.login)),
            web.post("/logout", self._told_as_page(self.logout)),
            web.get("/static/vega.js", self.vega),
            web.get("/static/{name}", self.static),
        ]

    async def home(self, request: web.Request) -> web.Response:
        raise web.HTTPSeeOther("/reports/trend" if await self._who(request) else "/login")

    async def trend(self, request: web.Request) -> web.Response:
        """The trend with its form, chart and table; the whole question is in the address."""
        principal = await self._who(request)
        if principal is None:
            raise web.HTTPSeeOther(f"/login?next={quote(request.path_qs, safe='')}")
        try:
            principal.require("read")
            typed = single_values(request)
            store = await self._accounts.store_for(principal, typed.pop("store", None) or None)
            about = await self._catalogue.report("trend")
            if about is None:
                return await self.no_report(request)
            answer = await self._client.run(store, "trend", asked := meant(typed, about["parameters"]), besides=("store",))
        except Problem as problem:
            return self._problem_page(problem, principal)
        return await self._trend_page(about, principal, store, typed, asked, reports.decode_answer(answer.body))

    async def report(self, request: web.Request) -> web.Response:
        """The page of any other report of the catalogue."""
        about = await self._catalogue.report(request.match_info["name"])
        if about is None:
            return await self.no_report(request)
        principal = await self._who(request)
        if principal is None:
            raise web.HTTPSeeOther(f"/login?next={quote(request.path_qs, safe='')}")
        try:
            principal.require("read")
            typed = single_values(request)
            store = await self._accounts.store_for(principal, typed.pop("store", None) or None)
            if typed.pop(DAYS_OF, store.name) != store.name:
                kept = {name: text for name, text in without_days(typed, about["parameters"]).items() if text}
                raise web.HTTPSeeOther(f"{request.path}?{urlencode(kept | {'store': store.name})}")
            answer = await self._client.run(store, about["name"], asked := meant(typed, about["parameters"]), besides=("store",))
        except Problem as problem:
            return self._problem_page(problem, principal)
        return self._templates.page(
            "report.html",
            days_of=DAYS_OF,
            **values_of(about, store, asked, reports.decode_answer(answer.body)),
            **await self._frame(principal, store, about["name"]),
        )

    async def _frame(self, principal: Principal, store: Store, current: str) -> dict[str, Any]:
        """What every page of a report has around it."""
        stores = await self._accounts.list_stores() if principal.is_platform_admin else []
        menu = await self._catalogue.reports()
        return {
            "person": principal,
            "store": store,
            "stores": stores,
            "menu": menu,
            "current": current,
            "vega": f"/static/vega.js?{self._bundle.digest}",
        }

    async def no_report(self, request: web.Request) -> web.Response:
        """An address where no report is: a page for a person; a program is told in JSON, as everywhere."""
        if not prefers_page(request.headers.get("Accept")):
            raise web.HTTPNotFound
        return await self._nothing(request, "There is no report at this address.", "No such report")

    async def no_page(self, request: web.Request) -> web.StreamResponse:
        """Any other address where nothing is: the same. What lies below /api is for programs, whoever looks at it."""
        if request.path.startswith("/api/") or not prefers_page(request.headers.get("Accept")):
            raise web.HTTPNotFound
        return await self._told_as_page(self._no_page)(request)

    async def _no_page(self, request: web.Request) -> web.Response:
        return await self._nothing(request, "There is nothing at this address.", "No such page")

    async def _nothing(self, request: web.Request, detail: str, title: str) -> web.Response:
        problem = Problem(404, "not_found", detail, title=title, headers={"Vary": "Accept, Authorization, Cookie"})
        return self._problem_page(problem, await self._who(request))

    async def show_login(self, request: web.Request) -> web.Response:
        return self._templates.page("login.html", next=_own_path(request.query.get("next")), problem=None, person=None)

    async def login(self, request: web.Request) -> web.Response:
        """A session for a person (e-mail and password) or for a key."""
        same_site(request)
        form = await request.post()
        # PostgreSQL knows no zero characters, so nothing it holds has one.
        key, email, password = (str(form.get(name, "")).replace("\0", "").strip() for name in ("key", "email", "password"))
        token = await (self._accounts.login_with_key(key) if key else self._accounts.login(email, password))
        target = _own_path(str(form.get("next", "")))
        if token is None:
            return self._templates.page("login.html", status=401, next=target, problem="That did not match. Try again.", person=None)
        response = web.HTTPSeeOther(target)
        response.set_cookie(
            COOKIE, token, max_age=self._session_hours * 3600, httponly=True, samesite="Lax", secure=request.secure, path="/"
        )
        raise response

    async def logout(self, request: web.Request) -> web.Response:
        same_site(request)
        token = request.cookies.get(COOKIE)
        if token:
            await self._accounts.logout(token)
            self._door.forget_session(token)
        response = web.HTTPSeeOther("/login")
        response.del_cookie(COOKIE, path="/")
        raise response

    async def static(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in STATIC:
            raise web.HTTPNotFound
        return web.Response(body=self._templates.static[name], content_type=STATIC[name], headers=FOREVER)

    async def vega(self, _: web.Request) -> web.Response:
        """The chart library."""
        packed = await self._bundle.packed()
        if packed is None:
            raise web.HTTPNotFound
        response = web.Response(body=packed, content_type="text/javascript", headers=FOREVER)
        response.headers["Content-Encoding"] = "gzip"
        return response

    async def _who(self, request: web.Request) -> Principal | None:
        try:
            return await self._door.recognise(request)
        except Problem as problem:
            if problem.status == 401:
                return None
            raise

    async def _trend_page(
        self,
        about: dict[str, Any],
        principal: Principal,
        store: Store,
        typed: dict[str, str],
        asked: dict[str, str],
        answer: ReportAnswer,
    ) -> web.Response:
        params = {name: value for name, value in answer.params.items() if value is not None}
        columns = [column for column in answer.columns if column.name not in ("partial", "anomaly")]
        records = [dict(zip([c.name for c in answer.columns], row, strict=False)) for row in _newest_first(answer.rows)]
        value = next(column for column in answer.columns if column.name == "value")
        change = answer.totals.get("change")
        found = fields(about["parameters"], answer.params)
        return self._templates.page(
            "trend.html",
            **await self._frame(principal, store, "trend"),
            answer=answer,
            params=params,
            choices=CHOICES,
            filters=[field for field in found if field.kind == "filter"],
            interval=next((field for field in found if field.name == "interval"), None),
            further=[field for field in found if field.kind != "filter" and field.name not in PLACED],
            presets=_presets(store, typed, answer),
            columns=columns,
            records=records[:2000],
            show=partial(show, zone=ZoneInfo(answer.timezone)),
            total=show(answer.totals["value"], value),
            compared=_compared(answer, value),
            change=None if change is None else f"{change:+,.1%}",
            findings=_findings(answer, value),
            since=answer.totals.get("comparison_since"),
            rising=change is not None and change >= 0,
            empty=answer.notes[0].startswith(("No sales ", "This store has no data")) and not _is_forecast(answer),
            spec=orjson.dumps(answer.charts[0]).decode().replace("<", "\\u003c"),
            downloads=downloads("trend", {**asked, "store": store.name}, answer),
        )

    def _told_as_page(self, handler: Handler) -> Handler:
        """`handler`, whose problems a person can read."""

        async def told(request: web.Request) -> web.StreamResponse:
            try:
                return await handler(request)
            except Problem as problem:
                return self._problem_page(problem, None)

        return told

    def _problem_page(self, problem: Problem, principal: Principal | None) -> web.Response:
        errors = problem.extra.get("errors", [])
        page = self._templates.page("problem.html", status=problem.status, problem=problem, errors=errors, person=principal)
        page.headers.update(problem.headers)
        return page


def _newest_first(rows: list[list[Any]]) -> list[list[Any]]:
    """The last buckets are what one looks for; within each, the best groups stay first."""
    buckets = [list(same) for _, same in groupby(rows, key=lambda row: row[0])]
    return [row for bucket in reversed(buckets) for row in bucket]


def _compared(answer: ReportAnswer, value: Column) -> str | None:
    """The total of what was compared with; None when nothing was."""
    if "comparison" not in answer.totals:
        return None
    return "no data" if answer.totals["comparison"] is None else show(answer.totals["comparison"], value)


def _findings(answer: ReportAnswer, value: Column) -> list[str]:
    """What was found in the history, a line each."""
    found, params = [], answer.params
    for told in _each(answer.totals.get("forecast")):
        if told.get("sum") is not None:
            count = f"{params['forecast']} {params['granularity']}s" if params["forecast"] > 1 else params["granularity"]
            found.append(f"{_of(told)}Expected of the next {count}: {show(told['sum'], value)}.")
    found += [f"{_of(told)}{told['sentence']}" for told in _each(answer.totals.get("trend")) if told.get("sentence")]
    odd = answer.totals.get("anomalies", [])
    found += [told["reason"] for told in odd[-MOST_FINDINGS:][::-1]]
    if len(odd) > MOST_FINDINGS:
        found.append(f"{len(odd) - MOST_FINDINGS} more are marked in the table.")
    return found


def _is_forecast(answer: ReportAnswer) -> bool:
    """Whether there is something to come: a period without sales so far may lie ahead."""
    return any(told.get("model") for told in _each(answer.totals.get("forecast")))


def _each(told: Any) -> list[dict[str, Any]]:
    return told if isinstance(told, list) else [told] if told else []


def _of(told: dict[str, Any]) -> str:
    return f"{groups.shown(told['group'])}: " if "group" in told else ""


def _presets(store: Store, typed: dict[str, str], answer: ReportAnswer) -> list[dict[str, Any]]:
    """Links to usual periods, keeping the rest of the question; the last one covers all data when the answer is empty."""
    kept = {name: value for name, value in typed.items() if name not in ("from", "to", "granularity")} | {"store": store.name}
    today = datetime.now(ZoneInfo(store.timezone)).date()
    found = []
    for title, days, granularity in PRESETS:
        period = {"from": str(today - timedelta(days=days - 1)), "to": str(today), "granularity": granularity}
        found.append({"title": title, "link": "?" + urlencode(kept | period), "current": period["from"] == answer.params["from"]})
    note = answer.notes[0]
    if note.startswith("No sales ") and " data from " in note:
        first, _, last = note.rpartition(" data from ")[2].rstrip(".").partition(" to ")
        found.append(
            {"title": "All data", "link": "?" + urlencode(kept | {"from": first, "to": last, "granularity": "month"}), "current": False}
        )
    return found


def _own_path(target: str | None) -> str:
    """Only paths of this site: `next` must not lead elsewhere."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or any(ord(c) < 32 for c in target):
        return "/reports/trend"
    return target

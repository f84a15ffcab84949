"""`GET /api/v1/reports` and `GET /api/v1/reports/{name}`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from tillwise_common.contracts import reports
from tillwise_common.contracts.stores import Store
from tillwise_common.tables.csv import render_csv
from tillwise_common.web.problems import Problem
from tillwise_gateway.accept import quality
from tillwise_gateway.accounts.door import Door
from tillwise_gateway.accounts.principal import Principal
from tillwise_gateway.reports.client import ReportsClient

# Parameters that are answered here and do not go to analytics.
OWN = ("format", "store")
FORMATS = {"json": "application/json", "csv": "text/csv"}
NOSNIFF = {"X-Content-Type-Options": "nosniff"}
FindStore = Callable[[Principal, str | None], Awaitable[Store]]


class Reports:
    """The handlers of reports."""

    def __init__(self, door: Door, client: ReportsClient, find_store: FindStore) -> None:
        self._door, self._client, self._find_store = door, client, find_store

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/v1/reports", self.catalogue), web.get("/api/v1/reports/{name}", self.run)]

    async def catalogue(self, request: web.Request) -> web.Response:
        """All reports with the JSON Schema of their parameters."""
        await self._door.authenticate(request, "read")
        return web.Response(body=(await self._client.describe()).body, content_type="application/json", headers=NOSNIFF)

    async def run(self, request: web.Request) -> web.Response:
        """One report: JSON as analytics made it, or CSV."""
        principal = await self._door.authenticate(request, "read")
        params = single_values(request)
        wanted = _format(params.pop("format", None), request.headers.get("Accept", "*/*"))
        store = await self._find_store(principal, params.pop("store", None) or None)
        etag_of = request.headers.get("If-None-Match")
        # The same data in another form is another entity.
        known = _without_form(etag_of, wanted)
        answer = await self._client.run(store, request.match_info["name"], params, known, besides=OWN)
        headers = {
            "ETag": _with_form(answer.etag, wanted),
            "Cache-Control": "private, no-cache",
            "Vary": "Accept, Authorization, Cookie",
            **NOSNIFF,
        }
        if not answer.fresh:
            return web.Response(status=304, headers=headers)
        if wanted == "json":
            return web.Response(body=answer.body, content_type="application/json", headers=headers)
        headers["Content-Disposition"] = f'attachment; filename="{request.match_info["name"]}.csv"'
        body = render_csv(reports.decode_answer(answer.body))
        return web.Response(body=body, content_type="text/csv", charset="utf-8", headers=headers)


def single_values(request: web.Request) -> dict[str, str]:
    """The query parameters. Raises Problem 422 for one that is given twice or that PostgreSQL could not even compare."""
    errors = []
    for name in sorted(set(request.query)):
        if len(request.query.getall(name)) > 1:
            errors.append({"parameter": name[:80], "detail": "is given more than once"})
        elif "\0" in request.query[name]:
            errors.append({"parameter": name[:80], "detail": "holds a zero character"})
    if errors:
        raise Problem(422, "invalid_parameters", f"{errors[0]['parameter']}: {errors[0]['detail']}", errors=errors)
    return dict(request.query)


def _format(asked: str | None, accept: str) -> str:
    if asked:
        if asked not in FORMATS:
            detail = f"format: must be one of {', '.join(FORMATS)}"
            errors = [{"parameter": "format", "detail": "is not a format of this report", "allowed": list(FORMATS)}]
            raise Problem(422, "invalid_parameters", detail, errors=errors)
        return asked
    form = max(FORMATS, key=lambda name: quality(FORMATS[name], accept))
    if quality(FORMATS[form], accept) > 0:
        return form
    raise Problem(406, "not_acceptable", f"This report comes as {' or '.join(FORMATS.values())}.")


def _with_form(etag: str, form: str) -> str:
    return etag if form == "json" else f'{etag[:-1]}-{form}"'


def _without_form(header: str | None, form: str) -> str | None:
    if header is None or form == "json":
        return header
    return header.replace(f'-{form}"', '"')

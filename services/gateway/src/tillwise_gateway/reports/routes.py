"""`GET /api/v1/reports` and `GET /api/v1/reports/{name}`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from tillwise_common.contracts.stores import Store
from tillwise_common.render.document import Unmakeable
from tillwise_common.render.forms import FORMS, render
from tillwise_common.render.process import Busy, Renderer, TooSlow
from tillwise_common.web.problems import Problem
from tillwise_gateway.accept import quality
from tillwise_gateway.accounts.door import Door
from tillwise_gateway.accounts.principal import Principal
from tillwise_gateway.reports.catalogue import Catalogue
from tillwise_gateway.reports.client import ReportsClient

# Parameters that are answered here and do not go to analytics.
OWN = ("format", "store", "chart")
FORMATS = {"json": "application/json", **FORMS}
NOSNIFF = {"X-Content-Type-Options": "nosniff"}
RETRY = {"Retry-After": "5"}
# What is made while somebody waits; more is a job's work.
MOST_CELLS = 12_000
MOST_BYTES = 8_000_000
FindStore = Callable[[Principal, str | None], Awaitable[Store]]


class Reports:
    """The handlers of reports."""

    def __init__(self, door: Door, client: ReportsClient, find_store: FindStore, catalogue: Catalogue, renderer: Renderer) -> None:
        self._door, self._client, self._find_store = door, client, find_store
        self._catalogue, self._renderer = catalogue, renderer

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/v1/reports", self.catalogue), web.get("/api/v1/reports/{name}", self.run)]

    async def catalogue(self, request: web.Request) -> web.Response:
        """All reports with the JSON Schema of their parameters."""
        await self._door.authenticate(request, "read")
        return web.Response(body=(await self._client.describe()).body, content_type="application/json", headers=NOSNIFF)

    async def run(self, request: web.Request) -> web.Response:
        """One report: JSON as analytics made it, or a file of it."""
        principal = await self._door.authenticate(request, "read")
        params = single_values(request)
        wanted = _format(params.pop("format", None), request.headers.get("Accept", "*/*"))
        chart = _chart(params.pop("chart", None), wanted)
        store, name = await self._find_store(principal, params.pop("store", None) or None), request.match_info["name"]
        etag_of = request.headers.get("If-None-Match")
        # The same data in another form is another entity.
        known = _without_form(etag_of, wanted)
        answer = await self._client.run(store, name, params, known, besides=OWN)
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
        body = await self._file(name, answer.body, wanted, chart)
        headers["Content-Disposition"] = f'attachment; filename="{name}.{wanted}"'
        if wanted == "svg":
            # Opened by itself, a picture is a page of this site: nothing in it may run.
            headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
        return web.Response(body=body, content_type=FORMATS[wanted], charset="utf-8" if wanted == "csv" else None, headers=headers)

    async def _file(self, name: str, body: bytes, form: str, chart: int) -> bytes:
        """The answer as a file. Raises Problem with what to do when it cannot be made now."""
        if form == "csv":
            return await asyncio.to_thread(render, body, form)
        if len(body) > MOST_BYTES:
            raise _too_large("The answer is too large to be made into a file while you wait")
        about = await self._catalogue.report(name)
        try:
            return await self._renderer.render(body, form, about["title"] if about else None, chart, MOST_CELLS)
        except Unmakeable as error:
            if form == "pdf" and "at most" in str(error):
                raise _too_large(f"{str(error)[0].upper()}{str(error)[1:]}") from None
            raise Problem(422, "cannot_be_made", f"As {form} this cannot be made: {error}.") from None
        except Busy:
            raise Problem(503, "renderer_busy", "Other files are being made. Try again shortly.", headers=RETRY) from None
        except TooSlow:
            raise _too_large("Making this file took too long") from None


def _too_large(why: str) -> Problem:
    return Problem(422, "too_large", f"{why}. POST /api/v1/exports makes it as a job.", exports="/api/v1/exports")


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


def _chart(asked: str | None, form: str) -> int:
    """Which chart a picture is of: the first one, if nothing is said."""
    if not asked:
        return 1
    if form not in ("svg", "png") or not (asked.isascii() and asked.isdigit() and 0 < len(asked) < 4):
        errors = [{"parameter": "chart", "detail": "is the number of a chart from 1 on, and goes with format=svg or png"}]
        raise Problem(422, "invalid_parameters", f"chart: {errors[0]['detail']}", errors=errors)
    return int(asked)


def _with_form(etag: str, form: str) -> str:
    return etag if form == "json" else f'{etag[:-1]}-{form}"'


def _without_form(header: str | None, form: str) -> str | None:
    if header is None or form == "json":
        return header
    return header.replace(f'-{form}"', '"')

"""Requests that need no router get to their handler without it; nobody can tell the difference, and everything is counted."""

from __future__ import annotations

from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from tillwise_common import metrics
from tillwise_common.metrics import LATENCY_BUCKETS, Times
from tillwise_common.web.middleware import Surroundings
from tillwise_common.web.server import HttpServer

NAME = web.AppKey("name", str)


async def where(request: web.Request) -> web.Response:
    """What a handler may ask about its request."""
    about = {"path": request.path, "query": dict(request.query), "variables": dict(request.match_info), "app": request.app[NAME]}
    return web.json_response(about | {"method": request.method, "body": (await request.read()).decode()})


@asynccontextmanager
async def serving(*middlewares):
    app, registry = web.Application(middlewares=middlewares), metrics.new_registry()
    app[NAME] = "shop"
    Surroundings(registry).install(app, [web.get("/fixed", where), web.post("/fixed", where), web.get("/of/{name}", where)])
    server = HttpServer(app, "127.0.0.1", 0)
    await server.start()
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session:
            yield session, registry
    finally:
        await server.close()


async def ask(session, method, path, **options):
    async with session.request(method, path, **options) as answer:
        return answer.status, await answer.json()


@pytest.mark.parametrize("expect100", [False, True])
async def test_fixed_addresses_are_answered_with_and_without_a_query(expect100):
    async with serving() as (session, _):
        plain = await ask(session, "POST", "/fixed", data=b"body", expect100=expect100)
        asked = await ask(session, "POST", "/fixed?a=1", data=b"body", expect100=expect100)
    about = {"path": "/fixed", "variables": {}, "app": "shop", "method": "POST", "body": "body"}
    assert plain == (200, about | {"query": {}})
    assert asked == (200, about | {"query": {"a": "1"}})


async def test_variables_other_methods_and_other_addresses_still_find_their_way():
    async with serving() as (session, _):
        assert (await ask(session, "GET", "/of/you"))[1]["variables"] == {"name": "you"}
        assert (await ask(session, "DELETE", "/fixed"))[0] == 405
        assert (await ask(session, "GET", "/fixe%64"))[1]["path"] == "/fixed"
        assert (await ask(session, "GET", "/nowhere"))[0] == 404


async def test_what_stands_between_sees_every_request():
    seen = []

    @web.middleware
    async def between(request, handler):
        seen.append(request.path)
        return await handler(request)

    async with serving(between) as (session, _):
        await ask(session, "GET", "/fixed")
    assert seen == ["/fixed"]


async def test_who_has_wrapped_the_application_sees_every_request(monkeypatch):
    # As Sentry's integration does to trace requests.
    seen, original = [], web.Application._handle

    async def traced(self, request):
        seen.append(request.path)
        return await original(self, request)

    monkeypatch.setattr(web.Application, "_handle", traced)
    async with serving() as (session, _):
        await ask(session, "GET", "/fixed")
    assert seen == ["/fixed"]


async def test_requests_and_their_times_are_told_to_prometheus():
    async with serving() as (session, registry):
        for _ in range(3):
            await ask(session, "GET", "/fixed")
        await ask(session, "POST", "/fixed")
    found = {family.name: family for family in text_string_to_metric_families(metrics.render(registry).decode())}
    counts = {(s.labels["method"], s.labels["route"], s.labels["status"]): s.value for s in found["tillwise_http_requests"].samples}
    assert counts["GET", "/fixed", "200"] == 3
    assert counts["POST", "/fixed", "200"] == 1
    times = {s.name: s.value for s in found["tillwise_http_seconds"].samples if s.labels.get("route") == "/fixed"}
    assert times["tillwise_http_seconds_count"] == 4
    assert times["tillwise_http_seconds_sum"] > 0


def test_a_time_on_a_bound_is_not_above_it():
    times = Times()
    for seconds in (LATENCY_BUCKETS[0], LATENCY_BUCKETS[0] * 1.01, 99.0):
        times.observe(seconds)
    buckets = times.buckets()
    assert [count for _, count in buckets] == [1, *[2] * (len(LATENCY_BUCKETS) - 1), 3]
    assert (buckets[0][0], buckets[-1][0]) == ("0.001", "+Inf")

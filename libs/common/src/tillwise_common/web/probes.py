"""/livez, /readyz and /metrics, which every service serves on its own port."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client import CollectorRegistry

from tillwise_common import metrics, request_id
from tillwise_common.health import Health, document
from tillwise_common.lifecycle import StartError
from tillwise_common.web.problems import json_response
from tillwise_common.web.protocol import Runner


class Probes:
    """The handlers of the probes of one service."""

    def __init__(self, service: str, instance: str, health: Health, registry: CollectorRegistry) -> None:
        self._service, self._instance = service, instance
        self._health, self._registry = health, registry

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/livez", self.livez), web.get("/readyz", self.readyz), web.get("/metrics", self.metrics)]

    async def livez(self, request: web.Request) -> web.Response:
        """The process and its event loop live; no dependency is asked."""
        if "verbose" in request.query:
            return json_response(document(self._service, self._instance, True, []))
        return web.Response(text="ok\n")

    async def readyz(self, request: web.Request) -> web.Response:
        """Traffic may come: everything needed is there, and the service is not draining."""
        ready, results = await self._health.ready()
        status = 200 if ready else 503
        if "verbose" in request.query:
            return json_response(document(self._service, self._instance, ready, results), status=status)
        failing = [r.name for r in results if r.status == "fail"]
        reason = "ok" if ready else "draining" if self._health.draining else f"not ready: {', '.join(failing) or 'starting'}"
        return web.Response(status=status, text=f"{reason}\n")

    async def metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=metrics.render(self._registry), headers={"Content-Type": metrics.CONTENT_TYPE})


@web.middleware
async def _with_request_id(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
    """Who asks finds the answer again in the log, as at every other door."""
    rid = request_id.accept(request.headers.get(request_id.HEADER))
    request_id.current.set(rid)
    response = await handler(request)
    response.headers[request_id.HEADER] = rid
    return response


class ProbeServer:
    """A small server with nothing but the probes; the first part to start and the last one to close."""

    def __init__(self, probes: Probes, host: str, port: int) -> None:
        self._probes = probes
        self._host, self._port = host, port
        self._runner: Runner | None = None

    async def start(self) -> None:
        app = web.Application(middlewares=[_with_request_id])
        app.add_routes(self._probes.routes())
        self._runner = Runner(app, access_log=None)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            raise StartError(f"cannot listen on {self._host}:{self._port} (PROBE_PORT): {error.strerror}") from None

    async def drain(self) -> None:
        """Probes are answered until the end."""

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

"""`GET /api/health`: the combined check of what the platform needs."""

from __future__ import annotations

from aiohttp import web

from tillwise_common.health import document
from tillwise_common.service import Service
from tillwise_common.web.problems import json_response


class HealthRoute:
    """One document for people and monitors; probes of Kubernetes use /livez and /readyz."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/health", self.health)]

    async def health(self, _: web.Request) -> web.Response:
        health = self._service.health
        ready, results = await health.ready()
        body = document(self._service.name, "", ready, results)
        del body["instance"]
        return json_response(body, status=200 if ready else 503)

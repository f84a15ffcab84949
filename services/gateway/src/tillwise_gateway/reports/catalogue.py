"""The reports there are, as the gateway knows them."""

from __future__ import annotations

import time
from typing import Any

import orjson

from tillwise_common.web.problems import Problem
from tillwise_gateway.reports.client import ReportsClient

CATALOGUE_SECONDS = 60.0


class Catalogue:
    """The reports there are, asked for once a minute."""

    def __init__(self, client: ReportsClient) -> None:
        self._client = client
        self._known: list[dict[str, Any]] = []
        self._asked = -CATALOGUE_SECONDS

    async def reports(self) -> list[dict[str, Any]]:
        """All of them; those last known while analytics is away."""
        if time.monotonic() - self._asked >= CATALOGUE_SECONDS:
            try:
                self._known = orjson.loads((await self._client.describe()).body)["reports"]
                self._asked = time.monotonic()
            except Problem:
                if not self._known:
                    raise
        return self._known

    async def report(self, name: str) -> dict[str, Any] | None:
        """The report of that name."""
        return next((one for one in await self.reports() if one["name"] == name), None)

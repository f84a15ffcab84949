"""A whole gateway on real servers, with a store and a key."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tillwise.supervisor.options import free_port
from tillwise_common.contracts.jobs import KINDS
from tillwise_common.jobs.kinds import Kind
from tillwise_common.service import Service
from tillwise_common.settings import Secret
from tillwise_gateway.accounts.accounts import Accounts
from tillwise_gateway.accounts.tokens import ApiKey
from tillwise_gateway.app import build
from tillwise_gateway.settings import GatewaySettings

from .queue_stand_in import SEND_MAIL, StandIn

ADMIN = ApiKey("admin", "a" * 43)
PASSWORD = "correct horse"


class Gateway:
    """A running gateway and the credentials for it."""

    def __init__(self, session: aiohttp.ClientSession, url: str, service: Service) -> None:
        self._session, self.url, self.service = session, url, service
        self.key = ""
        self.key_id = ""

    async def call(self, method: str, path: str, *, key: str | None = None, **more: Any) -> aiohttp.ClientResponse:
        headers = {"Authorization": f"Bearer {self.key if key is None else key}", **more.pop("headers", {})}
        if key == "":
            del headers["Authorization"]
        response = await self._session.request(method, self.url + path, headers=headers, allow_redirects=False, **more)
        await response.read()
        return response

    async def send(self, body: Any, kind: str = "application/json", **headers: str) -> aiohttp.ClientResponse:
        return await self.call("POST", "/api/v1/events", data=body, headers={"Content-Type": kind, **headers})


@contextlib.asynccontextmanager
async def serving(database_url: str, redis_url: str, kinds: Iterable[Kind[Any]] = KINDS, **more: Any) -> AsyncIterator[Gateway]:
    """A gateway that serves, with store `shop` (EUR) and a key for it; `more` are settings."""
    settings = GatewaySettings(
        database_url=Secret(database_url), redis_url=Secret(redis_url), port=free_port("127.0.0.1"), max_body_bytes=100_000,
        report_timeout_seconds=0.3, drain_seconds=2.0, max_import_megabytes=2, **more,
    )  # fmt: skip
    service = Service("gateway", settings)
    build(service, settings, kinds)
    living = asyncio.create_task(service.lifecycle.run())
    while not service.health.serving:
        assert not living.done(), living.exception()
        await asyncio.sleep(0.01)
    async with aiohttp.ClientSession() as session:
        running = Gateway(session, f"http://127.0.0.1:{settings.port}", service)
        await _furnish(running, settings)
        yield running
    service.lifecycle.stop()
    await living


@pytest.fixture
async def gateway(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway as it comes; finished files are in a folder of the test's own."""
    async with serving(database_url, redis_url, files_place=str(tmp_path / "files")) as running:
        yield running


async def _furnish(gateway: Gateway, settings: GatewaySettings) -> None:
    from tillwise_common.postgres.pool import Postgres

    postgres = Postgres(settings.database_url, "test", size=1)
    await postgres.start()
    accounts = Accounts(postgres, session_hours=1)
    await accounts.put_admin("admin@example.com", PASSWORD, ADMIN)
    store = await accounts.add_store("shop", "EUR", "Europe/Berlin", "monday")
    key = await accounts.add_key(store, ["ingest", "read"], "test", None)
    gateway.key, gateway.key_id = str(key), key.id
    await postgres.close()


@pytest.fixture
async def mail(redis_url: str) -> AsyncIterator[StandIn]:
    """The queue "mail" and somebody who works on it."""
    stand_in = StandIn(redis_url)
    yield stand_in
    await stand_in.close()


@pytest.fixture
async def office(database_url: str, redis_url: str) -> AsyncIterator[Gateway]:
    """A gateway that knows the jobs of the queue "mail"; its key is the platform's admin's."""
    async with serving(database_url, redis_url, (*KINDS, SEND_MAIL)) as running:
        running.key = str(ADMIN)
        yield running

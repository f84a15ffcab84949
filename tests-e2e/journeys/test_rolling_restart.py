"""Services are replaced under load, and a keep-alive client that retries nothing sees no failure."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

REPORT = "/api/v1/reports/trend?metric=orders&granularity=month&from=2026-05-01&to=2026-05-31"


@pytest.fixture(scope="module")
def key(tillwise) -> str:
    tillwise("store", "create", "rolling", "--currency", "EUR", "--timezone", "UTC")
    return tillwise.json("key", "create", "--store", "rolling", "--scope", "ingest,read")["key"]


class KeepAliveClient:
    """HTTP/1.1 by hand, so that nothing is repeated behind our back: a connection is left only when the answer says so."""

    def __init__(self, url: str, key: str) -> None:
        self._host, self._port = urlsplit(url).hostname, urlsplit(url).port
        self._key = key
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: bytes = b"") -> int:
        if self._stream is None:
            self._stream = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._stream
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self._key}\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
        await reader.readexactly(int(headers["content-length"]))
        if headers.get("connection") == "close":
            writer.close()
            self._stream = None
        return int(lines[0].split()[1])


class Load:
    """Some clients at once; remembers what failed."""

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url, key
        self._stop = False
        self.sent = self.asked = 0
        self.failures: list[str] = []

    async def during(self, work: Callable[[], Awaitable[None]]) -> None:
        clients = [asyncio.create_task(self._client(number)) for number in range(8)]
        try:
            await work()
        finally:
            self._stop = True
            await asyncio.gather(*clients)

    async def _client(self, number: int) -> None:
        client, dice = KeepAliveClient(self._url, self._key), random.Random(number)
        while not self._stop:
            try:
                await self._one(client, number)
            except (OSError, EOFError) as error:
                self.failures.append(f"client {number}: {error!r}")
                client = KeepAliveClient(self._url, self._key)
            await asyncio.sleep(dice.random() * 0.1)

    async def _one(self, client: KeepAliveClient, number: int) -> None:
        if number % 4:
            self.sent += 1
            status = await client.ask("POST", "/api/v1/events", json.dumps(order(f"roll-{id(self)}-{self.sent}")).encode())
        else:
            self.asked += 1
            status = await client.ask("GET", REPORT)
        if status not in (200, 202):
            self.failures.append(f"client {number}: answered {status}")


def order(order_id: str) -> dict[str, Any]:
    line = {"sku": "A", "quantity": 1, "unit_price": 100}
    return {"type": "order.placed", "id": order_id, "occurred_at": "2026-05-05T12:00:00Z", "data": {"order_id": order_id, "lines": [line]}}


async def run(tillwise, *arguments: str) -> None:
    await asyncio.to_thread(tillwise, *arguments)


async def test_restart_replaces_every_process_and_no_request_fails(tillwise, key, wait_until):
    before = {p["pid"] for p in tillwise.json("status")["processes"] if p["probe_port"]}
    load = Load(tillwise.url, key)

    async def restart() -> None:
        await run(tillwise, "restart")

    await load.during(restart)
    assert load.failures == []
    assert load.sent > 50
    assert load.asked > 10
    after = {p["pid"] for p in tillwise.json("status")["processes"] if p["probe_port"]}
    assert not before & after
    assert len(before) == len(after)
    wait_until(lambda: tillwise.http(REPORT, key)["totals"]["value"] == load.sent, "every order is counted once")


@pytest.mark.timeout(300)
async def test_sigterm_to_one_process_after_the_other_fails_no_request(tillwise, key, wait_until):
    load = Load(tillwise.url, key)
    known = tillwise.http(REPORT, key)["totals"]["value"]

    async def terminate() -> None:
        for service in ("gateway", "analytics", "worker"):
            for pid in tillwise.pids(service):
                os.kill(pid, signal.SIGTERM)
                await asyncio.to_thread(wait_until, lambda pid=pid: replaced(tillwise, pid), f"{service} is back")

    await load.during(terminate)
    assert load.failures == []
    assert load.sent > 50
    wait_until(lambda: tillwise.http(REPORT, key)["totals"]["value"] == known + load.sent, "every order is counted once")


def replaced(tillwise, pid: int) -> bool:
    processes = tillwise.json("status")["processes"]
    return all(p["ready"] for p in processes) and pid not in [p["pid"] for p in processes]

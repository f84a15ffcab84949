"""Servers that can be killed, proxies in front of them, and the platform on top."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import msgspec
import redis.asyncio as aioredis
from proxy import Proxy
from shop import Book

from tillwise.embedded.postgres import EmbeddedPostgres
from tillwise.embedded.valkey import EmbeddedValkey
from tillwise.supervisor.options import DataFolder, free_port
from tillwise_common.contracts.stores import Store

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata")
MAX_STREAM_LAG = 60


class Keeper:
    """Runs a server, and starts it again whenever it dies."""

    def __init__(self, server: EmbeddedPostgres | EmbeddedValkey, log: Path) -> None:
        self._server, self._log = server, log
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._keep())
        await until(self.ready, f"{self._server.service} is ready")

    async def ready(self) -> bool:
        return await asyncio.to_thread(self._server.ready)

    def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGINT)
            await self._process.wait()

    async def _keep(self) -> None:
        while True:
            await asyncio.to_thread(self._server.prepare)
            with self._log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(*self._server.command(), stdout=log, stderr=log)
            await self._process.wait()
            await asyncio.sleep(0.2)


class World:
    """Everything that a chaos run needs, below one folder."""

    def __init__(self, folder: Path, sabotage: str = "") -> None:
        self.folder = folder
        self._sabotage = sabotage
        valkey, postgres = EmbeddedValkey(folder / "valkey"), EmbeddedPostgres(folder / "postgres")
        self._valkey, self._postgres = valkey, postgres
        self.valkey, self.postgres = Keeper(valkey, folder / "valkey.log"), Keeper(postgres, folder / "postgres.log")
        self.redis_proxy = Proxy(valkey.socket)
        self.postgres_proxy = Proxy(postgres.sockets / ".s.PGSQL.5432")
        self.data = DataFolder(folder / "data")
        # Past the proxies: the oracle and the poisoner want no chaos of their own.
        self.redis: Any = aioredis.Redis.from_url(valkey.url)
        self.url = ""

    async def start(self, *options: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        await asyncio.gather(self.valkey.start(), self.postgres.start(), self.redis_proxy.start(), self.postgres_proxy.start())
        await asyncio.to_thread(self._postgres.ensure_database)
        about = json.loads(await self.tillwise("up", "--detach", "--no-demo", "--json", "--port", str(free_port("127.0.0.1")), *options))
        self.url = about["url"]

    async def stop(self) -> None:
        try:
            await self.tillwise("down")
        finally:
            await self.redis.aclose()
            await asyncio.gather(self.redis_proxy.close(), self.postgres_proxy.close())
            await asyncio.gather(self.valkey.stop(), self.postgres.stop())

    async def tillwise(self, *arguments: str) -> str:
        """What a command prints. Raises RuntimeError with what it complains of."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tillwise", *arguments, "--data-dir", str(self.data.path),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=self._environment(),
        )  # fmt: skip
        out, err = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"tillwise {' '.join(arguments)}: {err.decode() or out.decode()}")
        return out.decode()

    def _environment(self) -> dict[str, str]:
        environment = {
            **os.environ,
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_proxy.port}/0",
            "DATABASE_URL": f"postgresql://tillwise@127.0.0.1:{self.postgres_proxy.port}/tillwise",
            "MAX_STREAM_LAG": str(MAX_STREAM_LAG),
        }
        if self._sabotage:
            environment |= {"TILLWISE_SABOTAGE": self._sabotage, "PYTHONPATH": str(Path(__file__).parent / "sabotage")}
        return environment

    def pids(self, service: str) -> list[int]:
        return [p["pid"] for p in self.data.state()["processes"] if p["service"] == service and p["pid"]]

    def signal(self, pid: int, number: int) -> None:
        # Another fault may have been faster.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

    async def ready(self) -> bool:
        """Whether the gateway and everything behind it say that they are."""
        processes = self.data.state()["processes"]
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session:
            try:
                for process in processes:
                    async with session.get(f"http://127.0.0.1:{process['probe_port']}/readyz") as answer:
                        if answer.status != 200:
                            return False
            except (aiohttp.ClientError, TimeoutError):
                return False
        return True

    async def make_stores(self) -> list[Book]:
        books = []
        for number, zone in enumerate(ZONES):
            name = f"shop{number}"
            store = json.loads(await self.tillwise("store", "create", name, "--currency", "EUR", "--timezone", zone, "--json"))
            made = json.loads(await self.tillwise("key", "create", "--store", name, "--scope", "ingest,read", "--json"))
            books.append(Book(msgspec.convert(store, Store), made["key"]))
        return books

    async def sql(self, statement: str, *arguments: Any) -> list[Any]:
        connection = await asyncpg.connect(self._postgres.url)
        try:
            return list(await connection.fetch(statement, *arguments))
        finally:
            await connection.close()

    async def get(self, path: str, key: str) -> Any:
        """The gateway's JSON answer, or None when it does not answer well."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            try:
                async with session.get(self.url + path, headers={"Authorization": f"Bearer {key}"}) as answer:
                    return await answer.json() if answer.status == 200 else None
            except (aiohttp.ClientError, TimeoutError):
                return None

    async def get_soon(self, path: str, key: str) -> Any:
        """The gateway's JSON answer; the last fault may be only a moment ago."""
        found: list[Any] = []

        async def answered() -> bool:
            found.append(await self.get(path, key))
            return found[-1] is not None

        await until(answered, f"an answer to {path}", 10)
        return found[-1]


async def until(condition: Any, what: str, seconds: float = 90.0) -> None:
    """Wait for an asynchronous condition. Raises TimeoutError that says what was waited for."""
    try:
        async with asyncio.timeout(seconds):
            while not await condition():
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise TimeoutError(f"in vain for {seconds:.0f} s: {what}") from None

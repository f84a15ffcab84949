"""Servers and services for measurements, started by hand so that each can be left out."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from tillwise.embedded.postgres import OWNER, EmbeddedPostgres
from tillwise.embedded.valkey import EmbeddedValkey
from tillwise.supervisor.options import free_port

ADMIN_KEY = "tw_admin_" + "b" * 43


class Bench:
    """PostgreSQL, Valkey and an environment for services below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.postgres = EmbeddedPostgres(folder / "postgres")
        self.valkey = EmbeddedValkey(folder / "valkey")
        self.environment = {
            **os.environ, "DATABASE_URL": self.postgres.url, "REDIS_URL": self.valkey.url, "LOG_FORMAT": "json", "LOG_LEVEL": "INFO",
            "ADMIN_KEY": ADMIN_KEY, "ADMIN_EMAIL": "bench@example.com", "ADMIN_PASSWORD": "for measuring only", "APP_ENV": "production",
        }  # fmt: skip
        self.port = free_port("127.0.0.1")
        self.url = f"http://127.0.0.1:{self.port}"
        self.pids: dict[str, int] = {}

    @contextmanager
    def servers(self) -> Iterator[None]:
        """Both servers, migrated."""
        with self._running("valkey", self.valkey), self._running("postgres", self.postgres):
            self.postgres.ensure_database()
            self.migrate(self.postgres.url)
            self._run("gateway", "bootstrap", self.postgres.url)
            yield

    @contextmanager
    def databases(self) -> Iterator[None]:
        """PostgreSQL alone, for databases of `database`."""
        with self._running("postgres", self.postgres):
            self.postgres.ensure_database()
            yield

    @contextmanager
    def valkey_alone(self, megabytes: int = 4096) -> Iterator[None]:
        """Valkey alone, with room for a million jobs."""
        with self._running("valkey", self.valkey):
            with redis.Redis.from_url(self.valkey.url) as client:
                client.config_set("maxmemory", f"{megabytes}mb")
            yield

    def database(self, name: str, template: str = "template1") -> str:
        """The address of a database of this name, which is made if it is not there."""
        if "(0 rows)" in self.postgres.psql(f"select from pg_database where datname = '{name}'"):
            self.postgres.psql(f"create database {name} owner {OWNER} template {template}")
        return self.postgres.url.replace(f"/{OWNER}?", f"/{name}?")

    def drop(self, name: str) -> None:
        self.postgres.psql(f"drop database if exists {name} with (force)")

    def migrate(self, url: str) -> None:
        """Bring a database up to date."""
        for service in ("gateway", "analytics"):
            self._run(service, "migrate", url)

    def _run(self, service: str, command: str, url: str) -> None:
        environment = {**self.environment, "DATABASE_URL": url}
        subprocess.run([sys.executable, "-m", f"tillwise_{service}", command], env=environment, check=True, capture_output=True)

    @contextmanager
    def _running(self, name: str, server: Any) -> Iterator[None]:
        server.prepare()
        with (self._folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(server.command(), stdout=log, stderr=log)
        self.pids[name] = process.pid
        try:
            wait(server.ready, name)
            yield
        finally:
            process.send_signal(signal.SIGINT if name == "postgres" else signal.SIGTERM)
            process.wait(30)

    @contextmanager
    def service(self, name: str, **settings: str) -> Iterator[int]:
        """One process of a service, ready; its process number."""
        probe = free_port("127.0.0.1")
        environment = {**self.environment, "PROBE_PORT": str(probe), "PORT": str(self.port), **settings}
        with (self._folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen([sys.executable, "-m", f"tillwise_{name}"], env=environment, stdout=log, stderr=log)
        self.pids[name] = process.pid
        try:
            wait(lambda: _ready(probe), name)
            yield process.pid
        finally:
            process.terminate()
            process.wait(40)

    def call(self, method: str, path: str, key: str = ADMIN_KEY, body: Any = None) -> Any:
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = "application/x-ndjson" if isinstance(body, bytes) else "application/json"
        request = urllib.request.Request(self.url + path, data, {"Authorization": f"Bearer {key}", "Content-Type": kind}, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def store(self, name: str) -> str:
        """A new store; its key."""
        self.call("POST", "/api/v1/admin/stores", body={"name": name, "currency": "EUR", "timezone": "Europe/Berlin"})
        made = self.call("POST", "/api/v1/admin/keys", body={"store": name, "scopes": ["ingest", "read"]})
        return str(made["key"])


def wait(condition: Any, what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"in vain: {what}")
        time.sleep(0.02)


def _ready(port: int) -> bool:
    try:
        return bool(urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2).status == 200)
    except OSError:
        return False


def memory_megabytes(pid: int) -> float:
    """The most memory that a process has held (RSS), in MB."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024


def processor_seconds(pid: int) -> float:
    """What a process has taken of the processors so far, all its threads."""
    return sum(int(Path(task, "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir()) / 1e9


def listens(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True

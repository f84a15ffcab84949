"""Fixtures: an embedded PostgreSQL and Valkey once per session, a database and an empty Valkey per test."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import asyncpg
import pytest
import redis

from tillwise.embedded.postgres import EmbeddedPostgres
from tillwise.embedded.valkey import EmbeddedValkey

TEMPLATE = "tillwise_template"
START_SECONDS = 30
# Databases of tests live for a second and survive nothing: making one costs a fifth so.
FORGETFUL = [
    option
    for setting in ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0")
    for option in ("-c", setting)
]


def _run(server: EmbeddedPostgres | EmbeddedValkey, log: Path, options: Sequence[str] = ()) -> Iterator[None]:
    server.prepare()
    with log.open("wb") as output:
        process = subprocess.Popen([*server.command(), *options], stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not server.ready():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(START_SECONDS)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A running PostgreSQL with a migrated database to copy."""
    folder = tmp_path_factory.mktemp("pg")
    server = EmbeddedPostgres(folder / "data")
    for _ in _run(server, folder / "log", FORGETFUL):
        server.ensure_database()
        _migrate(server)
        yield server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """A running Valkey."""
    folder = tmp_path_factory.mktemp("valkey")
    server = EmbeddedValkey(folder / "data")
    for _ in _run(server, folder / "log"):
        yield server


@pytest.fixture
def redis_url(redis_server: EmbeddedValkey) -> str:
    """An empty Valkey."""
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
    return redis_server.url


@pytest.fixture
async def postgres_url(postgres_server: EmbeddedPostgres) -> str:
    """A server to connect to; for tests that need no tables of ours."""
    return postgres_server.url


@pytest.fixture
async def database_url(postgres_server: EmbeddedPostgres) -> AsyncIterator[str]:
    """A database of this test's own, with the schemas of all services."""
    name = f"test_{os.getpid()}_{time.monotonic_ns()}"
    admin = await asyncpg.connect(f"postgresql://postgres@/postgres?host={postgres_server.sockets}")
    await admin.execute(f"create database {name} template {TEMPLATE} owner tillwise strategy file_copy")
    yield f"postgresql://tillwise@/{name}?host={postgres_server.sockets}"
    await admin.execute(f"drop database {name} with (force)")
    await admin.close()


def _migrate(server: EmbeddedPostgres) -> None:
    environment = {**os.environ, "DATABASE_URL": server.url, "REDIS_URL": "unix:///nowhere", "LOG_LEVEL": "WARNING"}
    for service in ("gateway", "analytics"):
        subprocess.run([sys.executable, "-m", f"tillwise_{service}", "migrate"], check=True, env=environment)
    server.psql(f"create database {TEMPLATE} template tillwise owner tillwise")

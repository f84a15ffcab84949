"""Whatever dies comes back by itself, and what was accepted counts once."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime

import pytest

from .conftest import Shell

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def key(tillwise):
    tillwise("store", "create", "shop", "--currency", "EUR", "--timezone", "Europe/Berlin")
    return tillwise.json("key", "create", "--store", "shop", "--scope", "ingest,read")["key"]


def events(prefix, count):
    now = datetime.now(UTC).isoformat()
    lines = [{"sku": "A", "quantity": 1, "unit_price": 100}]
    return [
        {"type": "order.placed", "id": f"{prefix}-{n}", "occurred_at": now, "data": {"order_id": f"{prefix}-{n}", "lines": lines}}
        for n in range(count)
    ]


def orders(tillwise, key):
    return tillwise.http("/api/v1/reports/trend?metric=orders", key)["totals"]["value"]


@pytest.mark.parametrize("service", ["analytics", "gateway", "worker", "valkey", "postgres"])
def test_a_killed_process_is_replaced_and_nothing_is_lost(tillwise, key, wait_until, service):
    wait_until(lambda: all(p["ready"] for p in tillwise.json("status")["processes"]), "everything ready")
    before = orders(tillwise, key)
    assert tillwise.http("/api/v1/events", key, events(service, 200))["accepted"] == 200
    killed = tillwise.pids(service)
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: set(tillwise.pids(service)) - set(killed), f"a new {service}")
    wait_until(lambda: orders(tillwise, key) == before + 200, "all orders counted once")
    # The same events again change nothing.
    wait_until(lambda: tillwise.http("/api/v1/events", key, events(service, 200))["accepted"] == 200, "the gateway again")
    wait_until(lambda: tillwise.http("/api/v1/ingest/status", key)["pending"] == 0, "everything consumed")
    assert orders(tillwise, key) == before + 200
    # Also the other gateway, which may be the one that is asked.
    wait_until(lambda: all(p["ready"] for p in tillwise.json("status")["processes"]), "everything ready again")
    assert tillwise.json("rebuild", "--store", "shop", "--check")["differences"] == []


def test_a_folder_left_by_kill_9_starts_again(tmp_path, wait_until):
    shell = Shell(tmp_path / "data")
    about = shell.up("--no-demo")
    assert "already" in shell("up", "--no-demo", "--port", "1", fails=True)
    children = [p["pid"] for p in shell.json("status")["processes"]]
    os.kill(about["pid"], signal.SIGKILL)
    wait_until(lambda: not [pid for pid in children if _alive(pid)], "the children end with their supervisor")
    assert "has died" in shell("status", fails=True)
    shell.up("--no-demo")
    shell("down")
    assert "no tillwise runs" in shell("status", fails=True)


def _alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_taken_port_gets_one_clear_line(tillwise, tmp_path):
    port = tillwise.url.rpartition(":")[2]
    told = Shell(tmp_path / "other")("up", "--no-demo", "--port", port, fails=True)
    assert told.strip() == f"tillwise: port {port} on 127.0.0.1 is taken by another program: stop it or pass --port"


@pytest.mark.parametrize(("name", "value"), [("DATABASE_URL", "postgresql://x@127.0.0.1:1/x"), ("REDIS_URL", "redis://127.0.0.1:1")])
def test_a_server_that_cannot_be_reached_gets_one_clear_line(tmp_path, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    told = Shell(tmp_path / "data")("up", "--no-demo", "--port", "18999", fails=True)
    assert "cannot reach" in told
    assert name in told
    assert len(told.strip().splitlines()) == 1


def test_a_folder_that_cannot_be_written_gets_one_clear_line():
    from pathlib import Path

    told = Shell(Path("/proc/tillwise"))("up", "--no-demo", fails=True)
    assert told.startswith("tillwise: cannot write to /proc/tillwise")

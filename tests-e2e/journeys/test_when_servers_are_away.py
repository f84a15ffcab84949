"""Redis or PostgreSQL silent: fast refusals, probes that tell, and everything goes on by itself afterwards."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

REPORT = "/api/v1/reports/trend?metric=orders&granularity=month&from=2026-05-01&to=2026-05-31"
# A silent server is noticed by a timeout (2 s, and once more for what was on its way), a known one is refused at once.
NOTICE_SECONDS, AT_ONCE_SECONDS = 6.0, 1.0


@pytest.fixture(scope="module")
def key(tillwise) -> str:
    tillwise("store", "create", "away", "--currency", "EUR", "--timezone", "UTC")
    return tillwise.json("key", "create", "--store", "away", "--scope", "ingest,read")["key"]


def with_children(pid: int) -> list[int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


@contextmanager
def silent(tillwise, service: str) -> Iterator[None]:
    (pid,) = tillwise.pids(service)
    pids = with_children(pid)
    for one in pids:
        os.kill(one, signal.SIGSTOP)
    try:
        yield
    finally:
        for one in reversed(pids):
            os.kill(one, signal.SIGCONT)


def ask(url: str, key: str = "", body: Any = None) -> tuple[int, Any, float]:
    """Status, JSON (or text) and seconds."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
    began = time.monotonic()
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    took = time.monotonic() - began
    try:
        return status, json.loads(text), took
    except ValueError:
        return status, text.decode(), took


def order(number: int) -> dict[str, Any]:
    line = {"sku": "A", "quantity": 1, "unit_price": 100}
    data = {"order_id": f"a{number}", "lines": [line]}
    return {"type": "order.placed", "id": f"a{number}", "occurred_at": "2026-05-05T12:00:00Z", "data": data}


def probes(tillwise, service: str) -> list[str]:
    return [f"http://127.0.0.1:{p['probe_port']}" for p in tillwise.json("status")["processes"] if p["service"] == service]


def test_with_redis_silent_events_are_refused_fast_and_accepted_again_later(tillwise, key, wait_until):
    assert ask(f"{tillwise.url}/api/v1/events", key, order(0))[0] == 202
    gateways = probes(tillwise, "gateway")
    with silent(tillwise, "valkey"):
        status, problem, took = ask(f"{tillwise.url}/api/v1/events", key, order(1))
        assert (status, problem["code"] in ("not_stored", "redis_unavailable")) == (503, True)
        assert took < NOTICE_SECONDS
        wait_until(lambda: ask(f"{tillwise.url}/api/v1/events", key, order(1))[1]["code"] == "redis_unavailable", "both know it")
        time.sleep(2)  # Until both gateways know.
        for path, body in (("/api/v1/events", order(1)), (REPORT, None)):
            status, problem, took = ask(tillwise.url + path, key, body)
            assert (status, took < AT_ONCE_SECONDS) == (503, True), (problem, took)
            assert problem["request_id"]
        for gateway in gateways:
            status, document, _ = ask(f"{gateway}/readyz?verbose")
            assert (status, document["checks"]["redis"]["status"], document["checks"]["postgres"]["status"]) == (503, "fail", "pass")
            assert ask(f"{gateway}/livez")[0] == 200
    wait_until(lambda: ask(f"{tillwise.url}/api/v1/events", key, order(1))[0] == 202, "events are accepted again")
    wait_until(lambda: tillwise.http(REPORT, key)["totals"]["value"] == 2, "both orders are counted once")


def test_with_postgresql_silent_events_are_accepted_and_reports_refused(tillwise, key, wait_until):
    wait_until(lambda: tillwise.http(REPORT, key)["totals"]["value"] is not None, "reports work")
    gateways, analytics = probes(tillwise, "gateway"), probes(tillwise, "analytics")
    with silent(tillwise, "postgres"):
        for number in (10, 11, 12):
            status, _, took = ask(f"{tillwise.url}/api/v1/events", key, order(number))
            assert (status, took < NOTICE_SECONDS) == (202, True)
        for _ in range(3):
            status, problem, took = ask(tillwise.url + REPORT, key)
            assert (status, took < NOTICE_SECONDS) == (503, True), (problem, took)
        for probe in gateways + analytics:
            status, document, _ = ask(f"{probe}/readyz?verbose")
            assert (status, document["checks"]["postgres"]["status"], document["checks"]["redis"]["status"]) == (503, "fail", "pass")
            assert ask(f"{probe}/livez")[0] == 200
    wait_until(lambda: tillwise.http(REPORT, key)["totals"]["value"] == 5, "what was accepted meanwhile is counted once")


def test_a_frozen_consumer_is_relieved_within_ten_seconds_and_does_no_harm_afterwards(tillwise, key, wait_until):
    wait_until(lambda: ask(f"{tillwise.url}/api/v1/ingest/status", key)[1].get("pending") == 0, "all is quiet")
    before = wait_until(lambda: tillwise.http(REPORT, key)["totals"], "reports work")["value"]
    (frozen, *_) = tillwise.pids("analytics")
    sent = 0
    # Frozen with work in hand: it has read what nobody has stored yet.
    with silent(tillwise, "postgres"):
        for _ in range(40):
            assert ask(f"{tillwise.url}/api/v1/events", key, order(1000 + sent))[0] == 202
            sent += 1
        os.kill(frozen, signal.SIGSTOP)
    began = time.monotonic()
    try:
        wait_until(lambda: ask(f"{tillwise.url}/api/v1/ingest/status", key)[1].get("pending") == 0, "the other one took over")
        assert time.monotonic() - began < 10
        wait_until(lambda: tillwise.http(REPORT, key)["totals"]["value"] == before + sent, "all are counted")
    finally:
        os.kill(frozen, signal.SIGCONT)
    wait_until(lambda: all(p["ready"] for p in tillwise.json("status")["processes"]), "the zombie is back")
    wait_until(lambda: tillwise.http(REPORT, key)["totals"]["value"] == before + sent, "still the same")
    tillwise("rebuild", "--store", "away", "--check")

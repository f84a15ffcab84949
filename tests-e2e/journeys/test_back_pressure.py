"""With nobody to store events, a bounded number is accepted and the rest refused; nothing accepted is lost."""

from __future__ import annotations

import json
import os
import signal
import urllib.error
import urllib.request

import pytest
import redis

from tillwise.embedded.valkey import EmbeddedValkey

from .conftest import Shell

MAX_LAG = 40
REPORT = "/api/v1/reports/trend?metric=orders&granularity=month&from=2026-05-01&to=2026-05-31"


@pytest.fixture
def small(tmp_path, monkeypatch):
    monkeypatch.setenv("MAX_STREAM_LAG", str(MAX_LAG))
    shell = Shell(tmp_path / "data")
    shell.up("--no-demo")
    yield shell
    shell("down")


def order(number):
    line = {"sku": "A", "quantity": 1, "unit_price": 100}
    return {"type": "order.placed", "id": f"b{number}", "occurred_at": "2026-05-05T12:00:00Z",
            "data": {"order_id": f"b{number}", "lines": [line]}}  # fmt: skip


def post(shell, key, number):
    request = urllib.request.Request(
        f"{shell.url}/api/v1/events",
        json.dumps(order(number)).encode(),
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=15) as answer:
            return answer.status, json.loads(answer.read()), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read()), error.headers


def test_what_is_accepted_is_bounded_and_stored_when_the_consumers_are_back(small, wait_until):
    small("store", "create", "full", "--currency", "EUR", "--timezone", "UTC")
    key = small.json("key", "create", "--store", "full", "--scope", "ingest,read")["key"]
    (consumer,) = small.pids("analytics")
    os.kill(consumer, signal.SIGSTOP)
    accepted = 0
    try:
        for number in range(20_000):
            status, answer, headers = post(small, key, number)
            if status == 503:
                break
            accepted += 1
        assert (status, answer["code"]) == (503, "overloaded")
        assert int(headers["Retry-After"]) >= 1
        with redis.Redis.from_url(EmbeddedValkey(small.folder / "valkey").url) as valkey:
            lengths = [valkey.xlen(name) for name in valkey.scan_iter("tw:events:*")]
        # Each request was a message of its own; what came within the second between two looks is on top.
        assert MAX_LAG < sum(lengths) <= accepted
        assert accepted < 20_000
    finally:
        os.kill(consumer, signal.SIGCONT)
    wait_until(lambda: small.http(REPORT, key)["totals"]["value"] == accepted, "everything accepted is counted")
    wait_until(lambda: post(small, key, 50_000)[0] == 202, "events are accepted again")
    wait_until(lambda: small.http(REPORT, key)["totals"]["value"] == accepted + 1, "and counted")

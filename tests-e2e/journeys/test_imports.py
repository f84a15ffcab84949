"""A shop's past comes in as a file over HTTP and is in the reports, once."""

from __future__ import annotations

import lzma
import urllib.request
from pathlib import Path

EXPORTS = Path(__file__).parents[2] / "libs/common/tests/exports"
REPORT = "/api/v1/reports/trend?metric=sales&granularity=month&from=2024-01-01&to=2024-12-31"


def test_an_export_of_a_shop_system_is_imported_and_a_second_time_adds_nothing(tillwise, wait_until):
    tillwise("store", "create", "past", "--currency", "EUR", "--timezone", "Europe/Berlin")
    key = tillwise.json("key", "create", "--store", "past", "--scope", "ingest,read")["key"]
    body = lzma.compress((EXPORTS / "shopify.csv").read_bytes())
    for _ in range(2):
        found = imported(tillwise, key, body, wait_until)
        assert (found["state"], found["lines_read"], found["lines_accepted"]) == ("completed", 11, 6)
        assert found["accepted_net_total"] == "85.00"
        wait_until(lambda: tillwise.http("/api/v1/ingest/status", key)["pending"] == 0, "everything is counted")
        assert tillwise.http(REPORT, key)["totals"]["value"] == 8500
    with urllib.request.urlopen(asking(tillwise, found["links"]["rejects"], key), timeout=15) as answer:
        assert answer.read().splitlines()[0] == b"line,reason,row"


def imported(tillwise, key, body, wait_until):
    """What becomes of a file."""
    request = asking(tillwise, "/api/v1/imports?format=shopify", key, body)
    with urllib.request.urlopen(request, timeout=15) as answer:
        assert answer.status == 202
        place = answer.headers["Location"]

    def ended():
        found = tillwise.http(place, key)
        return found if found["state"] in ("completed", "failed") else None

    return wait_until(ended, "the import has ended")


def asking(tillwise, path, key, body=None):
    return urllib.request.Request(tillwise.url + path, body, {"Authorization": f"Bearer {key}", "Content-Type": "application/x-xz"})

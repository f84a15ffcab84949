"""What the README promises for the first five minutes, typed as it stands there."""

from __future__ import annotations

import re
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest

pytestmark = pytest.mark.e2e

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
ROWS = """1,A1111,MUG,2,2011-03-01 10:00:00,2.55,17850.0,United Kingdom
1,B2222,TEA,1,2011-03-01 10:00:00,3.39,17850.0,United Kingdom
1,B2222,TEA,1,2011-03-01 10:00:00,3.39,17850.0,United Kingdom
2,POST,POSTAGE,1,2011-03-02 09:00:00,18.0,,France
C1,A1111,MUG,-1,2011-03-05 12:00:00,2.55,17850.0,United Kingdom
A9,B,Adjust bad debt,1,2011-03-06 12:00:00,-5.00,,United Kingdom
3,A1111,MUG,many,2011-03-06 12:00:00,2.55,,France
"""
TOTAL = 2 * 255 + 2 * 339 + 1800 - 255 - 500


@pytest.fixture(scope="module")
def key(tillwise):
    tillwise("store", "create", "shop", "--currency", "GBP", "--timezone", "Europe/London")
    return tillwise.json("key", "create", "--store", "shop", "--scope", "ingest,read")["key"]


def order(number, at, **data):
    lines = [{"sku": "A", "quantity": 2, "unit_price": 1250}]
    return {
        "type": "order.placed",
        "id": f"e-{number}",
        "occurred_at": at,
        "data": {"order_id": f"direct-{number}", "lines": lines, **data},
    }


def test_everything_is_ready_and_says_so(tillwise):
    processes = tillwise.json("status")["processes"]
    services = sorted(p["service"] for p in processes)
    assert services == ["analytics"] * 2 + ["gateway"] * 2 + ["postgres", "valkey"] + ["worker"] * 2
    assert all(p["ready"] for p in processes)
    for process in processes:
        if process["probe_port"]:
            for path in ("livez", "readyz", "metrics"):
                assert urllib.request.urlopen(f"http://127.0.0.1:{process['probe_port']}/{path}").status == 200
    assert len({p["port"] for p in processes if p["service"] == "gateway"}) == 1
    assert all(check["ok"] for check in tillwise.json("doctor")["checks"])


def test_an_order_sent_is_an_order_seen(tillwise, key, wait_until):
    now = datetime.now(UTC)
    sent = tillwise.http("/api/v1/events", key, [order(1, now.isoformat()), order(2, (now - timedelta(days=400)).isoformat())])
    assert sent == {"accepted": 2, "duplicates": None, "rejected": []}
    wait_until(lambda: tillwise.http("/api/v1/reports/trend", key)["totals"]["value"] == 2500, "the order in the trend")


def test_a_file_is_imported_once_however_often_it_is_run(tillwise, key, tmp_path):
    file = tmp_path / "orders.csv"
    file.write_text(HEADER + ROWS)
    for _ in range(2):
        summary = tillwise.json("import", "orders", str(file), "--store", "shop", "--format", "online-retail", "--wait")
        assert (summary["lines_read"], summary["lines_accepted"], summary["lines_rejected"]) == (7, 6, {"bad_quantity": 1})
        answer = tillwise.http("/api/v1/reports/trend?from=2011-03-01&to=2011-03-31", key)
        assert answer["totals"]["value"] == TOTAL
    countries = tillwise.http("/api/v1/reports/trend?from=2011-03-01&to=2011-03-31&granularity=month&by=country", key)
    assert {row[1]: row[2] for row in countries["rows"]} == {"United Kingdom": TOTAL - 1800, "France": 1800}
    assert tillwise.json("rebuild", "--store", "shop", "--check")["differences"] == []


def test_the_page_is_there_for_whoever_logs_in(tillwise, key):
    request = urllib.request.Request(
        f"{tillwise.url}/reports/trend?from=2011-03-01&to=2011-03-31", headers={"Authorization": f"Bearer {key}"}
    )
    with urllib.request.urlopen(request) as answer:
        page = answer.read().decode()
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert re.search(r"22\.33.{0,20}GBP|£22\.33", page), "the total stands on the page"
    with urllib.request.urlopen(f"{tillwise.url}/") as answer:
        assert answer.url.startswith(f"{tillwise.url}/login")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("store", "create", "shop", "--currency", "GBP", "--timezone", "Europe/London"), "already"),
        (("store", "create", "x", "--currency", "GBP", "--timezone", "Europe/Londn"), "timezone"),
        (("key", "create", "--store", "nowhere", "--scope", "read"), "no store named 'nowhere'"),
        (("key", "create", "--store", "shop", "--scope", "everything"), "unknown scope 'everything'"),
        (("import", "orders", "/no/such/file", "--store", "shop"), "no file /no/such/file"),
    ],
)
def test_bad_input_gets_one_clear_line(tillwise, key, arguments, said):
    told = tillwise(*arguments, fails=True)
    assert said in told
    assert "Traceback" not in told
    assert len(told.strip().splitlines()) == 1


def test_nothing_secret_is_in_the_logs(tillwise, key):
    secrets = [key.split("_", 2)[2], *((tillwise.folder / "secrets" / name).read_text() for name in ("admin_key", "admin_password"))]
    logs = "".join(file.read_text(errors="replace") for file in (tillwise.folder / "logs").iterdir())
    assert not [secret for secret in secrets if secret in logs]

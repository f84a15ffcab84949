"""Exports from asking to the last byte, with a real queue, a real worker and real files."""

from __future__ import annotations

import asyncio
import base64
import csv
import hashlib
import io
from datetime import UTC, datetime
from typing import Any

import msgspec
import openpyxl
import orjson
import pytest

from tillwise_analytics.intake.rows import Staged
from tillwise_analytics.intake.writer import OPTIONS, SEARCH_PATH, Writer, prepare_session
from tillwise_common.bus.ask import Asker
from tillwise_common.bus.connection import RedisConnection
from tillwise_common.contracts.batches import Batch, Part
from tillwise_common.contracts.jobs import EXPORT
from tillwise_common.contracts.stores import Store
from tillwise_common.files.folder import Folder
from tillwise_common.files.record import NewFile
from tillwise_common.jobs.queue import Queue
from tillwise_common.postgres.pool import Postgres
from tillwise_common.render.process import Renderer
from tillwise_common.settings import Secret
from tillwise_gateway.exports.ranges import Part as Slice
from tillwise_gateway.exports.ranges import Unsatisfiable, part
from tillwise_worker.engine.work import work
from tillwise_worker.engine.worker import Worker
from tillwise_worker.jobs.export import ExportJob

from .analytics_stand_in import refusal, standing_in, trend
from .conftest import ADMIN

SHOP = {"name": "shop", "currency": "EUR", "timezone": "Europe/Berlin", "week_start": "monday"}


@pytest.fixture
async def exporter(gateway):
    """The gateway with a key that may export."""
    made = await gateway.call("POST", "/api/v1/admin/keys", key=str(ADMIN), json={"store": "shop", "scopes": ["read", "export"]})
    gateway.key = (await made.json())["key"]
    return gateway


@pytest.fixture
async def other_key(gateway):
    """A key of another store."""
    await gateway.call("POST", "/api/v1/admin/stores", key=str(ADMIN), json={**SHOP, "name": "other"})
    made = await gateway.call("POST", "/api/v1/admin/keys", key=str(ADMIN), json={"store": "other", "scopes": ["read", "export"]})
    return (await made.json())["key"]


@pytest.fixture
async def worker(gateway, database_url, redis_url, tmp_path):
    """A worker that makes exports."""
    redis, postgres, renderer = RedisConnection(Secret(redis_url)), Postgres(Secret(database_url), "worker", size=2), Renderer()
    asker = Asker(redis, "worker")
    await postgres.start()
    await asker.start()
    job = ExportJob(asker, postgres, Folder(tmp_path / "files"), renderer, days=1)
    made = Worker(Queue(redis.commands, EXPORT.queue), redis.blocking, [work(EXPORT, job.run)], name="one")
    running = asyncio.create_task(made.async_run())
    yield made
    made.drain()
    await running
    await renderer.close()
    await asker.close()
    await postgres.close()
    await redis.close()


@pytest.fixture
async def analytics(gateway, redis_url):
    stand_in, end = await standing_in(redis_url)
    yield stand_in
    await end()


@pytest.fixture
async def sold(gateway, database_url):
    """Two orders of the shop, one with a name that a spreadsheet would run."""
    postgres = Postgres(Secret(database_url), "test", size=1, search_path=SEARCH_PATH, options=OPTIONS, prepare=prepare_session)
    await postgres.start()
    lines = [{"sku": "=A1", "name": "@SUM(1)", "quantity": 2, "unit_price": 1050}]
    events = [
        {"type": "order.placed", "id": f"e{n}", "occurred_at": f"2026-03-0{n}T23:30:00Z", "data": {"order_id": f"o{n}", "lines": lines}}
        for n in (1, 2)
    ]
    async with postgres.acquire() as connection:
        number = await connection.fetchval("select id from gateway.stores where name = 'shop'")
    store = Store(id=number, name="shop", currency="EUR", timezone="Europe/Berlin")
    staged = Staged()
    staged.add(Batch(store, [Part("part", "request-1", datetime(2026, 4, 1, tzinfo=UTC), "array", msgspec.json.encode(events))]))
    await Writer(postgres).commit(staged)
    await postgres.close()


async def begin(gateway: Any, **body: Any) -> Any:
    return await gateway.call("POST", "/api/v1/exports", json=body)


async def events(gateway: Any, job: str) -> list[tuple[str, Any]]:
    """All that is told of a job, to its end."""
    answer = await gateway.call("GET", f"/api/v1/jobs/{job}/events")
    assert (answer.status, answer.content_type) == (200, "text/event-stream")
    told = []
    for block in (await answer.text()).strip().split("\n\n"):
        if not block.startswith(":"):
            name, data = block.split("\n")
            told.append((name.removeprefix("event: "), orjson.loads(data.removeprefix("data: "))))
    return told


async def made(gateway: Any, **body: Any) -> Any:
    """An export that has ended."""
    answer = await begin(gateway, **body)
    assert answer.status == 202, await answer.text()
    return (await events(gateway, (await answer.json())["id"]))[-1][1]


async def fetch(gateway: Any, export: Any, **headers: str) -> Any:
    return await gateway.call("GET", export["file"]["link"], headers=headers)


async def test_a_data_set_arrives_whole_and_says_what_it_must_be(exporter, worker, sold):
    export = await made(exporter, dataset="order_lines", format="csv")
    assert (export["state"], export["file"]["rows"], export["error"]) == ("completed", 2, None)
    answer = await fetch(exporter, export)
    body = await answer.read()
    digest = hashlib.sha256(body)
    assert (answer.status, len(body)) == (200, export["file"]["size"])
    assert answer.headers["ETag"] == f'"{digest.hexdigest()}"' == f'"{export["file"]["sha256"]}"'
    assert answer.headers["Repr-Digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:" == export["file"]["repr_digest"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{export["file"]["file_name"]}"'
    assert (export["dataset"], export["params"], export["progress"]) == ("order_lines", {}, {"rows": 2, "of": 2})
    rows = list(csv.DictReader(io.StringIO(body.decode())))
    assert {(row["sku"], row["name"], row["amount"], row["currency"]) for row in rows} == {("'=A1", "'@SUM(1)", "2100", "EUR")}
    assert sorted(row["placed_at"] for row in rows) == ["2026-03-02 00:30:00", "2026-03-03 00:30:00"]


async def test_days_are_days_of_the_store(exporter, worker, sold):
    export = await made(exporter, dataset="orders", format="xlsx", params={"from": "2026-03-03", "to": "2026-03-03"})
    book = openpyxl.load_workbook(io.BytesIO(await (await fetch(exporter, export)).read()))
    head, row = book["Orders"].iter_rows(values_only=True)
    told = dict(zip(head, row, strict=True))
    assert export["params"] == {"from": "2026-03-03", "to": "2026-03-03"}
    assert (told["order id"], told["placed at"], told["gross"]) == ("o2", datetime(2026, 3, 3, 0, 30), 21)


async def test_a_download_that_broke_off_goes_on_where_it_was(exporter, worker, sold):
    export = await made(exporter, dataset="orders", format="csv")
    whole = await (await fetch(exporter, export)).read()
    etag = f'"{export["file"]["sha256"]}"'
    rest = await fetch(exporter, export, Range="bytes=10-", **{"If-Range": etag})
    assert (rest.status, await rest.read()) == (206, whole[10:])
    assert rest.headers["Content-Range"] == f"bytes 10-{len(whole) - 1}/{len(whole)}"
    other = await fetch(exporter, export, Range="bytes=10-", **{"If-Range": '"another"'})
    assert (other.status, await other.read()) == (200, whole)
    beyond = await fetch(exporter, export, Range=f"bytes={len(whole)}-")
    assert (beyond.status, beyond.headers["Content-Range"]) == (416, f"bytes */{len(whole)}")
    assert (await fetch(exporter, export, **{"If-None-Match": etag})).status == 304


@pytest.mark.parametrize("form", ["csv", "xlsx", "pdf", "svg", "png"])
async def test_a_report_in_every_form(exporter, worker, analytics, form):
    export = await made(exporter, report="trend", format=form, params={"metric": "sales", "top": 3, "growth": True})
    answer = await fetch(exporter, export)
    assert (answer.status, len(await answer.read())) == (200, export["file"]["size"])
    assert export["file"]["file_name"].endswith(f".{form}")
    asked = next(one for one in analytics.asked if one.report == "trend")
    assert (asked.params, asked.store.name) == ({"metric": "sales", "top": "3", "growth": "true"}, "shop")


async def test_what_a_report_refuses_is_told_and_not_tried_again(exporter, worker, analytics):
    await begin(exporter, report="trend", format="csv")
    analytics.reply = refusal(422, parameter="metric", detail="no such metric")
    export = await made(exporter, report="trend", format="csv", params={"metric": "x"})
    assert (export["state"], export["attempts"], export["error"]) == ("failed", 1, "metric: no such metric")
    answer = await exporter.call("GET", f"/api/v1/exports/{export['id']}/file")
    assert (answer.status, (await answer.json())["code"]) == (409, "export_failed")


async def test_a_report_too_large_for_a_pdf_says_so(exporter, worker, analytics):
    analytics.answers(rows=trend()["rows"] * 5000)
    export = await made(exporter, report="trend", format="pdf")
    assert "at most" in export["error"]


async def test_without_a_worker_an_export_waits_and_has_no_file(exporter):
    answer = await begin(exporter, dataset="products", format="csv")
    export = await answer.json()
    assert (answer.status, answer.headers["Location"], export["state"]) == (202, f"/api/v1/exports/{export['id']}", "waiting")
    assert (await (await exporter.call("GET", f"/api/v1/jobs/{export['id']}")).json())["state"] == "waiting"
    file = await exporter.call("GET", f"/api/v1/exports/{export['id']}/file")
    assert (file.status, (await file.json())["code"], file.headers["Retry-After"]) == (409, "export_not_ready", "2")


async def test_another_stores_export_does_not_exist(exporter, worker, sold, other_key):
    export = await made(exporter, dataset="orders", format="csv")
    for path in ("exports/{}", "exports/{}/file", "jobs/{}", "jobs/{}/events"):
        answer = await exporter.call("GET", f"/api/v1/{path.format(export['id'])}", key=other_key)
        assert (answer.status, (await answer.json())["code"]) == (404, "no_such_export")


async def test_a_store_exports_its_own_rows_only(exporter, worker, sold, other_key):
    exporter.key = other_key
    assert (await made(exporter, dataset="orders", format="csv"))["file"]["rows"] == 0


@pytest.mark.parametrize("export", ["..%2F..%2Fetc%2Fpasswd", "x", "a" * 33, "%00" * 20, "a" * 500])
async def test_an_id_that_is_none_is_not_found(exporter, export):
    assert (await exporter.call("GET", f"/api/v1/exports/{export}/file")).status == 404


async def test_asking_twice_with_the_same_key_is_asking_once(exporter):
    first, again = [
        await exporter.call("POST", "/api/v1/exports", json={"dataset": "orders", "format": "csv"}, headers={"Idempotency-Key": "k"})
        for _ in range(2)
    ]
    assert (await first.json())["id"] == (await again.json())["id"]
    other = await exporter.call("POST", "/api/v1/exports", json={"dataset": "customers", "format": "csv"}, headers={"Idempotency-Key": "k"})
    assert (other.status, (await other.json())["code"]) == (422, "idempotency_key_reused")


async def test_asking_again_with_the_same_key_after_the_end_finds_the_export_that_was_made(exporter, worker, sold):
    done = await made(exporter, dataset="orders", format="csv")
    key = {"Idempotency-Key": "monday"}
    first = await (await exporter.call("POST", "/api/v1/exports", json={"dataset": "orders", "format": "csv"}, headers=key)).json()
    await events(exporter, first["id"])
    again = await (await exporter.call("POST", "/api/v1/exports", json={"dataset": "orders", "format": "csv"}, headers=key)).json()
    assert (again["id"], again["state"]) == (first["id"], "completed")
    assert done["id"] != first["id"]


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({"format": "csv"}, "report"),
        ({"dataset": "orders", "report": "trend", "format": "csv"}, "report"),
        ({"dataset": "secrets", "format": "csv"}, "dataset"),
        ({"dataset": "orders", "format": "pdf"}, "format"),
        ({"report": "nothing", "format": "csv"}, "report"),
        ({"report": "trend", "format": "docx"}, "format"),
        ({"dataset": "orders", "format": "csv", "params": {"from": "yesterday"}}, "params.from"),
        ({"dataset": "orders", "format": "csv", "params": {"to": "9999-12-31"}}, "params.to"),
        ({"dataset": "orders", "format": "csv", "params": {"from": "2026-02-02", "to": "2026-02-01"}}, "params.from"),
        ({"dataset": "products", "format": "csv", "params": {"from": "2026-02-02"}}, "params.from"),
        ({"dataset": "orders", "format": "csv", "colour": "red"}, "body"),
    ],
)
async def test_what_cannot_be_exported_is_named(exporter, analytics, body, parameter):
    answer = await begin(exporter, **body)
    assert (answer.status, (await answer.json())["errors"][0]["parameter"]) == (422, parameter)


async def test_exporting_needs_the_scope_for_it(gateway):
    assert (await begin(gateway, dataset="orders", format="csv")).status == 403


async def test_a_file_that_has_expired_is_gone(exporter, tmp_path, worker, sold):
    export = await made(exporter, dataset="orders", format="csv")
    folder = Folder(tmp_path / "files")
    again = folder.scratch() / "again"
    again.write_bytes(b"x")
    await folder.keep(again, NewFile(id=export["id"], store_id=1, name="x", media_type="text/csv", seconds=0))
    answer = await fetch(exporter, export)
    assert (answer.status, (await answer.json())["code"]) == (410, "export_expired")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (None, Slice(0, 100, True)), ("bytes=0-9", Slice(0, 10, False)), ("bytes=90-", Slice(90, 100, False)),
        ("bytes=-10", Slice(90, 100, False)), ("bytes=-1000", Slice(0, 100, False)), ("bytes=50-1000", Slice(50, 100, False)),
        ("bytes=9-3", Slice(0, 100, True)), ("bytes=-", Slice(0, 100, True)), ("bytes=0-1,5-6", Slice(0, 100, True)),
        ("lines=0-1", Slice(0, 100, True)), ("bytes=x-", Slice(0, 100, True)),
    ],
)  # fmt: skip
def test_which_part_is_asked_for(asked, found):
    assert part(asked, None, '"e"', 100) == found


@pytest.mark.parametrize(("asked", "size"), [("bytes=100-", 100), ("bytes=0-", 0), ("bytes=-0", 100)])
def test_a_part_beyond_the_end_is_refused(asked, size):
    with pytest.raises(Unsatisfiable):
        part(asked, None, '"e"', size)

"""Imports over HTTP, from a file to the events on the stream, with a real queue, a real worker and real files."""

from __future__ import annotations

import asyncio
import csv
import gzip
import json
import lzma
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import openpyxl
import pytest
from prometheus_client import CollectorRegistry

from tillwise_common.bus.connection import RedisConnection
from tillwise_common.bus.publish import PackingPublisher
from tillwise_common.contracts.jobs import IMPORT
from tillwise_common.files.folder import Folder
from tillwise_common.ingest.packing import packing
from tillwise_common.ingest.pressure import Pressure
from tillwise_common.jobs import watching
from tillwise_common.jobs.queue import Queue
from tillwise_common.settings import Secret
from tillwise_common.web.problems import Problem
from tillwise_gateway.imports.media import file_name
from tillwise_gateway.imports.uploads import _put
from tillwise_worker.engine.work import work
from tillwise_worker.engine.worker import Worker
from tillwise_worker.imports.stream import Stream
from tillwise_worker.jobs.import_file import ImportJob

from .conftest import ADMIN

EXPORTS = Path(__file__).parents[3] / "libs/common/tests/exports"
HEADER = b"order_id,date,sku,quantity,price\n"
GOOD = HEADER + b"1,2024-03-01,A,1,2.50\n2,2024-03-01,A,1,2.50\n"
CSV = {"Content-Type": "text/csv"}


class Workroom:
    """A worker that does imports, and its end."""

    def __init__(self, redis: RedisConnection) -> None:
        self.redis, self.queue = redis, Queue(redis.commands, IMPORT.queue)

    async def ended(self, import_id: str) -> Any:
        return await watching.result(self.queue, self.redis.blocking, import_id, 20)


@pytest.fixture
async def worker(gateway: Any, redis_url: str, tmp_path: Path) -> AsyncIterator[Workroom]:
    redis = RedisConnection(Secret(redis_url))
    publisher: Any = PackingPublisher(redis.commands, packing("worker/test", 4))
    pressure = Pressure(redis.commands, 4, max_lag=1000, max_memory_share=1, max_memory_bytes=1 << 40, registry=CollectorRegistry())
    await publisher.start()
    job = ImportJob(Folder(tmp_path / "files"), Stream(publisher, pressure, CollectorRegistry()), days=1)
    room = Workroom(redis)
    made = Worker(room.queue, redis.blocking, [work(IMPORT, job.run)], name="one")
    running = asyncio.create_task(made.async_run())
    yield room
    made.drain()
    await running
    await publisher.close()
    await redis.close()


@pytest.fixture
async def other_key(gateway: Any) -> str:
    """A key of another store."""
    store = {"name": "other", "currency": "EUR", "timezone": "Europe/Berlin", "week_start": "monday"}
    await gateway.call("POST", "/api/v1/admin/stores", key=str(ADMIN), json=store)
    made = await gateway.call("POST", "/api/v1/admin/keys", key=str(ADMIN), json={"store": "other", "scopes": ["ingest", "read"]})
    return str((await made.json())["key"])


async def send(gateway: Any, body: Any, query: str = "", **headers: str) -> Any:
    return await gateway.call("POST", f"/api/v1/imports{query}", data=body, headers={**CSV, **headers})


async def problem(answer: Any) -> tuple[int, str]:
    return answer.status, (await answer.json())["code"]


def left(tmp_path: Path) -> list[str]:
    """What is left of uploads."""
    folder = tmp_path / "files"
    return [path.name for path in [*folder.glob("*"), *folder.glob("unfinished/*")] if path.is_file()]


async def test_a_file_is_taken_imported_and_told_line_by_line(gateway, worker, tmp_path):
    taken = await send(gateway, GOOD + b"3,yesterday,A,1,1\n")
    body = await taken.json()
    assert (taken.status, taken.headers["Location"]) == (202, f"/api/v1/imports/{body['id']}")
    await worker.ended(body["id"])
    found = await (await gateway.call("GET", taken.headers["Location"])).json()
    assert (found["state"], found["progress"]) == ("completed", 1.0)
    assert (found["lines_read"], found["lines_accepted"], found["lines_rejected"]) == (3, 2, {"bad_date": 1})
    assert (found["accepted_net_total"], found["currency"], found["store"]) == ("5.00", "EUR", "shop")
    rejects = await gateway.call("GET", found["links"]["rejects"])
    assert rejects.content_type == "text/csv"
    assert list(csv.reader((await rejects.text()).splitlines())) == [["line", "reason", "row"], ["4", "bad_date", "3,yesterday,A,1,1"]]
    assert {name.rpartition("-")[2] for name in left(tmp_path)} == {"rejects.json", "rejects.data"}


@pytest.mark.parametrize(
    ("headers", "pack"),
    [
        ({"Content-Type": "application/x-xz"}, lzma.compress),
        ({"Content-Type": "application/gzip"}, gzip.compress),
        ({"Content-Type": "text/csv; charset=utf-8", "Content-Encoding": "gzip"}, gzip.compress),
    ],
)
async def test_packed_files_are_taken_as_they_come(gateway, worker, headers, pack):
    body = await (await send(gateway, pack(GOOD), **headers)).json()
    assert (await worker.ended(body["id"]))["lines_accepted"] == 2


async def test_a_form_with_a_file_and_a_mapping_is_read_as_the_mapping_says(gateway, worker):
    form = aiohttp.FormData()
    mapping = {"decimal": ",", "date_format": "%d.%m.%Y", "columns": {"sku": "Artikel"}, "values": {"quantity": "1"}}
    form.add_field("file", b"order;date;Artikel;price\n1;01.03.2024;A;2,50\n", filename="Mai 2024.csv", content_type="text/csv")
    form.add_field("mapping", json.dumps(mapping), content_type="application/json")
    taken = await gateway.call("POST", "/api/v1/imports", data=form)
    body = await taken.json()
    assert (taken.status, body["file_name"]) == (202, "Mai 2024.csv")
    assert (await worker.ended(body["id"]))["accepted_net_total"] == "2.50"


async def test_a_mapping_in_the_address_does_the_same(gateway, worker):
    query = "?map=sku=Artikel&decimal=,&date_format=%25d.%25m.%25Y&delimiter=;"
    body = await (await send(gateway, b"order;date;Artikel;qty;price\n1;01.03.2024;A;1;2,50\n", query)).json()
    assert (await worker.ended(body["id"]))["accepted_net_total"] == "2.50"


async def test_a_workbook_is_known_by_its_type(gateway, worker, tmp_path):
    book = openpyxl.Workbook()
    for row in (["order", "date", "sku", "qty", "price"], [1, "2024-03-01", "A", 1, 2.5]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    body = await (await send(gateway, (tmp_path / "a.xlsx").read_bytes(), **{"Content-Type": media})).json()
    assert body["format"] == "xlsx"
    assert (await worker.ended(body["id"]))["accepted_net_total"] == "2.50"


async def test_the_same_file_again_adds_nothing_new_to_the_stream(gateway, worker):
    from tillwise_common.bus import names
    from tillwise_common.bus.envelope import parse
    from tillwise_common.contracts import batches

    for _ in range(2):
        body = await (await send(gateway, GOOD)).json()
        await worker.ended(body["id"])
    ids = [
        event.id
        for partition in range(4)
        for _, fields in await worker.redis.commands.xrange(names.events(partition))
        for part in batches.decode(parse(fields).data).parts
        for event in batches.decode_events(part)
    ]
    assert (len(ids), set(ids)) == (4, {"import:csv:1", "import:csv:2"})


async def test_asking_twice_with_the_same_key_is_one_import_and_keeps_one_upload(gateway, tmp_path):
    first = await (await send(gateway, GOOD, **{"Idempotency-Key": "k"})).json()
    second = await (await send(gateway, GOOD, **{"Idempotency-Key": "k"})).json()
    assert first["id"] == second["id"]
    other = await send(gateway, GOOD + b"\n", **{"Idempotency-Key": "k"})
    assert (other.status, (await other.json())["code"]) == (422, "idempotency_key_reused")
    assert sorted(left(tmp_path)) == [f"{first['id']}-upload.data", f"{first['id']}-upload.json"]


@pytest.mark.parametrize("format_", ["shopify", "woocommerce"])
async def test_a_preview_tells_what_the_first_rows_would_become_and_sends_nothing(gateway, tmp_path, redis_url, format_):
    answer = await send(gateway, (EXPORTS / f"{format_}.csv").read_bytes(), f"?format={format_}&preview=true")
    found = await answer.json()
    assert answer.status == 200
    assert found["lines_read"] == found["lines_accepted"] + sum(found["lines_rejected"].values())
    reasons = {one["line"]: one["reason"] for one in found["lines"]}
    assert "currency_mismatch" in reasons.values()
    assert [one["line"] for one in found["lines"]] == sorted(reasons)
    assert all(one["row"] for one in found["lines"])
    assert {one["event"]["type"] for one in found["events"]} == {"order.placed", "order.refunded", "order.cancelled"}
    redis = RedisConnection(Secret(redis_url))
    assert [key async for key in redis.commands.scan_iter("*events*")] == []
    assert await redis.commands.exists(Queue(redis.commands, IMPORT.queue).key("wait")) == 0
    await redis.close()
    assert left(tmp_path) == []


async def test_a_preview_tells_what_the_platform_would_refuse(gateway):
    found = await (await send(gateway, HEADER + b"1,2024-03-01,A,1000000,99000000.00\n", "?preview=true")).json()
    assert found["lines_rejected"] == {"amount_too_large": 1}
    assert found["lines"][0]["reason"].startswith("amount_too_large: ")


async def test_a_preview_of_a_long_file_reads_its_begin_only(gateway):
    body = HEADER + b"".join(b"%d,2024-03-01,A,1,1\n" % n for n in range(5_000))
    found = await (await send(gateway, body, "?preview=true")).json()
    assert (found["lines_read"], len(found["lines"]), len(found["events"])) == (999, 20, 20)


@pytest.mark.parametrize(
    ("body", "query", "code"),
    [
        (b"a,b\n1,2\n", "?preview=true", "unusable_file"),
        (b"a,b\n1,2\n", "?preview=true&format=shopify", "unusable_file"),
        (GOOD, "?kind=customers", "invalid_import"),
        (GOOD, "?format=excel", "invalid_import"),
        (GOOD, "?kind=stock&format=shopify", "invalid_import"),
        (GOOD, "?format=xlsx", "invalid_import"),
        (GOOD, "?map=sku", "invalid_import"),
        (GOOD, "?map=skew=A", "invalid_import"),
        (GOOD, "?decimal=;", "invalid_import"),
        (GOOD, "?delimiter=ab", "invalid_import"),
        (GOOD, "?format=shopify&map=sku=A", "invalid_import"),
        (GOOD, "?preveiw=true", "invalid_import"),
        (GOOD, "?preview=maybe", "invalid_import"),
        (b"", "", "empty_body"),
    ],
)
async def test_what_cannot_be_imported_is_refused_with_a_reason_and_leaves_nothing(gateway, tmp_path, body, query, code):
    answer = await send(gateway, body, query)
    assert await problem(answer) == (422, code)
    assert str(tmp_path) not in (await answer.json())["detail"]
    assert left(tmp_path) == []


@pytest.mark.parametrize("headers", [{"Content-Type": "image/png"}, {"Content-Encoding": "br"}])
async def test_a_type_that_is_no_table_is_refused(gateway, headers):
    assert (await send(gateway, GOOD, **headers)).status == 415


async def _endless(megabytes: int) -> AsyncIterator[bytes]:
    for _ in range(megabytes):
        yield b"x" * 1024 * 1024


async def test_a_file_that_is_too_large_is_refused_whether_it_says_so_or_not_and_leaves_nothing(gateway, tmp_path):
    assert await problem(await send(gateway, b"x" * 3 * 1024 * 1024)) == (413, "file_too_large")
    assert await problem(await send(gateway, _endless(3))) == (413, "file_too_large")
    form = aiohttp.FormData()
    form.add_field("file", b"x" * (2 * 1024 * 1024 + 1), filename="a.csv", content_type="text/csv")
    assert await problem(await gateway.call("POST", "/api/v1/imports", data=form)) == (413, "file_too_large")
    assert left(tmp_path) == []


async def test_a_file_larger_than_any_body_of_events_goes_to_disk_without_filling_the_memory(gateway, tmp_path):
    tracemalloc.start()
    try:
        assert (await send(gateway, _endless(2))).status == 202
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    finally:
        tracemalloc.stop()


async def test_forms_that_are_none_are_refused(gateway, tmp_path):
    form = aiohttp.FormData()
    form.add_field("flie", b"x", filename="a.csv", content_type="text/csv")
    assert await problem(await gateway.call("POST", "/api/v1/imports", data=form)) == (422, "invalid_import")
    form = aiohttp.FormData()
    form.add_field("mapping", "{}", content_type="application/json")
    form.add_field("mapping", "{}", content_type="application/json")
    assert await problem(await gateway.call("POST", "/api/v1/imports", data=form)) == (422, "invalid_import")
    assert (await send(gateway, b"no form", **{"Content-Type": "multipart/form-data"})).status == 400
    assert left(tmp_path) == []


async def test_another_stores_import_does_not_exist(gateway, worker, other_key):
    body = await (await send(gateway, GOOD + b"3,yesterday,A,1,1\n")).json()
    await worker.ended(body["id"])
    for path in (body["links"]["self"], body["links"]["rejects"]):
        assert await problem(await gateway.call("GET", path, key=other_key)) == (404, "no_such_import")
        assert (await gateway.call("GET", path)).status == 200


@pytest.mark.parametrize("import_id", ["x", "0123456789abcdefghij", "..%2F..%2Fetc", "a" * 200])
async def test_an_id_that_is_none_is_not_found(gateway, import_id):
    for path in ("", "/rejects"):
        assert (await gateway.call("GET", f"/api/v1/imports/{import_id}{path}")).status == 404


async def test_importing_needs_the_scope_for_it(gateway):
    made = await gateway.call("POST", "/api/v1/admin/keys", key=str(ADMIN), json={"store": "shop", "scopes": ["read"]})
    key = (await made.json())["key"]
    assert (await gateway.call("POST", "/api/v1/imports", key=key, data=GOOD, headers=CSV)).status == 403
    assert (await gateway.call("POST", "/api/v1/imports", key="", data=GOOD, headers=CSV)).status == 401


async def test_a_file_without_rejects_and_one_that_is_not_finished_say_so(gateway, worker):
    body = await (await send(gateway, GOOD)).json()
    await worker.ended(body["id"])
    assert await problem(await gateway.call("GET", body["links"]["rejects"])) == (404, "no_rejects")


async def test_without_a_worker_an_import_waits(gateway):
    body = await (await send(gateway, GOOD)).json()
    assert (body["state"], body["progress"], body["lines_read"]) == ("waiting", 0.0, 0)
    assert await problem(await gateway.call("GET", body["links"]["rejects"])) == (409, "import_not_ready")


def test_a_full_disk_is_told_as_such():
    with open("/dev/full", "wb", 0) as full, pytest.raises(Problem) as refused:
        _put(full, b"x")
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (507, "300")


@pytest.mark.parametrize(
    ("media", "encoding", "said", "found"),
    [
        ("text/csv", "", "", "import.csv"),
        ("text/csv", "gzip", "März.csv", "März.gz"),
        ("text/csv", "", "past.csv.xz", "past.csv.xz"),
        ("application/octet-stream", "", "C:\\shop\\past.XLSX", "past.xlsx"),
        ("application/x-xz", "", "../../etc/passwd", "passwd.xz"),
        ("application/vnd.ms-excel", "", "a.csv", "a.csv"),
        ("text/csv", "", "a\n\"'<b>.csv", "a____b_.csv"),
        ("text/csv", "", "x" * 500 + ".csv", "x" * 120 + ".csv"),
    ],
)
def test_a_files_name_tells_how_it_is_packed_and_is_harmless(media, encoding, said, found):
    assert file_name(media, encoding, said) == found

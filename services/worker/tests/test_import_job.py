"""Imports as jobs: every line accepted or rejected once, every event on the stream, whatever is done twice."""

from __future__ import annotations

import asyncio
import csv
import gzip
import lzma
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import openpyxl
import pytest
from obstore.store import MemoryStore
from prometheus_client import CollectorRegistry

from tillwise_common.bus import names
from tillwise_common.bus.envelope import parse
from tillwise_common.bus.publish import NotAccepted, PackingPublisher
from tillwise_common.contracts import batches
from tillwise_common.contracts.imports import Import, rejects_of, upload_of
from tillwise_common.contracts.jobs import IMPORT
from tillwise_common.contracts.stores import Store
from tillwise_common.files.bucket import Bucket
from tillwise_common.files.folder import Folder
from tillwise_common.files.record import NewFile
from tillwise_common.imports.columns import Wording
from tillwise_common.ingest.packing import packing
from tillwise_worker.engine.work import work
from tillwise_worker.imports.stream import Stream
from tillwise_worker.jobs.import_file import ImportJob

EXPORTS = Path(__file__).parents[3] / "libs/common/tests/exports"
STORE = Store(id=7, name="shop", currency="EUR", timezone="Europe/Berlin")
JOB = "import-0123456789abcdef"
HEADER = "order_id,date,sku,quantity,price\n"


class Valve:
    """Back-pressure by hand; `asked`: somebody wanted to send while it was shut."""

    def __init__(self) -> None:
        self.shut = self.away = False
        self.asked = asyncio.Event()

    @property
    def too_high(self) -> bool:
        if self.shut:
            self.asked.set()
        return self.shut


class Platform:
    """A queue, a stream, a place for files and the job that joins them."""

    def __init__(self, desk: Any, files: Any) -> None:
        self.desk, self.files, self.valve = desk, files, Valve()
        self.publisher: Any = PackingPublisher(desk.redis.commands, packing("worker/test", 1))
        self.stream = Stream(self.publisher, self.valve, CollectorRegistry(), look_seconds=0.01)  # type: ignore[arg-type]
        self.job = ImportJob(files, self.stream, days=1)

    async def upload(self, body: bytes, name: str = "orders.csv", job: str = JOB, store: int = 7) -> int:
        path = self.files.scratch() / f"{job}.upload"
        path.write_bytes(body)
        about = NewFile(id=upload_of(job), store_id=store, name=name, media_type="text/csv", seconds=60)
        return (await self.files.keep(path, about)).size

    async def ask(self, body: bytes, name: str = "orders.csv", format_: str = "csv", job: str = JOB, **more: Any) -> None:
        size = await self.upload(body, name, job)
        order = Import(store=STORE, kind=more.pop("kind", "orders"), format=format_, file_name=name, size=size, **more)
        await self.desk.queue.add(IMPORT, order, id=job)

    async def run(self, body: bytes, name: str = "orders.csv", format_: str = "csv", job: str = JOB, **more: Any) -> Any:
        await self.ask(body, name, format_, job, **more)
        async with self.desk.worker(work(IMPORT, self.job.run)):
            return await self.desk.result(job)

    async def events(self) -> list[Any]:
        """What lies on the store's stream."""
        found = await self.desk.redis.commands.xrange(names.events(0))
        bodies = [batches.decode(parse(fields).data) for _, fields in found]
        return [event for batch in bodies for part in batch.parts for event in batches.decode_events(part)]

    async def rejects(self, job: str = JOB) -> list[list[str]]:
        kept = await self.files.find(rejects_of(job), 7)
        assert kept is not None
        body = b"".join([piece async for piece in self.files.read(kept, 0, kept.size)])
        return list(csv.reader(body.decode().splitlines()))


@pytest.fixture(params=["folder", "bucket"])
async def platform(request: pytest.FixtureRequest, desk: Any, tmp_path: Path) -> AsyncIterator[Platform]:
    found = Platform(desk, Folder(tmp_path / "files") if request.param == "folder" else Bucket(MemoryStore()))
    await found.publisher.start()
    yield found
    await found.publisher.drain()
    await found.publisher.close()


def lines(count: int) -> bytes:
    return (HEADER + "".join(f"{n},2024-03-01,A,1,2.50\n" for n in range(count))).encode()


async def test_lines_read_are_those_accepted_and_those_rejected_and_all_events_are_on_the_stream(platform):
    body = lines(1_234) + b"x,yesterday,A,1,1\ny,2024-03-01,,1,1\n"
    found = await platform.run(body)
    assert (found["lines_read"], found["lines_accepted"]) == (1_236, 1_234)
    assert found["lines_rejected"] == {"bad_date": 1, "missing_sku": 1}
    assert (found["events_accepted"], found["accepted_net_total"], found["currency"]) == (1_234, "3085.00", "EUR")
    assert found["done"] == found["of"] == len(body)
    assert sorted(event.id for event in await platform.events()) == sorted(f"import:csv:{n}" for n in range(1_234))


async def test_rejected_lines_can_be_fetched_with_their_reason_and_as_they_were(platform):
    await platform.run(HEADER.encode() + b'=1,yesterday,A,1,"1"\n2,2024-03-01,A,1,1\n3,2024-03-01,"A,1,1\n')
    assert await platform.rejects() == [
        ["line", "reason", "row"],
        ["2", "bad_date", '\'=1,yesterday,A,1,"1"'],
        ["4", "bad_quoting", '3,2024-03-01,"A,1,1'],
    ]


async def test_an_event_that_the_platform_refuses_rejects_its_lines(platform):
    found = await platform.run(HEADER.encode() + b"1,2024-03-01,A,1000000,99000000.00\n2,2024-03-01,A,1,1\n")
    assert (found["lines_read"], found["lines_accepted"], found["lines_rejected"]) == (2, 1, {"amount_too_large": 1})
    assert (found["accepted_net_total"], found["file_net_total"]) == ("1.00", "1.00")
    line, reason, row = (await platform.rejects())[1]
    assert (line, row) == ("2", "1,2024-03-01,A,1000000,99000000.00")
    assert reason.startswith("amount_too_large: ")


async def test_the_same_file_again_sends_the_same_ids(platform):
    await platform.run(lines(10))
    await platform.run(lines(10), job=JOB + "-2")
    found = [event.id for event in await platform.events()]
    assert (len(found), len(set(found))) == (20, 10)


async def test_the_upload_is_gone_at_the_end_and_nothing_else_is_left_on_the_disk(platform):
    await platform.run(lines(3) + b"bad\n")
    assert await platform.files.find(upload_of(JOB), 7) is None
    assert [path.name for path in platform.files.scratch().iterdir() if path.name.startswith(JOB)] == []


async def test_nothing_rejected_means_no_file_of_rejects(platform):
    found = await platform.run(lines(3))
    assert found["rejects_expire"] is None
    assert await platform.files.find(rejects_of(JOB), 7) is None


async def test_a_file_in_another_format_fails_at_once_and_says_so_without_paths(platform):
    await platform.ask(b"a,b\n1,2\n", "mine.csv", "shopify")
    async with platform.desk.worker(work(IMPORT, platform.job.run)):
        assert await platform.desk.ended(JOB) == "failed"
    job = await platform.desk.control.job(JOB)
    assert (job.attempts, job.error.message) == (1, "the file is not in the format shopify (wrong_header)")
    # It is kept for whoever looks why, until its time is over.
    assert await platform.files.find(upload_of(JOB), 7) is not None


async def test_a_damaged_file_sends_no_order_that_may_be_incomplete_and_is_told_by_its_name(platform):
    packed = lzma.compress(lines(50_000))
    await platform.ask(packed[: len(packed) // 2], "past.csv.xz")
    async with platform.desk.worker(work(IMPORT, platform.job.run)):
        assert await platform.desk.ended(JOB) == "failed"
    job = await platform.desk.control.job(JOB)
    assert job.error.message.startswith("past.csv.xz is damaged or cut off")


async def test_a_job_whose_upload_is_gone_says_to_send_it_again(platform):
    await platform.ask(lines(1))
    await platform.files.remove(upload_of(JOB))
    async with platform.desk.worker(work(IMPORT, platform.job.run)):
        assert await platform.desk.ended(JOB) == "failed"
    assert "send the file again" in (await platform.desk.control.job(JOB)).error.message


async def test_another_stores_upload_is_never_read(platform):
    await platform.upload(lines(1), store=8)
    await platform.desk.queue.add(IMPORT, Import(store=STORE, kind="orders", format="csv", file_name="a.csv", size=1), id=JOB)
    async with platform.desk.worker(work(IMPORT, platform.job.run)):
        assert await platform.desk.ended(JOB) == "failed"
    assert await platform.events() == []


@pytest.mark.parametrize(("name", "pack"), [("a.gz", gzip.compress), ("a.xz", lzma.compress), ("a.csv", bytes)])
async def test_packed_files_are_read_as_their_name_says(platform, name, pack):
    assert (await platform.run(pack(lines(5)), name))["lines_accepted"] == 5


async def test_a_workbook_of_stock_is_read_with_its_mapping(platform, tmp_path):
    book = openpyxl.Workbook()
    for row in (["Artikel", "Menge", "Tag"], ["A", 5, "01.03.2024"], ["B", 0.5, "01.03.2024"]):
        book.active.append(row)
    book.save(tmp_path / "stock.xlsx")
    wording = Wording({"sku": "Artikel", "quantity": "Menge", "occurred_at": "Tag"}, {"reason": "receipt"}, date_format="%d.%m.%Y")
    found = await platform.run((tmp_path / "stock.xlsx").read_bytes(), "stock.xlsx", "xlsx", kind="stock", wording=wording)
    assert (found["lines_accepted"], found["lines_rejected"]) == (1, {"bad_quantity": 1})
    assert (found["done"], found["of"]) == (3, 3)
    assert (await platform.rejects())[1] == ["3", "bad_quantity", "B,0.5,01.03.2024"]


@pytest.mark.parametrize("format_", ["shopify", "woocommerce"])
async def test_exports_of_shop_systems_arrive_with_their_refunds_and_cancellations(platform, format_):
    found = await platform.run((EXPORTS / f"{format_}.csv").read_bytes(), format_=format_)
    assert found["lines_read"] == found["lines_accepted"] + sum(found["lines_rejected"].values())
    kinds = {type(event).__name__ for event in await platform.events()}
    assert kinds == {"OrderPlaced", "OrderRefunded", "OrderCancelled"}


async def test_an_import_waits_while_the_consumers_lag_and_goes_on_then(platform):
    platform.valve.shut = True
    await platform.ask(lines(10))
    async with platform.desk.worker(work(IMPORT, platform.job.run)):
        await asyncio.wait_for(platform.valve.asked.wait(), 10)
        assert await platform.events() == []
        platform.valve.shut = False
        assert (await platform.desk.result(JOB))["events_accepted"] == 10


async def test_what_the_stream_did_not_take_is_sent_again(platform):
    failing = [NotAccepted("away"), NotAccepted("away")]
    publish = platform.publisher.publish

    def once_more(*args: Any) -> Any:
        if failing:
            refused: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            refused.set_exception(failing.pop())
            return refused
        return publish(*args)

    flaky = Stream(SimpleNamespace(publish=once_more), platform.valve, CollectorRegistry(), look_seconds=0.01)  # type: ignore[arg-type]
    platform.job = ImportJob(platform.files, flaky, days=1)
    assert (await platform.run(lines(10)))["events_accepted"] == 10
    assert len(await platform.events()) == 10


async def test_a_cancelled_import_ends_and_leaves_nothing_in_hand(platform):
    platform.valve.shut = True
    await platform.ask(lines(10))
    async with platform.desk.worker(work(IMPORT, platform.job.run)):
        await asyncio.wait_for(platform.valve.asked.wait(), 10)
        assert await platform.desk.control.do("cancel", [JOB]) == 1
        assert await platform.desk.ended(JOB) == "failed"
    assert await platform.events() == []
    assert [path.name for path in platform.files.scratch().iterdir() if path.name.startswith(JOB)] == []


async def test_an_import_that_was_handed_back_in_the_middle_is_done_again_and_adds_nothing_twice(platform):
    platform.valve.shut = True
    await platform.ask(lines(10))
    async with platform.desk.worker(work(IMPORT, platform.job.run)):
        await asyncio.wait_for(platform.valve.asked.wait(), 10)
    platform.valve.shut = False
    async with platform.desk.worker(work(IMPORT, platform.job.run), name="two"):
        assert (await platform.desk.result(JOB))["lines_accepted"] == 10
    assert len({event.id for event in await platform.events()}) == 10


def teardown_module() -> None:
    shutil.rmtree(Bucket(MemoryStore()).scratch(), ignore_errors=True)

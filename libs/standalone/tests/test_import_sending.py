"""Imports against a gateway that fails in every way a gateway can."""

from __future__ import annotations

import asyncio
import csv
import json
import lzma
import random
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from typer.testing import CliRunner, Result

from tillwise.imports import running, sending
from tillwise.imports.command import app
from tillwise.imports.sending import Rejection, Sender
from tillwise.problems import Problem
from tillwise.supervisor.options import DataFolder
from tillwise_common.contracts import events

Misdeed = Callable[[web.Request], Awaitable[web.StreamResponse | None]]
STORE = {"id": 7, "name": "shop", "currency": "EUR", "timezone": "Europe/Berlin", "week_start": "monday"}
HEADER = "order_id,occurred_at,sku,quantity,unit_price\n"
SECONDS = 10.0


class FakeGateway:
    """Counts every event ID once, like the real one. `misdeeds` are done to the next requests, instead of an answer."""

    def __init__(self) -> None:
        self.counted: dict[str, int] = {}
        self.received: list[str] = []
        self.batches: list[int] = []
        self.misdeeds: list[Misdeed] = []
        self.lose_replies = 0
        self.flying = self.most_flying = 0
        self.keys: list[str] = []
        self.pending: list[int] = [0]
        self.trouble_with_status = 0
        self.other_sales = 0
        self.miscount = 0
        self.open = threading.Event()
        self.open.set()
        self.url = ""

    def app(self) -> web.Application:
        app = web.Application(client_max_size=8 << 20)
        app.router.add_post("/api/v1/events", self.events)
        app.router.add_get("/api/v1/store", self.store)
        app.router.add_get("/api/v1/ingest/status", self.status)
        app.router.add_get("/api/v1/reports/trend", self.trend)
        app.router.add_post("/api/v1/admin/keys", self.mint)
        app.router.add_delete("/api/v1/admin/keys/{id}", self.revoke)
        return app

    async def events(self, request: web.Request) -> web.StreamResponse:
        self.flying += 1
        self.most_flying = max(self.most_flying, self.flying)
        try:
            if self.misdeeds and (answer := await self.misdeeds.pop(0)(request)) is not None:
                return answer
            await asyncio.to_thread(self.open.wait, SECONDS)
            return await self._take(request)
        finally:
            self.flying -= 1

    async def _take(self, request: web.Request) -> web.Response:
        lines = (await request.read()).split(b"\n")
        self.batches.append(len(lines))
        rejected = []
        for index, line in enumerate(lines):
            event: Any = events.one.decode(line)
            self.received.append(event.id)
            if isinstance(event, events.OrderPlaced):
                if event.data.order_id.startswith("bad"):
                    rejected.append({"index": index, "code": "amount_too_large", "detail": "too much"})
                    continue
                self.counted[event.id] = sum(e.quantity * e.unit_price - e.discount for e in event.data.lines)
            else:
                self.counted[event.id] = 0
        if self.lose_replies:
            self.lose_replies -= 1
            return await hangs_up(request)
        answer = {"accepted": len(lines) - len(rejected), "duplicates": None, "rejected": rejected}
        return web.json_response(answer, status=202 if len(rejected) < len(lines) else 422)

    async def store(self, request: web.Request) -> web.Response:
        return web.json_response(STORE)

    async def status(self, request: web.Request) -> web.Response:
        if self.trouble_with_status:
            self.trouble_with_status -= 1
            return web.json_response({"detail": "away", "request_id": "r"}, status=503)
        return web.json_response({"pending": self.pending.pop(0) if len(self.pending) > 1 else self.pending[0]})

    async def trend(self, request: web.Request) -> web.Response:
        total = sum(self.counted.values()) + self.other_sales + (self.miscount if self.counted else 0)
        # Years are asked for one by one: all sales of these tests lie in 2024.
        first, last = request.query["from"], request.query["to"]
        return web.json_response({"totals": {"value": total if first <= "2024-12-31" and last >= "2024-01-01" else 0}})

    async def mint(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        if wanted["store"] != "shop":
            return web.json_response({"detail": "There is no store named 'nope'.", "request_id": "r"}, status=404)
        assert wanted["scopes"] == ["ingest", "read"]
        assert wanted["expires_in"] > 0
        self.keys.append("k1")
        return web.json_response({"id": "k1", "key": "tw_k1"}, status=201)

    async def revoke(self, request: web.Request) -> web.Response:
        self.keys.remove(request.match_info["id"])
        return web.Response(status=204)


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    """It runs in a thread of its own, because the command blocks ours."""
    fake, loop = FakeGateway(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> TestServer:
        server = TestServer(fake.app())
        await server.start_server()
        return server

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(SECONDS)
    fake.url = str(server.make_url("/")).rstrip("/")
    try:
        yield fake
    finally:
        fake.open.set()
        asyncio.run_coroutine_threadsafe(server.close(), loop).result(SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(SECONDS)
        loop.close()


@pytest.fixture
def data_dir(gateway: FakeGateway, tmp_path: Path) -> Iterator[Path]:
    """The folder of a platform that runs: this process stands for its supervisor and holds its lock."""
    import os

    data = DataFolder(tmp_path / "data")
    data.prepare()
    data.admin_key()
    data.write_state({"url": gateway.url, "supervisor": os.getpid(), "processes": []})
    yield data.path
    data.release()


def says(status: int, body: Any = None, **headers: str) -> Misdeed:
    async def answer(request: web.Request) -> web.StreamResponse:
        found = body if body is not None else {"detail": "not today", "request_id": "r"}
        return web.json_response(found, status=status, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return answer


async def hangs_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def send(gateway: FakeGateway, count: int = 10, refused: list[Rejection] | None = None, prefix: str = "o") -> Sender:
    async with Sender(gateway.url, "tw_k1", None if refused is None else refused.append) as sender:
        for number in range(count):
            await sender.send(order(number, prefix))
    return sender


def order(number: int, prefix: str = "o") -> dict[str, Any]:
    data = {"order_id": f"{prefix}{number}", "lines": [{"sku": "A", "quantity": 1, "unit_price": 100}]}
    return {"type": "order.placed", "id": f"e{number}", "occurred_at": "2024-01-01T00:00:00Z", "data": data}


def imported(data_dir: Path, text: str, *options: str, kind: str = "orders") -> Result:
    file = data_dir / "file.csv"
    file.write_text(text)
    return CliRunner().invoke(app, [kind, str(file), "--store", "shop", "--data-dir", str(data_dir), "--json", *options])


def reconciliation(result: Result) -> dict[str, Any]:
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def lines(count: int) -> str:
    return HEADER + "".join(f"o{n},2024-01-15 10:00,A,1,1.00\n" for n in range(count))


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "BATCH_EVENTS", 2)


@pytest.mark.usefixtures("small_batches")
async def test_all_events_arrive_in_batches(gateway: FakeGateway) -> None:
    sender = await send(gateway)
    assert (sorted(gateway.received), gateway.batches) == (sorted(f"e{n}" for n in range(10)), [2] * 5)
    assert (sender.sent, sender.accepted, sender.retries) == (10, 10, 0)


async def test_batches_are_bounded_by_bytes(gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "BATCH_BYTES", 1_000)
    await send(gateway, 50)
    assert len(gateway.counted) == 50
    assert max(gateway.batches) <= 8


@pytest.mark.usefixtures("small_batches")
async def test_batch_that_was_refused_for_now_is_sent_again_with_the_same_ids(gateway: FakeGateway) -> None:
    gateway.misdeeds = [says(503), hangs_up, says(502), says(429), says(500)]
    sender = await send(gateway)
    assert len(gateway.counted) == len(gateway.received) == 10
    assert (sender.accepted, sender.retries) == (10, 5)


@pytest.mark.usefixtures("small_batches")
async def test_lost_replies_make_repeats_that_count_once(gateway: FakeGateway) -> None:
    gateway.lose_replies = 3
    sender = await send(gateway)
    assert (len(gateway.counted), len(gateway.received), sender.accepted) == (10, 16, 10)


async def test_retry_after_is_honoured(gateway: FakeGateway) -> None:
    gateway.misdeeds = [says(503, Retry_After="1")]
    began = time.monotonic()
    await send(gateway, 1)
    assert time.monotonic() - began >= 1


@pytest.mark.usefixtures("small_batches")
async def test_refused_events_are_told_by_their_number(gateway: FakeGateway) -> None:
    refused: list[Rejection] = []
    async with Sender(gateway.url, "tw_k1", refused.append) as sender:
        for number in range(7):
            await sender.send(order(number, "bad" if number in (1, 4, 5) else "o"))
    assert sorted(rejection.number for rejection in refused) == [1, 4, 5]
    assert (sender.accepted, dict(sender.rejected)) == (4, {"amount_too_large": 3})


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
async def test_refusal_for_good_stops_the_import_with_one_line(gateway: FakeGateway, status: int) -> None:
    gateway.misdeeds = [says(status)] * 5
    with pytest.raises(Problem, match="the platform refused the events: not today") as problem:
        await send(gateway)
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize("body", [{}, [], {"accepted": 3, "rejected": []}, {"detail": "somebody else's 422"}])
@pytest.mark.parametrize("status", [202, 422])
async def test_answer_that_is_no_gateway_s_is_never_taken_for_acceptance(gateway: FakeGateway, status: int, body: Any) -> None:
    gateway.misdeeds = [says(status, body)]
    with pytest.raises(Problem, match="makes no sense"):
        await send(gateway, 1)


async def test_gateway_that_stays_away_ends_the_patience(gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "PATIENCE_SECONDS", 0.0)
    gateway.misdeeds = [says(503)] * 100
    with pytest.raises(Problem, match="nothing counts twice"):
        await send(gateway, 1)


@pytest.mark.usefixtures("small_batches")
async def test_reading_never_outruns_sending(gateway: FakeGateway) -> None:
    gateway.open.clear()
    taken = 0

    async def work() -> None:
        nonlocal taken
        async with Sender(gateway.url, "tw_k1") as sender:
            for number in range(100):
                await sender.send(order(number))
                taken += 1

    task = asyncio.create_task(work())
    await _until(lambda: gateway.flying == sending.IN_FLIGHT)
    # What is in flight, and a batch that is full and waits for room.
    assert taken <= 2 * (sending.IN_FLIGHT + 1)
    gateway.open.set()
    await task
    assert (len(gateway.counted), gateway.most_flying) == (100, sending.IN_FLIGHT)


def test_import_reconciles_lines_and_money(gateway: FakeGateway, data_dir: Path) -> None:
    text = lines(3) + "bad1,2024-01-15,A,1,2.00\no9,never,A,1,4.00\no8,2024-01-16,A,1,0.004\n"
    rejects = data_dir / "rejects.csv"
    result = imported(data_dir, text, "--wait", "--rejects", str(rejects))
    found = reconciliation(result)
    assert (found["lines_read"], found["lines_accepted"], found["lines_rejected"]) == (6, 4, {"amount_too_large": 1, "bad_date": 1})
    assert (found["events_sent"], found["events_accepted"]) == (5, 4)
    assert (found["file_net_total"], found["accepted_net_total"], found["rounding"]) == ("3.004", "3.00", "0.004")
    assert (found["first_day"], found["last_day"]) == ("2024-01-15", "2024-01-16")
    assert (found["platform_net_total"], found["agrees"], result.exit_code) == ("3.00", True, 0)
    with rejects.open() as file:
        told = sorted(csv.reader(file))
    assert told == [["5", "amount_too_large: too much"], ["6", "bad_date"], ["line", "reason"]]


def test_batch_that_is_answered_long_after_the_others_still_finds_its_lines(gateway: FakeGateway, data_dir: Path) -> None:
    async def waits_for_the_others(request: web.Request) -> web.StreamResponse | None:
        await _until(lambda: len(gateway.counted) >= 7_000)
        return None

    gateway.misdeeds = [waits_for_the_others]
    text = HEADER + "bad0,2024-01-15 10:00,A,1,1.00\n" + lines(7_499).removeprefix(HEADER)
    found = reconciliation(imported(data_dir, text))
    assert (found["lines_accepted"], found["lines_rejected"]) == (7_499, {"amount_too_large": 1})


def test_second_import_adds_nothing(gateway: FakeGateway, data_dir: Path) -> None:
    imported(data_dir, lines(5), "--wait")
    again = reconciliation(imported(data_dir, lines(5), "--wait"))
    assert (len(gateway.counted), again["agrees"], again["platform_net_total"]) == (5, True, "5.00")


def test_import_on_top_of_other_sales_agrees_by_what_it_added(gateway: FakeGateway, data_dir: Path) -> None:
    gateway.other_sales = 1_000
    found = reconciliation(imported(data_dir, lines(5), "--wait"))
    assert (found["agrees"], found["platform_net_total"]) == (True, "15.00")


def test_import_that_cannot_be_compared_says_so_and_does_not_fail(gateway: FakeGateway, data_dir: Path) -> None:
    imported(data_dir, lines(5))
    gateway.other_sales = 1_000
    result = imported(data_dir, lines(7), "--wait")
    assert (reconciliation(result)["agrees"], result.exit_code) == (None, 0)


def test_platform_that_counts_something_else_fails_the_import(gateway: FakeGateway, data_dir: Path) -> None:
    gateway.miscount = -1
    result = imported(data_dir, lines(5), "--wait")
    assert (reconciliation(result)["agrees"], result.exit_code) == (False, 1)


def test_wait_lasts_until_nothing_is_pending_whatever_happens_meanwhile(gateway: FakeGateway, data_dir: Path) -> None:
    gateway.pending, gateway.trouble_with_status = [5, 2, 0], 2
    assert reconciliation(imported(data_dir, lines(1), "--wait"))["agrees"] is True
    assert (gateway.pending, gateway.trouble_with_status) == ([0], 0)


def test_wait_ends_at_its_deadline_with_one_line(gateway: FakeGateway, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "WAIT_SECONDS", 0.0)
    gateway.pending = [3]
    assert "has not counted everything" in str(imported(data_dir, lines(1), "--wait").exception)


def test_key_of_the_import_is_revoked_at_the_end_however_it_ends(gateway: FakeGateway, data_dir: Path) -> None:
    imported(data_dir, lines(1))
    assert (len(gateway.counted), gateway.keys) == (1, [])
    assert isinstance(imported(data_dir, "nothing that is known\n").exception, Problem)
    gateway.misdeeds = [says(401)]
    assert isinstance(imported(data_dir, lines(1)).exception, Problem)
    assert gateway.keys == []


def test_file_that_breaks_off_sends_no_order_that_may_be_incomplete(gateway: FakeGateway, data_dir: Path) -> None:
    dice = random.Random(1)
    body = "".join(f"o{n // 3},2024-01-15 10:00,A{dice.randrange(10**9)},1,1.00\n" for n in range(60_000))
    packed = lzma.compress((HEADER + body).encode(), preset=0)
    path = data_dir / "orders.csv.xz"
    arguments = ["orders", str(path), "--store", "shop", "--data-dir", str(data_dir), "--json", "--wait"]
    path.write_bytes(packed[: len(packed) * 2 // 3])
    result = CliRunner().invoke(app, arguments)
    assert "is damaged or cut off" in str(result.exception)
    assert 0 < len(gateway.counted) < 20_000
    assert set(gateway.counted.values()) == {300}
    # Whole, it adds the rest.
    path.write_bytes(packed)
    assert reconciliation(CliRunner().invoke(app, arguments))["agrees"] is True
    assert len(gateway.counted) == 20_000


def test_stock_is_sent_and_needs_no_totals(gateway: FakeGateway, data_dir: Path) -> None:
    result = imported(data_dir, "sku,quantity,reason,occurred_at\nA,5,receipt,2024-01-01\nA,4,count,2024-01-02\n", "--wait", kind="stock")
    assert (reconciliation(result)["events_accepted"], result.exit_code) == (2, 0)


@pytest.mark.parametrize(
    ("options", "says_so"),
    [
        (["--map", "what"], "--map wants NAME=COLUMN"),
        (["--map", "skew=x"], "knows no column skew"),
        (["--decimal", "x"], "--decimal must be"),
        (["--format", "cdnow", "--decimal", ","], "belong to --format csv"),
        (["--store", "nope"], "There is no store named 'nope'"),
    ],
)
def test_bad_input_is_one_clear_line(gateway: FakeGateway, data_dir: Path, options: list[str], says_so: str) -> None:
    result = imported(data_dir, lines(1), *options)
    assert isinstance(result.exception, Problem)
    assert says_so in str(result.exception)
    assert "\n" not in str(result.exception)
    assert gateway.counted == {}


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (HEADER + "o1,15.01.2024,A,1,1.00\no2,16.01.2024,A,1,1.00\n", "because of bad_date: --date-format says"),
        (HEADER.replace(",", ";") + "o1;2024-01-15;A;1;1,00\n", "because of bad_price: --decimal says"),
    ],
)
def test_file_of_which_no_line_can_be_used_fails_and_says_what_to_try(gateway: FakeGateway, data_dir: Path, text: str, hint: str) -> None:
    result = imported(data_dir, text)
    assert isinstance(result.exception, Problem)
    assert hint in str(result.exception)
    assert json.loads(result.stdout)["lines_accepted"] == 0


def test_rejects_that_cannot_be_written_are_told_before_anything_is_sent(gateway: FakeGateway, data_dir: Path) -> None:
    result = imported(data_dir, lines(3), "--rejects", str(data_dir / "nowhere" / "x.csv"))
    assert "cannot write" in str(result.exception)
    assert "--rejects" in str(result.exception)
    assert gateway.counted == {}


def test_interrupted_import_says_how_far_it_came(gateway: FakeGateway, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(running.Import, "_send_all", interrupted)
    result = imported(data_dir, lines(3))
    assert "stopped after 0 lines; run it again to go on" in result.stderr


def test_missing_file_and_missing_platform_are_one_clear_line(data_dir: Path, tmp_path: Path) -> None:
    gone = CliRunner().invoke(app, ["orders", "gone.csv", "--store", "shop", "--data-dir", str(data_dir)])
    assert "there is no file gone.csv" in str(gone.exception)
    file = tmp_path / "orders.csv"
    file.write_text("x")
    nobody = CliRunner().invoke(app, ["orders", str(file), "--store", "shop", "--data-dir", str(tmp_path / "nowhere")])
    assert "no tillwise runs on" in str(nobody.exception)


async def _until(true: Callable[[], bool]) -> None:
    """Poll, with a deadline."""
    async with asyncio.timeout(SECONDS):
        while not true():
            await asyncio.sleep(0.002)

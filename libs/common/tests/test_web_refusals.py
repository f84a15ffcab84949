"""What is no request, or breaks off, is refused like every other error: problem details, a request ID, one calm line."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from tillwise_common import metrics
from tillwise_common.health import Health
from tillwise_common.web.middleware import Surroundings
from tillwise_common.web.probes import Probes, ProbeServer
from tillwise_common.web.server import HttpServer

START = b"POST /work HTTP/1.1\r\nHost: x\r\n"
CHUNKED = START + b"Transfer-Encoding: chunked\r\n\r\n"


class Served:
    """A server with `/work`, which reads its body; `deaf` makes it do so also after its client has gone."""

    def __init__(self) -> None:
        self.registry, self.deaf = metrics.new_registry(), False
        self.begun, self.may_read, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        app = web.Application()
        Surroundings(self.registry, Health()).install(app, [web.post("/work", self._work)])
        self.server = HttpServer(app, "127.0.0.1", 0)

    async def _work(self, request: web.Request) -> web.Response:
        self.begun.set()
        try:
            if self.deaf:
                # As asyncio.wait_for may swallow it until Python 3.12.
                with contextlib.suppress(asyncio.CancelledError):
                    await self.may_read.wait()
            return web.Response(body=await request.read())
        finally:
            self.ended.set()

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.server.port)

    async def ask(self, *pieces: bytes) -> tuple[str, dict[str, str], bytes]:
        """The first line, the headers and the body of the answer; each piece is sent when the one before was taken."""
        reader, writer = await self.connect()
        for piece in pieces:
            writer.write(piece)
            if piece is not pieces[-1]:
                await asyncio.wait_for(self.begun.wait(), 5)
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).decode().splitlines()
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        body = await asyncio.wait_for(reader.readexactly(int(headers["Content-Length"])), 5)
        if head[0].startswith("HTTP/1.0"):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        return head[0], headers, body

    def counted(self) -> str:
        return metrics.render(self.registry).decode()


@pytest.fixture
async def served():
    one = Served()
    await one.server.start()
    yield one
    one.may_read.set()
    await one.server.close()


@pytest.fixture
def said():
    with capture_logs() as lines:
        yield lines


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "address_too_long"),
        (b"GET /work?" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "address_too_long"),
        (START + b"X-A: " + b"/a" * 4500 + b"\r\n\r\n", 431, "headers_too_large"),
        (START + b"X-" + b"a" * 9000 + b": 1\r\n\r\n", 431, "headers_too_large"),
        (START + b"".join(b"X-%d: 1\r\n" % n for n in range(200)) + b"\r\n", 431, "headers_too_large"),
        (b"FOO /work HTTP/1.1\r\nHost: x\r\n\r\n", 400, "unknown_method"),
        (b"\x16\x03\x01\x00\xa5\x01\x00\x00", 400, "unknown_method"),
        (b"hello\r\n\r\n", 400, "unknown_method"),
        (b"GET /work HTTP/3.7\r\nHost: x\r\n\r\n", 400, "bad_request"),
        (b"GET http:///[ HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_request"),
        (b"GET /work HTTP/1.1\r\n\r\n", 400, "bad_request"),
        (CHUNKED + b"ZZ\r\nhello\r\n0\r\n\r\n", 400, "bad_request"),
        (START + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "bad_request"),
        (START + b"Content-Length: five\r\n\r\nhello", 400, "bad_request"),
        (START + b"Content-Length: 5\r\nExpect: foo\r\n\r\nhello", 417, "expectation_failed"),
        (b"CONNECT secret.example:80 HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not_found"),
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not_found"),
    ],
)
async def test_what_aiohttp_refuses_is_a_problem_with_a_request_id_and_one_calm_line(served, said, caplog, request_, status, code):
    first, headers, body = await served.ask(request_)
    problem = json.loads(body)
    assert first.split()[1] == str(status)
    assert (problem["status"], problem["code"], headers["Content-Type"]) == (status, code, "application/problem+json")
    assert problem["request_id"] == headers["X-Request-Id"] != ""
    assert [(line["event"], line["log_level"], line["status"]) for line in said] == [("request_refused", "info", status)]
    assert caplog.records == []
    assert f'status="{status}"' in served.counted()


async def test_a_refusal_does_not_repeat_what_was_sent(served, said):
    for request_ in (
        START + b"Authorization: Bearer tw_secret\x01\r\n\r\n",
        b"GET /work HTTP/1.1\r\nHost: x\r\nbad header tw_secret\r\n\r\n",
        b"tw_secret /work HTTP/1.1\r\n\r\n",
        b"GET http://tw_secret@/[ HTTP/1.1\r\nHost: x\r\n\r\n",
    ):
        _, _, body = await served.ask(request_)
        assert b"tw_secret" not in body
    assert len(said) == 4
    assert "tw_secret" not in str(said)


async def test_a_request_id_that_could_be_read_comes_back(served):
    _, headers, _ = await served.ask(START + b"X-Request-Id: mine.1\r\nContent-Length: 5\r\nExpect: foo\r\n\r\nhello")
    assert headers["X-Request-Id"] == "mine.1"


async def test_a_body_that_breaks_after_its_handler_began_is_refused_and_not_waited_for(served, caplog):
    first, headers, body = await served.ask(CHUNKED + b"5\r\nhello\r\n", b"ZZ\r\nhello\r\n0\r\n\r\n")
    assert (first.split()[1], json.loads(body)["code"], headers["Connection"]) == ("400", "unreadable_body", "close")
    assert json.loads(body)["request_id"] == headers["X-Request-Id"]
    assert 'route="/work",status="400"' in served.counted()
    assert caplog.records == []


async def test_who_asks_first_is_not_told_to_send_a_body_that_is_too_large(served, said):
    first, headers, body = await served.ask(START + b"Content-Length: 500000000\r\nExpect: 100-continue\r\n\r\n")
    assert (first.split()[1], json.loads(body)["code"], headers["Connection"]) == ("413", "body_too_large", "close")
    assert [(line["event"], line["status"], line["path"]) for line in said] == [("request_refused", 413, "/work")]
    assert not served.begun.is_set()


async def test_who_asks_first_with_a_body_that_fits_is_told_to_send_it(served):
    reader, writer = await served.connect()
    writer.write(START + b"Content-Length: 5\r\nExpect: 100-Continue\r\n\r\n")
    assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5) == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"hello")
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).startswith(b"HTTP/1.1 200 OK")
    assert await asyncio.wait_for(reader.readexactly(5), 5) == b"hello"
    writer.close()


async def test_a_broken_request_behind_a_good_one_leaves_the_good_one_its_answer(served):
    reader, writer = await served.connect()
    writer.write(START + b"Content-Length: 5\r\n\r\nhello")
    await asyncio.wait_for(served.ended.wait(), 5)
    writer.write(b"FOO / HTTP/1.1\r\n\r\n")
    both = await asyncio.wait_for(reader.read(), 5)
    assert both.startswith(b"HTTP/1.1 200 OK")
    assert b"helloHTTP/1.0 400" in both
    writer.close()


@pytest.mark.parametrize(
    ("head", "chunk"),
    [(CHUNKED, b"10000\r\n" + bytes(65536) + b"\r\n"), (START + b"Content-Length: 2000000000\r\n\r\n", bytes(65536))],
    ids=["chunked", "with a length"],
)
async def test_who_sends_too_much_is_told_and_not_read_to_the_end(served, head, chunk):
    reader, writer = await served.connect()
    answering = asyncio.create_task(reader.read())
    writer.write(head)
    sent = 0
    # A gigabyte would be taken in a second if it were read.
    with contextlib.suppress(ConnectionError):
        while sent < 1_000_000_000:
            writer.write(chunk)
            sent += len(chunk)
            await writer.drain()
    # The limit twice, and what lies in the buffers of two sockets.
    assert sent < 50_000_000
    answer = await asyncio.wait_for(answering, 5)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413")
    assert b"Connection: close" in head
    assert json.loads(body)["code"] == "body_too_large"
    writer.close()


async def test_a_body_that_nobody_read_leaves_the_connection_to_the_next_request(served):
    reader, writer = await served.connect()
    for _ in range(2):
        writer.write(b"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + bytes(200_000))
        assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).startswith(b"HTTP/1.1 404")
        body = await asyncio.wait_for(reader.readuntil(b"}"), 5)
        assert json.loads(body)["code"] == "not_found"
    writer.close()


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("deaf", [False, True], ids=["cancelled", "reads on"])
async def test_a_client_that_leaves_in_mid_body_is_no_error_of_ours(served, said, caplog, reset, deaf):
    served.deaf = deaf
    _, writer = await served.connect()
    writer.write(START + b"Content-Length: 50\r\n\r\nhello")
    await asyncio.wait_for(served.begun.wait(), 5)
    if reset:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()
    await asyncio.wait_for(served.ended.wait(), 5)
    assert 'route="/work",status="499"' in served.counted()
    assert 'status="500"' not in served.counted()
    assert [(line["event"], line["log_level"]) for line in said] == [("client_gone", "info")]
    assert caplog.records == []


@pytest.fixture
async def probes():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = ProbeServer(Probes("worker", "w-1", Health(), metrics.new_registry()), "127.0.0.1", port)
    await server.start()
    yield port
    await server.close()


async def test_probes_carry_a_request_id(probes):
    async with aiohttp.ClientSession() as session:
        for path, status in (("/livez", 200), ("/livez?verbose", 200), ("/readyz", 503), ("/readyz?verbose", 503), ("/metrics", 200)):
            for given, kept in (("mine.1", True), ("not mine", False), (None, False)):
                headers = {} if given is None else {"X-Request-Id": given}
                async with session.get(f"http://127.0.0.1:{probes}{path}", headers=headers) as answer:
                    assert answer.status == status
                    assert (answer.headers["X-Request-Id"] == given) == kept
                    assert answer.headers["X-Request-Id"]


async def test_probes_refuse_in_the_same_form(probes, said):
    for request_, status in ((b"FOO / HTTP/1.1\r\n\r\n", 400), (b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", 404)):
        reader, writer = await asyncio.open_connection("127.0.0.1", probes)
        writer.write(request_)
        head, _, body = (await asyncio.wait_for(reader.read(), 5)).partition(b"\r\n\r\n")
        assert json.loads(body)["status"] == status
        assert json.loads(body)["request_id"].encode() in head
        writer.close()

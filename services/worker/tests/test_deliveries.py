"""Reports that come by themselves: what arrives, what is tried again, and what is never sent."""

from __future__ import annotations

import base64
import email
import hashlib
import hmac
from typing import Any

import msgspec
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiosmtpd.controller import Controller

from tillwise_common.contracts.deliveries import ByMail, ByWebhook, Delivery
from tillwise_common.contracts.stores import Store
from tillwise_common.jobs import schedules
from tillwise_common.jobs.errors import Unrecoverable
from tillwise_common.jobs.schedules import Schedule
from tillwise_common.settings import Secret
from tillwise_worker.deliveries.mail import Letter, MailServer, TryAgain
from tillwise_worker.deliveries.webhook import Gone, Webhooks, is_public, signature
from tillwise_worker.jobs.deliver_report import DeliverReport

STORE = Store(id=5, name="Tea & Co", currency="EUR", timezone="Europe/Berlin")
ANSWER = orjson.dumps(
    {
        "report": "trend", "params": {}, "store": {"id": 5, "name": "Tea & Co", "currency": "EUR"}, "timezone": "Europe/Berlin",
        "generated_at": "2026-11-01T00:00:00+00:00", "columns": [{"name": "value", "type": "count", "unit": None}], "rows": [[7]],
        "totals": {}, "charts": [], "notes": [],
    }
)  # fmt: skip
SECRET = "whsec_" + base64.b64encode(b"0" * 32).decode()


class Analytics:
    """Answers every question alike."""

    async def run(self, *_: Any) -> bytes:
        return ANSWER

    async def title(self, _: str) -> str:
        return "Trend"


class Job:
    """What the function is told of its job."""

    def __init__(self, queue: Any = None) -> None:
        self.id, self.queue = "job-1", queue

    async def progress(self, _: float) -> None: ...

    async def log(self, _: str) -> None: ...


class Inbox:
    """A mail server that keeps what it gets, and refuses whom it is told to."""

    def __init__(self) -> None:
        self.letters: list[email.message.Message] = []
        self.refuses = self.only = ""

    async def handle_RCPT(self, _: Any, __: Any, envelope: Any, address: str, ___: Any) -> str:  # noqa: N802 - the library's name
        if self.refuses and not (self.only and self.only not in address):
            return self.refuses
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:  # noqa: N802
        self.letters.append(email.message_from_bytes(envelope.content))
        return "250 OK"


@pytest.fixture
def inbox(unused_tcp_port: int):
    handler = Inbox()
    controller = Controller(handler, hostname="127.0.0.1", port=unused_tcp_port)
    controller.start()
    handler.server = MailServer("127.0.0.1", unused_tcp_port, "", Secret(""), "reports@example.com", "none")
    yield handler
    controller.stop()


@pytest.fixture
async def hook():
    """A receiver that answers what it is told to."""
    told: dict[str, Any] = {"status": 200, "got": []}

    async def take(request: web.Request) -> web.Response:
        told["got"].append((dict(request.headers), await request.read()))
        return web.Response(status=told["status"], headers={"Location": "http://example.com/"})

    app = web.Application()
    app.router.add_post("/hook", take)
    server = TestServer(app)
    await server.start_server()
    told["url"] = str(server.make_url("/hook"))
    yield told
    await server.close()


def job(mail: MailServer | None = None, *, private: bool = True) -> DeliverReport:
    nobody = MailServer("", 25, "", Secret(""), "", "none")
    return DeliverReport(Analytics(), None, mail or nobody, Webhooks(private=private))  # type: ignore[arg-type]


def order(way: ByMail | ByWebhook) -> Delivery:
    return Delivery(STORE, "trend", {"metric": "orders"}, "csv", way, "s5.abc")


async def test_a_report_comes_by_mail_as_a_file(inbox):
    assert await job(inbox.server).run({"job": Job()}, order(ByMail(["ada@example.com", "bob@example.com"]))) == {"bytes": 10, "refused": 0}
    (letter,) = inbox.letters
    assert (letter["Subject"], letter["To"]) == ("Tea & Co: Trend", "ada@example.com, bob@example.com")
    # Sent twice after a crash it is recognised as one.
    assert letter["Message-ID"] == "<job-1@example.com>"
    text, file = letter.get_payload()
    assert "metric: orders" in text.get_payload()
    assert file.get_filename().startswith("trend-20")
    assert file.get_payload(decode=True).split() == [b"value", b"7"]


@pytest.mark.parametrize(("refusal", "error"), [("550 no such user", Unrecoverable), ("451 later", TryAgain)])
async def test_only_what_the_mail_server_refuses_for_now_is_tried_again_and_nobody_is_named(inbox, refusal, error):
    inbox.refuses = refusal
    with pytest.raises(error) as told:
        await job(inbox.server).run({"job": Job()}, order(ByMail(["ada@example.com"])))
    assert "ada" not in str(told.value)


async def test_how_many_of_several_recipients_were_refused_is_told(inbox):
    inbox.refuses, inbox.only = "550 no such user", "bob"
    found = await job(inbox.server).run({"job": Job()}, order(ByMail(["ada@example.com", "bob@example.com"])))
    assert found["refused"] == 1
    assert len(inbox.letters) == 1


async def test_without_a_mail_server_the_job_says_what_to_set():
    with pytest.raises(Unrecoverable, match="SMTP_HOST"):
        await job().run({"job": Job()}, order(ByMail(["ada@example.com"])))


async def test_a_mail_server_that_is_away_is_tried_again(unused_tcp_port):
    away = MailServer("127.0.0.1", unused_tcp_port, "", Secret(""), "reports@example.com", "none")
    with pytest.raises(TryAgain):
        await away.send(Letter("key", ["ada@example.com"], "s", "t", "n", "text/csv", b""))


async def test_a_line_break_in_a_name_cannot_add_headers(inbox):
    with pytest.raises(Unrecoverable):
        await inbox.server.send(Letter("key", ["ada@example.com"], "a\r\nBcc: eve@example.com", "t", "n", "text/csv", b""))
    assert inbox.letters == []


async def test_a_report_is_posted_with_a_signature_that_can_be_checked(hook):
    await job().run({"job": Job()}, order(ByWebhook(hook["url"], SECRET)))
    ((headers, body),) = hook["got"]
    signed = f"job-1.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(b"0" * 32, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    told = msgspec.json.decode(body)
    assert (told["type"], told["data"]["report"], told["data"]["id"]) == ("report.ready", "trend", "job-1")
    assert base64.b64decode(told["data"]["file"]).split() == [b"value", b"7"]


def test_signature_is_that_of_standard_webhooks():
    # The example of the specification's own libraries.
    secret, key, moment = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330"
    assert signature(secret, key, moment, b'{"test": 2432232314}') == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_what_is_not_taken_is_tried_again_and_no_redirect_is_followed(hook, status):
    hook["status"] = status
    with pytest.raises(TryAgain, match=str(status)):
        await Webhooks(private=True).post(hook["url"], SECRET, "key", b"{}")
    assert len(hook["got"]) == 1


async def test_a_receiver_that_is_gone_is_asked_no_more(hook, desk):
    hook["status"] = 410
    await schedules.put(desk.queue, Schedule(name="s5.abc", job="deliver_report", every=3600))
    with pytest.raises(Gone):
        await Webhooks(private=True).post(hook["url"], SECRET, "key", b"{}")
    with pytest.raises(Unrecoverable):
        await job().run({"job": Job(desk.queue)}, order(ByWebhook(hook["url"], SECRET)))
    assert await schedules.planned(desk.queue) == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "http://localhost:1/", "http://[::1]:1/", "http://169.254.169.254/", "http://10.0.0.5/"]
)
async def test_nothing_is_posted_inside_of_our_own_network(url):
    with pytest.raises(Unrecoverable, match="private network"):
        await Webhooks(private=False).post(url, SECRET, "key", b"{}")


def test_which_addresses_are_public():
    assert is_public("93.184.216.34")
    assert is_public("2606:2800:220:1:248:1893:25c8:1946")
    for private in (
        "10.1.2.3",
        "192.168.0.1",
        "127.0.0.1",
        "::1",
        "::ffff:10.0.0.1",
        "fe80::1%eth0",
        "224.0.0.1",
        "0.0.0.0",
        "nonsense",
        "64:ff9b::a00:1",
        "2002:a00:1::",
    ):
        assert not is_public(private)

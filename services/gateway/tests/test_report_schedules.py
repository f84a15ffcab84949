"""Report schedules over HTTP: made, listed, run, removed, and never another store's."""

from __future__ import annotations

import msgspec
import pytest

from tillwise_common.bus.connection import RedisConnection
from tillwise_common.contracts.deliveries import Delivery
from tillwise_common.contracts.jobs import DELIVER_REPORT
from tillwise_common.jobs.control import Control
from tillwise_common.jobs.queue import Queue
from tillwise_common.settings import Secret

from .analytics_stand_in import refusal, standing_in
from .conftest import ADMIN

PATH = "/api/v1/report-schedules"
MAIL = {"report": "trend", "cron": "0 7 * * 1", "format": "pdf", "params": {"granularity": "week", "top": 5}, "to": ["ada@example.com"]}
SHOP = {"currency": "EUR", "timezone": "Europe/Berlin", "week_start": "monday"}


@pytest.fixture
async def analytics(gateway, redis_url):
    stand_in, end = await standing_in(redis_url)
    yield stand_in
    await end()


@pytest.fixture
async def keys(gateway, analytics):
    """Keys of the shop, and of another store."""
    await gateway.call("POST", "/api/v1/admin/stores", key=str(ADMIN), json={**SHOP, "name": "other"})
    found = []
    for store in ("shop", "other"):
        made = await gateway.call("POST", "/api/v1/admin/keys", key=str(ADMIN), json={"store": store, "scopes": ["read", "export"]})
        found.append((await made.json())["key"])
    return found


async def test_a_schedule_is_made_listed_run_and_removed(gateway, keys, redis_url):
    key, _ = keys
    made = await gateway.call("POST", PATH, key=key, json=MAIL)
    told = await made.json()
    assert made.status == 201, told
    assert made.headers["Location"] == f"{PATH}/{told['id']}"
    assert (told["timezone"], told["params"], told["to"]) == ("Europe/Berlin", {"granularity": "week", "top": "5"}, ["ada@example.com"])
    listed = await (await gateway.call("GET", PATH, key=key)).json()
    assert [one["id"] for one in listed["schedules"]] == [told["id"]]
    ran = await (await gateway.call("POST", f"{PATH}/{told['id']}/run", key=key)).json()
    redis = RedisConnection(Secret(redis_url))
    job = await Control(Queue(redis.commands, DELIVER_REPORT.queue)).job(ran["job"])
    await redis.close()
    order = msgspec.json.decode(job.data, type=Delivery)
    assert (job.name, order.report, order.store.name, order.plan) == ("deliver_report", "trend", "shop", told["id"])
    assert (await gateway.call("DELETE", f"{PATH}/{told['id']}", key=key)).status == 204
    assert (await gateway.call("GET", f"{PATH}/{told['id']}", key=key)).status == 404


async def test_the_secret_of_a_webhook_is_told_once(gateway, keys):
    key, _ = keys
    wanted = {**MAIL, "to": [], "webhook": "https://shop.example/hook"}
    told = await (await gateway.call("POST", PATH, key=key, json=wanted)).json()
    assert told["secret"].startswith("whsec_")
    assert "secret" not in await (await gateway.call("GET", f"{PATH}/{told['id']}", key=key)).json()


async def test_another_stores_schedule_is_not_there(gateway, keys):
    key, other = keys
    told = await (await gateway.call("POST", PATH, key=key, json=MAIL)).json()
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/run")):
        assert (await gateway.call(method, f"{PATH}/{told['id']}{path}", key=other)).status == 404
    assert (await (await gateway.call("GET", PATH, key=other)).json())["schedules"] == []


@pytest.mark.parametrize(
    ("wrong", "parameter"),
    [
        ({"report": "nothing"}, "report"), ({"format": "doc"}, "format"), ({"cron": "61 * * * *"}, "cron"), ({"cron": "often"}, "cron"),
        ({"timezone": "Mars/Olympus"}, "timezone"), ({"to": []}, "to"), ({"webhook": "https://x.example/"}, "to"),
        ({"to": ["a@example.com"] * 51}, "to"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_refused_by_name(gateway, keys, wrong, parameter):
    answer = await gateway.call("POST", PATH, key=keys[0], json={**MAIL, **wrong})
    told = await answer.json()
    assert (answer.status, told["errors"][0]["parameter"]) == (422, parameter)


@pytest.mark.parametrize("to", ["ada", "ada@example.com\r\nBcc: eve@example.com", "a,b@example.com", "<ada@example.com>"])
async def test_what_is_no_address_is_refused(gateway, keys, to):
    assert (await gateway.call("POST", PATH, key=keys[0], json={**MAIL, "to": [to]})).status == 422


async def test_parameters_that_the_report_refuses_are_refused_at_once(gateway, keys, analytics):
    # The catalogue is known by then.
    await gateway.call("POST", PATH, key=keys[0], json={**MAIL, "report": "nothing"})
    analytics.reply = refusal(422, parameter="metric", detail="must be one of orders, sales")
    answer = await gateway.call("POST", PATH, key=keys[0], json={**MAIL, "params": {"metric": "luck"}})
    assert answer.status == 422
    assert (await (await gateway.call("GET", PATH, key=keys[0])).json())["schedules"] == []

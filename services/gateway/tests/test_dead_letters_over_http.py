"""Dead letters over HTTP: for the platform's admin only, short in the list, whole by themselves, replayed once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tillwise_common.bus import dead_letters, envelope, names
from tillwise_common.bus.connection import RedisConnection
from tillwise_common.contracts import batches
from tillwise_common.contracts.batches import Batch, Part
from tillwise_common.contracts.stores import Store
from tillwise_common.settings import Secret

from .conftest import ADMIN

PATH = "/api/v1/admin/dead-letters"
KEY = str(ADMIN)


@pytest.fixture
async def buried(gateway, redis_url):
    """Two letters: one of ours with an event, one that is no message at all."""
    redis = RedisConnection(Secret(redis_url))
    part = Part("p", "request-7", datetime(2026, 1, 1, tzinfo=UTC), "one", b'{"type":"order.placed"}')
    batch = Batch(Store(id=5, name="shop", currency="EUR", timezone="UTC"), [part])
    message = envelope.new(batches.TYPE, "test", batches.encode(batch), subject="shop").fields()
    await dead_letters.write(redis.commands, names.dead_letters(1), names.events(1), b"1-1", message, ValueError("too big"), 5)
    await dead_letters.write(redis.commands, names.dead_letters(0), names.events(0), b"2-1", {"hello": "there"}, ValueError("what"), 1)
    yield redis
    await redis.close()


async def listed(gateway):
    return await (await gateway.call("GET", PATH, key=KEY)).json()


async def test_the_list_says_what_when_and_why_without_contents(gateway, buried):
    answer = await gateway.call("GET", PATH, key=KEY)
    body = await answer.json()
    assert (answer.status, body["count"]) == (200, 2)
    strange, ours = body["dead_letters"]
    assert (ours["error"], ours["tries"], ours["store"], ours["type"], ours["entry"]) == (
        "ValueError: too big",
        5,
        "shop",
        batches.TYPE,
        "1-1",
    )
    assert (strange["store"], strange["type"]) == (None, None)
    assert "order.placed" not in await answer.text()


async def test_one_letter_shows_its_message(gateway, buried):
    strange, ours = (await listed(gateway))["dead_letters"]
    shown = await (await gateway.call("GET", f"{PATH}/{ours['id']}", key=KEY)).json()
    (part,) = shown["message"]["parts"]
    assert (part["request_id"], part["body"]) == ("request-7", '{"type":"order.placed"}')
    shown = await (await gateway.call("GET", f"{PATH}/{strange['id']}", key=KEY)).json()
    assert shown["message"] == {"fields": {"hello": "there"}}


async def test_a_replayed_letter_goes_back_to_its_stream_and_is_missing_the_second_time(gateway, buried):
    _, ours = (await listed(gateway))["dead_letters"]
    first = await gateway.call("POST", f"{PATH}/replay", key=KEY, json={"ids": [ours["id"]]})
    again = await gateway.call("POST", f"{PATH}/replay", key=KEY, json={"ids": [ours["id"]]})
    assert await first.json() == {"replayed": 1, "missing": [], "unfit": []}
    assert await again.json() == {"replayed": 0, "missing": [ours["id"]], "unfit": []}
    assert await buried.commands.xlen(names.events(1)) == 1
    assert (await gateway.call("GET", f"{PATH}/{ours['id']}", key=KEY)).status == 404


async def test_letters_are_discarded_one_by_one_or_all_at_once(gateway, buried):
    strange, _ = (await listed(gateway))["dead_letters"]
    assert (await gateway.call("DELETE", f"{PATH}/{strange['id']}", key=KEY)).status == 204
    assert (await gateway.call("DELETE", f"{PATH}/{strange['id']}", key=KEY)).status == 404
    done = await gateway.call("POST", f"{PATH}/discard", key=KEY, json={"all": True})
    assert await done.json() == {"discarded": 1, "missing": [], "unfit": []}
    assert await listed(gateway) == {"count": 0, "dead_letters": []}


@pytest.mark.parametrize("body", [{}, {"ids": []}, {"ids": ["0:1-1"], "all": True}, {"ids": "0:1-1"}, {"every": True}])
async def test_a_request_that_does_not_say_which_is_refused(gateway, buried, body):
    answer = await gateway.call("POST", f"{PATH}/discard", key=KEY, json=body)
    assert answer.status == 422
    assert (await listed(gateway))["count"] == 2


async def test_a_strange_message_with_a_field_named_like_ours_is_shown_and_one_without_fields_is_not_replayed(gateway, buried):
    odd = {"size": "big", "dead": "or alive"}
    await dead_letters.write(buried.commands, names.dead_letters(0), names.events(0), b"3-1", odd, ValueError("odd"), 1)
    await dead_letters.write(buried.commands, names.dead_letters(0), names.events(0), b"4-1", {}, ValueError("bare"), 1)
    bare, strange, *_ = (await listed(gateway))["dead_letters"]
    assert strange["bytes"] > 0
    shown = await gateway.call("GET", f"{PATH}/{strange['id']}", key=KEY)
    assert (shown.status, (await shown.json())["message"]) == (200, {"fields": odd})
    done = await gateway.call("POST", f"{PATH}/replay", key=KEY, json={"ids": [bare["id"], strange["id"]]})
    assert await done.json() == {"replayed": 1, "missing": [], "unfit": [bare["id"]]}


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "x", "٣", ""])
async def test_a_limit_that_is_none_is_refused(gateway, limit):
    assert (await gateway.call("GET", f"{PATH}?limit={limit}", key=KEY)).status == 422


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("GET", "/0:1-1"), ("DELETE", "/0:1-1"), ("POST", "/replay"), ("POST", "/discard")]
)
async def test_only_the_platforms_admin_may_look(gateway, method, path):
    assert (await gateway.call(method, PATH + path, json={"all": True})).status == 403
    assert (await gateway.call(method, PATH + path, key="", json={"all": True})).status == 401

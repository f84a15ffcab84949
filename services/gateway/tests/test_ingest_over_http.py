"""What a client that sends events sees, and what lies on the stream afterwards."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
import redis.asyncio as aioredis

from tillwise_common.bus import envelope
from tillwise_common.contracts import batches

AT = "2026-03-02T10:00:00Z"


def order(number: Any = 1, **data: Any) -> dict[str, Any]:
    lines = [{"sku": "A", "quantity": 1, "unit_price": 100}]
    return {"type": "order.placed", "id": f"e{number}", "occurred_at": AT, "data": {"order_id": str(number), "lines": lines, **data}}


async def on_stream(redis_url: str) -> list[Any]:
    """All parts on all event streams."""
    client = aioredis.Redis.from_url(redis_url)
    found = []
    for stream in await client.keys("tw:events:*"):
        for _, fields in await client.xrange(stream):
            message = envelope.parse(fields)
            assert message.type == batches.TYPE
            found += batches.decode(message.data).parts
    await client.aclose()
    return found


async def events_on_stream(redis_url: str) -> list[Any]:
    return [event for part in await on_stream(redis_url) for event in batches.decode_events(part)]


async def test_one_event_is_accepted_and_lies_on_the_stream_with_its_request_id(gateway, redis_url):
    answer = await gateway.send(json.dumps(order()), **{"X-Request-Id": "my-request.1"})
    assert answer.status == 202
    assert await answer.json() == {"accepted": 1, "duplicates": None, "rejected": []}
    assert answer.headers["X-Request-Id"] == "my-request.1"
    (part,) = await on_stream(redis_url)
    assert part.request_id == "my-request.1"
    assert batches.decode_events(part)[0].data.order_id == "1"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (json.dumps([order(1), order(2)], indent=2), "application/json"),
        (json.dumps(order(1)) + "\n" + json.dumps(order(2)) + "\n", "application/x-ndjson"),
        ("\n" + json.dumps(order(1)) + "\r\n\n" + json.dumps(order(2)), "application/x-ndjson"),
    ],
)
async def test_arrays_and_ndjson_are_accepted_whole(gateway, redis_url, body, kind):
    answer = await gateway.send(body, kind)
    assert (answer.status, (await answer.json())["accepted"]) == (202, 2)
    assert [event.id for event in await events_on_stream(redis_url)] == ["e1", "e2"]


async def test_invalid_events_are_named_by_index_and_path_and_the_rest_is_accepted(gateway, redis_url):
    bad_price = order(2)
    bad_price["data"]["lines"][0]["unit_price"] = "1.00"
    foreign = order(3, store_id=9)
    answer = await gateway.send(json.dumps([order(1), bad_price, foreign, order(4, currency="USD"), order(5)], indent=1))
    body = await answer.json()
    assert (answer.status, body["accepted"]) == (202, 2)
    assert [(r["index"], r["code"]) for r in body["rejected"]] == [(1, "invalid_event"), (2, "invalid_event"), (3, "currency_mismatch")]
    assert "$.data.lines[0].unit_price" in body["rejected"][0]["detail"]
    assert "store_id" in body["rejected"][1]["detail"]
    assert [event.id for event in await events_on_stream(redis_url)] == ["e1", "e5"]


async def test_nothing_is_stored_when_no_event_is_valid(gateway, redis_url):
    answer = await gateway.send(json.dumps([{"type": "order.placed"}, {"type": "nonsense"}]))
    body = await answer.json()
    assert (answer.status, body["code"], len(body["rejected"])) == (422, "no_valid_event", 2)
    assert body["request_id"] == answer.headers["X-Request-Id"]
    assert await on_stream(redis_url) == []


@pytest.mark.parametrize(
    ("body", "position"),
    [
        ('{"type": "order.placed", oops}', 25), ('[{"a": 1}, {"b": }]', 17), ('{"a": NaN}', 6), ("{", 1), ('[{"type": "order.pl', 19),
        ('{"a": 1} b', 9), (b'{"type": "\xc3\xa9\xff"}', 12), ('{"type": "\\ud800"}', 10), ('[{"type": "\\ud800 and"}]', 11),
    ],
)  # fmt: skip
async def test_broken_json_is_refused_with_its_byte_position(gateway, redis_url, body, position):
    answer = await gateway.send(body)
    problem = await answer.json()
    assert (answer.status, problem["code"], problem["position"]) == (400, "malformed_json", position)
    assert answer.content_type == "application/problem+json"
    assert await on_stream(redis_url) == []


async def test_a_broken_line_of_ndjson_loses_no_other_line(gateway, redis_url):
    answer = await gateway.send(f'{json.dumps(order(1))}\n{{"type": \n{json.dumps(order(3))}', "application/x-ndjson")
    body = await answer.json()
    assert (body["accepted"], body["rejected"][0]["index"], body["rejected"][0]["code"]) == (2, 1, "malformed_json")
    assert [event.id for event in await events_on_stream(redis_url)] == ["e1", "e3"]


async def test_every_broken_line_is_told_with_its_place_in_the_body(gateway, redis_url):
    good = json.dumps(order(1, channel="Café"), ensure_ascii=False)
    body = f"\n{good}\n\n{{]}}\n \r\n{{]}}\n{{\n".encode() + b'{"type": "\xff"}'
    answer = await gateway.send(body, "application/x-ndjson")
    told = await answer.json()
    first = body.index(b"{]}") + 1
    second = body.index(b"{]}", first) + 1
    # Blank lines count for positions, not for indexes.
    assert [(r["index"], r["code"], r["position"]) for r in told["rejected"]] == [
        (1, "malformed_json", first), (2, "malformed_json", second), (3, "malformed_json", body.index(b"{\n") + 1),
        (4, "malformed_json", body.index(b"\xff")),
    ]  # fmt: skip
    assert all(f"byte {r['position']} of the body" in r["detail"] for r in told["rejected"])
    assert (answer.status, told["accepted"], [e.id for e in await events_on_stream(redis_url)]) == (202, 1, ["e1"])


async def test_an_array_goes_on_behind_an_event_with_invalid_utf_8(gateway):
    body = b'[{"type": "\xff"}, %s, {"type": "\xff"}]' % json.dumps(order(1)).encode()
    told = await (await gateway.send(body)).json()
    assert (told["accepted"], [(r["index"], r["position"]) for r in told["rejected"]]) == (1, [(0, 11), (2, body.rindex(b"\xff"))])


async def test_ndjson_without_one_line_of_json_is_refused_line_by_line(gateway, redis_url):
    answer = await gateway.send("nonsense\n\n{", "application/x-ndjson")
    told = await answer.json()
    assert (answer.status, told["code"], told["accepted"]) == (422, "no_valid_event", 0)
    assert [(r["index"], r["code"], r["position"]) for r in told["rejected"]] == [(0, "malformed_json", 1), (1, "malformed_json", 11)]
    assert await on_stream(redis_url) == []


async def test_too_many_levels_are_refused_where_they_begin(gateway):
    deep = '{"type":"customer.updated","occurred_at":"' + AT + '","data":{"customer_id":"c","x":' + "[" * 20_000 + "]" * 20_000 + "}}"
    told = await (await gateway.send(deep)).json()
    assert [(r["code"], r["position"]) for r in told["rejected"]] == [("too_deep", deep.index("[") + 98)]
    answer = await gateway.send(f"[{deep}]")
    assert (answer.status, (await answer.json())["code"], (await answer.json())["position"]) == (400, "too_deep", deep.index("[") + 99)


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (order(1) | {"occurred_at": "2026-03-02T10:00:00"}, "invalid_event"),
        (order(1) | {"occurred_at": "0001-01-01T00:00:00Z"}, "date_out_of_range"),
        (order(1) | {"id": ""}, "invalid_event"),
        (order(1, customer_id="a\0b"), "nul_character"),
        (order(1, lines=[{"sku": "A", "quantity": 10**6, "unit_price": 10**11}]), "amount_too_large"),
        (order(1, lines=[{"sku": "A", "quantity": 2**70, "unit_price": 1}]), "invalid_event"),
        (order(1, lines=[]), "invalid_event"),
        ({"type": "customer.updated", "occurred_at": AT, "data": {"name": "no id"}}, "invalid_event"),
        ({"type": "order.refunded", "occurred_at": AT, "data": {"order_id": "1", "refund_id": "1"}}, "empty_refund"),
    ],
)
async def test_events_that_make_no_sense_are_refused(gateway, redis_url, event, code):
    answer = await gateway.send(json.dumps([event, order("good")]))
    assert [r["code"] for r in (await answer.json())["rejected"]] == [code]
    assert [e.id for e in await events_on_stream(redis_url)] == ["egood"]


def moved(quantity: int) -> dict[str, Any]:
    return {"type": "stock.moved", "occurred_at": AT, "data": {"sku": "A", "quantity": quantity, "reason": "adjustment"}}


@pytest.mark.parametrize(
    ("event", "code", "said"),
    [
        (order(1, currency="XYZ"), "unknown_currency", "'XYZ' is no currency of ISO 4217: write a code such as EUR - at `$.data.currency`"),
        (order(1, currency="eur"), "unknown_currency", "write it in capitals: EUR - at `$.data.currency`"),
        (order(1, currency="JPY"), "currency_mismatch", "this store counts in EUR, not JPY - at `$.data.currency`"),
        (moved(0), "empty_movement", "- at `$.data.quantity`"),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_a_value_is_told_with_what_to_do(gateway, event, code, said):
    (rejection,) = (await (await gateway.send(json.dumps(event))).json())["rejected"]
    assert (rejection["code"], rejection["detail"][-len(said) :]) == (code, said)


async def test_an_empty_text_is_refused_in_every_field(gateway):
    line = {"sku": "A", "quantity": 1, "unit_price": 100}
    events = {
        **{f"$.data.{field}": order(1, **{field: ""}) for field in ("order_id", "customer_id", "currency", "channel", "country")},
        **{f"$.data.lines[0].{field}": order(1, lines=[line | {field: ""}]) for field in ("sku", "name", "category")},
        "$.id": order(1) | {"id": ""},
        "$.data.location": {"type": "stock.counted", "occurred_at": AT, "data": {"sku": "A", "quantity": 1, "location": ""}},
        "$.data.category": {"type": "product.updated", "occurred_at": AT, "data": {"sku": "A", "category": ""}},
    }
    rejected = (await (await gateway.send(json.dumps(list(events.values())))).json())["rejected"]
    said = "an empty text: leave the field out instead, or fill it"
    assert [(r["code"], r["detail"]) for r in rejected] == [("invalid_event", f"{said} - at `{path}`") for path in events]


async def test_what_moves_and_the_stores_own_currency_are_taken(gateway):
    answer = await gateway.send(json.dumps([moved(-1), moved(1), order(1, currency="EUR")]))
    assert await answer.json() == {"accepted": 3, "duplicates": None, "rejected": []}


async def test_deeply_nested_json_is_refused_and_the_gateway_goes_on(gateway):
    nested = '{"type":"customer.updated","occurred_at":"' + AT + '","data":{"customer_id":"c","x":' + "[" * 20_000 + "]" * 20_000 + "}}"
    assert (await gateway.send(nested)).status in (400, 422)
    assert (await gateway.send(json.dumps(order()))).status == 202


async def test_packed_bodies_are_unpacked(gateway, redis_url):
    answer = await gateway.send(gzip.compress(json.dumps(order()).encode()), **{"Content-Encoding": "gzip"})
    assert answer.status == 202
    assert [event.id for event in await events_on_stream(redis_url)] == ["e1"]


async def test_zstd_bodies_are_unpacked(gateway, redis_url):
    zstd = pytest.importorskip("backports.zstd")
    answer = await gateway.send(zstd.compress(json.dumps(order()).encode()), **{"Content-Encoding": "zstd"})
    assert answer.status == 202
    assert [event.id for event in await events_on_stream(redis_url)] == ["e1"]


async def test_a_packed_body_that_breaks_off_is_refused_and_nothing_of_it_is_stored(gateway, redis_url):
    zstd = pytest.importorskip("backports.zstd")
    lines = "\n".join(json.dumps(order(f"cut{n}")) for n in range(500)).encode()
    for name, body in (("gzip", gzip.compress(lines)), ("zstd", zstd.compress(lines))):
        for cut in (body[: len(body) // 2], body[:-1]):
            answer = await gateway.send(cut, "application/x-ndjson", **{"Content-Encoding": name})
            assert (answer.status, (await answer.json())["code"]) == (400, "unreadable_body")
    assert await on_stream(redis_url) == []


async def test_an_encoding_that_we_do_not_know_is_refused_in_our_form(gateway):
    answer = await gateway.send(b"{}", **{"Content-Encoding": "br"})
    assert (answer.status, (await answer.json())["code"]) == (415, "unsupported_encoding")
    assert answer.headers["X-Request-Id"]


async def test_a_bomb_is_refused_by_its_unpacked_size(gateway, redis_url):
    answer = await gateway.send(gzip.compress(b" " * 50_000_000), **{"Content-Encoding": "gzip"})
    assert answer.status == 413
    assert (await answer.json())["code"] == "body_too_large"


async def test_a_body_that_is_not_packed_as_declared_is_refused(gateway):
    assert (await gateway.send(b"not gzip at all", **{"Content-Encoding": "gzip"})).status == 400


async def test_a_body_too_large_is_refused(gateway, redis_url):
    answer = await gateway.send(b"[" + b" " * 200_000 + b"]")
    assert (answer.status, (await answer.json())["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
async def test_other_media_types_are_refused(gateway, kind):
    answer = await gateway.send(json.dumps(order()), kind)
    assert (answer.status, (await answer.json())["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson"])
@pytest.mark.parametrize("body", [b"", b"   ", b" \r\n\t\n", b"[]", b" [ ] "])
async def test_a_body_without_an_event_is_refused(gateway, kind, body):
    if kind == "application/x-ndjson" and b"[" in body:
        return
    for packed, encoding in ((body, {}), (gzip.compress(body), {"Content-Encoding": "gzip"})):
        answer = await gateway.send(packed, kind, **encoding)
        assert (answer.status, (await answer.json())["code"]) == (422, "empty_body")


async def test_a_line_that_was_struck_from_its_order_is_taken(gateway):
    struck = order()
    struck["data"]["lines"][0]["quantity"] = 0
    assert (await gateway.send(json.dumps(struck))).status == 202


async def test_with_a_full_redis_events_are_refused_and_the_client_may_try_again(gateway, redis_url):
    client = aioredis.Redis.from_url(redis_url)
    await client.config_set("maxmemory", 1)
    try:
        answer = await gateway.send(json.dumps(order()))
    finally:
        await client.config_set("maxmemory", 512_000_000)
        await client.aclose()
    # Who looks once a second may have seen it before the write was tried.
    code = (await answer.json())["code"]
    assert (answer.status, code in ("not_stored", "overloaded"), answer.headers["Retry-After"]) == (503, True, "2")
    while (answer := await gateway.send(json.dumps(order()))).status == 503:
        assert (await answer.json())["code"] == "overloaded"
    assert answer.status == 202

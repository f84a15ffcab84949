"""Who may come in, and what the platform's admin may do."""

from __future__ import annotations

import pytest

from .conftest import ADMIN, PASSWORD

ADMIN_KEY = str(ADMIN)


@pytest.mark.parametrize("key", ["", "tw_nobody_" + "x" * 43, "nonsense", f"tw_admin_{'b' * 43}"])
async def test_strangers_stay_outside(gateway, key):
    answer = await gateway.call("GET", "/api/v1/reports", key=key)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "x" * 43 not in await answer.text()


async def test_a_key_may_do_only_what_its_scopes_say(gateway):
    made = await gateway.call("POST", "/api/v1/admin/keys", key=ADMIN_KEY, json={"store": "shop", "scopes": ["ingest"]})
    key = (await made.json())["key"]
    answer = await gateway.call("GET", "/api/v1/store", key=key)
    assert (answer.status, (await answer.json())["code"]) == (403, "missing_scope")


async def test_a_revoked_key_is_refused(gateway):
    assert (await gateway.call("GET", "/api/v1/store")).status == 200
    assert (await gateway.call("DELETE", f"/api/v1/admin/keys/{gateway.key_id}", key=ADMIN_KEY)).status == 204
    assert (await gateway.call("GET", "/api/v1/store")).status == 401
    assert (await gateway.call("DELETE", f"/api/v1/admin/keys/{gateway.key_id}", key=ADMIN_KEY)).status == 404


async def test_an_expired_key_is_refused(gateway):
    made = await gateway.call("POST", "/api/v1/admin/keys", key=ADMIN_KEY, json={"store": "shop", "scopes": ["read"], "expires_in": 0.001})
    assert (await gateway.call("GET", "/api/v1/store", key=(await made.json())["key"])).status == 401


async def test_store_keys_do_not_administer(gateway):
    for method, path in (("GET", "stores"), ("POST", "stores"), ("GET", "keys"), ("POST", "keys"), ("POST", "rebuild")):
        assert (await gateway.call(method, f"/api/v1/admin/{path}", json={})).status == 403


async def test_a_store_is_made_once(gateway):
    wanted = {"name": "tokyo", "currency": "JPY", "timezone": "Asia/Tokyo", "week_start": "sunday"}
    made = await gateway.call("POST", "/api/v1/admin/stores", key=ADMIN_KEY, json=wanted)
    assert (made.status, {**await made.json(), "id": 0}) == (201, {**wanted, "id": 0})
    again = await gateway.call("POST", "/api/v1/admin/stores", key=ADMIN_KEY, json=wanted)
    assert (again.status, (await again.json())["code"]) == (409, "store_exists")


NO_ZONES = ("Mars/Olympus", "localtime", "posixrules", "Factory", "", "posix/UTC")
ZONE = "is no timezone of the IANA list: write one such as Europe/Berlin"
NAME = "a store's name has 1 to 63 letters, digits, blanks and . _ & ' - and begins with a letter or digit"


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        *(({"timezone": name}, "timezone", f"'{name}' {ZONE}") for name in NO_ZONES),
        ({"timezone": "../../etc/passwd"}, "timezone", ZONE),
        ({"currency": "eur"}, "currency", "write it in capitals: EUR"),
        ({"currency": "XYZ"}, "currency", "'XYZ' is no currency of ISO 4217: write a code such as EUR"),
        ({"currency": "XXX"}, "currency", "is no currency"),
        *(({"name": name}, "name", NAME) for name in ("", " ", "-x", "x\n", "x" * 64, "a/b")),
        ({"week_start": "friday"}, "week_start", "friday"),
    ],
)
async def test_a_store_that_makes_no_sense_is_refused_by_field(gateway, change, field, said):
    wanted = {"name": "x", "currency": "EUR", "timezone": "Europe/Berlin"} | change
    answer = await gateway.call("POST", "/api/v1/admin/stores", key=ADMIN_KEY, json=wanted)
    told = await answer.json()
    assert (answer.status, told["code"], told["field"]) == (422, "invalid_request", field)
    assert said in told["detail"]
    assert "regex" not in told["detail"]


@pytest.mark.parametrize("seconds", [0, -1, -0.5, 36_500 * 86400 + 1])
async def test_a_key_that_would_be_over_at_once_or_never_is_refused(gateway, seconds):
    wanted = {"store": "shop", "scopes": ["read"], "expires_in": seconds}
    answer = await gateway.call("POST", "/api/v1/admin/keys", key=ADMIN_KEY, json=wanted)
    told = await answer.json()
    assert (answer.status, told["field"]) == (422, "expires_in")
    assert told["detail"] == "expires_in: must be more than 0 seconds and at most 3153600000 (a hundred years); leave it out for never"


async def test_keys_are_listed_without_their_secrets(gateway):
    answer = await gateway.call("GET", "/api/v1/admin/keys", key=ADMIN_KEY)
    text = await answer.text()
    assert gateway.key_id in text
    assert gateway.key.split("_", 2)[2] not in text


async def test_unknown_addresses_and_methods_are_problems_too(gateway):
    missing = await gateway.call("GET", "/api/v1/nothing")
    assert (missing.status, (await missing.json())["code"]) == (404, "not_found")
    wrong = await gateway.call("DELETE", "/api/v1/events")
    assert (wrong.status, (await wrong.json())["code"], wrong.headers["Allow"]) == (405, "method_not_allowed", "POST")


@pytest.mark.parametrize("sent", ["a\tb", "x" * 129, "<script>", "ä"])
async def test_a_malformed_request_id_is_replaced(gateway, sent):
    answer = await gateway.call("GET", "/api/v1/store", headers={"X-Request-Id": sent})
    assert answer.headers["X-Request-Id"] != sent


async def test_reports_say_when_analytics_is_away(gateway):
    answer = await gateway.call("GET", "/api/v1/reports/trend")
    assert (answer.status, (await answer.json())["code"]) == (503, "analytics_unavailable")
    assert answer.headers["Retry-After"]


async def test_people_log_in_with_a_password_and_out_again(gateway):
    wrong = await gateway.call("POST", "/login", key="", data={"email": "admin@example.com", "password": "guess"})
    assert wrong.status == 401
    right = await gateway.call(
        "POST", "/login", key="", data={"email": "Admin@Example.com", "password": PASSWORD, "next": "//evil.example"}
    )
    assert (right.status, right.headers["Location"]) == (303, "/reports/trend")
    cookie = right.cookies["tillwise_session"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    session = {"Cookie": f"tillwise_session={cookie.value}"}
    assert (await gateway.call("GET", "/api/v1/admin/stores", key="", headers=session)).status == 200
    await gateway.call("POST", "/logout", key="", headers=session)
    assert (await gateway.call("GET", "/api/v1/admin/stores", key="", headers=session)).status == 401


async def test_forms_of_other_sites_are_refused(gateway):
    data = {"email": "admin@example.com", "password": PASSWORD}
    assert (await gateway.call("POST", "/login", key="", data=data, headers={"Origin": "https://evil.example"})).status == 403
    assert (await gateway.call("POST", "/login", key="", data=data, headers={"Sec-Fetch-Site": "cross-site"})).status == 403


async def test_probes_answer_without_a_key(gateway):
    for path in ("/livez", "/readyz", "/api/health", "/metrics"):
        assert (await gateway.call("GET", path, key="")).status == 200
    checks = await (await gateway.call("GET", "/readyz?verbose", key="")).json()
    assert {name: check["status"] for name, check in checks["checks"].items()} == {
        "postgres": "pass",
        "redis": "pass",
        "migrations": "pass",
        "durability": "pass",
    }
    assert (
        'tillwise_http_requests_total{method="GET",route="/livez",status="200"} 1.0'
        in await (await gateway.call("GET", "/metrics", key="")).text()
    )

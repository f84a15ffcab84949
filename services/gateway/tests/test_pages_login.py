"""Logging in and out with a browser."""

from __future__ import annotations

from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit

import pytest

from .analytics_stand_in import standing_in
from .conftest import PASSWORD

RIGHT = {"email": "admin@example.com", "password": PASSWORD}


@pytest.fixture
async def analytics(gateway, redis_url):
    stand_in, end = await standing_in(redis_url)
    yield stand_in
    await end()


async def log_in(gateway, form, **headers):
    return await gateway.call("POST", "/login", key="", data=form, headers=headers)


def session_of(answer) -> str:
    return SimpleCookie(answer.headers["Set-Cookie"])["tillwise_session"].value


async def test_who_is_not_known_is_sent_to_the_login_and_back(gateway):
    answer = await gateway.call("GET", "/reports/trend?metric=orders&from=2026-01-01", key="")
    login = urlsplit(answer.headers["Location"])
    assert (answer.status, login.netloc, login.path) == (303, "", "/login")
    assert parse_qs(login.query) == {"next": ["/reports/trend?metric=orders&from=2026-01-01"]}
    form = await gateway.call("GET", answer.headers["Location"], key="")
    assert 'value="/reports/trend?metric=orders&amp;from=2026-01-01"' in await form.text()
    done = await log_in(gateway, {**RIGHT, "next": "/reports/trend?metric=orders"})
    assert (done.status, done.headers["Location"]) == (303, "/reports/trend?metric=orders")


async def test_a_password_begins_a_session_that_no_script_can_read(gateway, analytics):
    answer = await log_in(gateway, RIGHT)
    cookie = SimpleCookie(answer.headers["Set-Cookie"])["tillwise_session"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "Lax", "/", "")
    page = await gateway.call("GET", "/reports/trend", key="", headers={"Cookie": f"tillwise_session={cookie.value}"})
    assert page.status == 200


async def test_a_key_begins_a_session_in_its_store(gateway, analytics):
    answer = await log_in(gateway, {"key": f" {gateway.key}\n"})
    page = await gateway.call("GET", "/reports/trend", key="", headers={"Cookie": f"tillwise_session={session_of(answer)}"})
    assert (page.status, analytics.asked[0].store.name) == (200, "shop")


@pytest.mark.parametrize(
    "form",
    [
        {**RIGHT, "password": "wrong"},
        {**RIGHT, "email": "nobody@example.com"},
        {"key": "tw_nobody_secret"},
        {},
        {"email": "a\x00b", "password": "c"},
    ],
)
async def test_what_does_not_match_is_told_without_saying_which(gateway, form):
    answer = await log_in(gateway, form)
    assert (answer.status, answer.content_type, "Set-Cookie" in answer.headers) == (401, "text/html", False)
    assert "did not match" in await answer.text()


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "/%0d%0aX: 1\r\nX: 1",
        "",
    ],
)
async def test_the_way_back_never_leads_to_another_site(gateway, target):
    answer = await log_in(gateway, {**RIGHT, "next": target})
    assert (answer.status, answer.headers["Location"]) == (303, "/reports/trend")
    form = await gateway.call("GET", "/login", key="", params={"next": target})
    assert 'name="next" value="/reports/trend"' in await form.text()


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_forms_of_other_sites_are_refused_with_a_page(gateway, headers):
    for path in ("/login", "/logout"):
        answer = await gateway.call("POST", path, key="", data=RIGHT, headers=headers)
        assert (answer.status, answer.content_type, "Set-Cookie" in answer.headers) == (403, "text/html", False), path


async def test_our_own_form_is_taken(gateway):
    answer = await log_in(gateway, RIGHT, **{"Origin": gateway.url, "Sec-Fetch-Site": "same-origin"})
    assert answer.status == 303


async def test_logging_out_ends_the_session_at_once(gateway, analytics):
    cookie = {"Cookie": f"tillwise_session={session_of(await log_in(gateway, RIGHT))}"}
    assert (await gateway.call("GET", "/reports/trend", key="", headers=cookie)).status == 200
    answer = await gateway.call("POST", "/logout", key="", headers=cookie)
    assert (answer.status, answer.headers["Location"]) == (303, "/login")
    assert SimpleCookie(answer.headers["Set-Cookie"])["tillwise_session"].value == ""
    assert (await gateway.call("GET", "/reports/trend", key="", headers=cookie)).status == 303


async def test_the_front_door_leads_to_the_report_or_to_the_login(gateway):
    assert (await gateway.call("GET", "/", key="")).headers["Location"].startswith("/login")
    cookie = {"Cookie": f"tillwise_session={session_of(await log_in(gateway, RIGHT))}"}
    assert (await gateway.call("GET", "/", key="", headers=cookie)).headers["Location"] == "/reports/trend"

"""Reports over HTTP: what goes to analytics, and in which forms its answer comes back."""

from __future__ import annotations

import asyncio
import csv
import os
import signal

import orjson
import pytest

from tillwise_common.contracts.reports import Answer, Refusal
from tillwise_common.render.document import Unmakeable
from tillwise_common.render.process import Busy, Renderer, TooSlow

from .analytics_stand_in import ETAG, refusal, standing_in, trend
from .conftest import ADMIN

ADMIN_KEY = str(ADMIN)


@pytest.fixture
async def analytics(gateway, redis_url):
    stand_in, end = await standing_in(redis_url)
    yield stand_in
    await end()


async def test_an_answer_is_passed_through_untouched(gateway, analytics):
    body = b'{"report" :"trend", "odd":1.50}'
    analytics.reply = Answer(body, ETAG)
    answer = await gateway.call("GET", "/api/v1/reports/trend?metric=orders&from=2026-01-01")
    assert (answer.status, await answer.read()) == (200, body)
    assert (answer.headers["ETag"], answer.headers["Cache-Control"]) == (ETAG, "private, no-cache")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert {"Accept", "Authorization", "Cookie"} <= set(answer.headers["Vary"].replace(",", " ").split())
    [asked] = analytics.asked
    assert (asked.report, asked.store.name, asked.params) == ("trend", "shop", {"metric": "orders", "from": "2026-01-01"})


async def test_the_catalogue_comes_from_analytics(gateway, analytics):
    analytics.reply = Answer(orjson.dumps({"reports": [{"name": "trend"}]}))
    answer = await gateway.call("GET", "/api/v1/reports")
    assert (await answer.json())["reports"][0]["name"] == "trend"


async def test_an_answer_that_is_still_right_is_not_sent_again(gateway, analytics):
    for form in ("json", "csv", "xlsx", "pdf", "svg", "png"):
        first = await gateway.call("GET", f"/api/v1/reports/trend?format={form}")
        again = await gateway.call("GET", f"/api/v1/reports/trend?format={form}", headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status, await again.read(), again.headers["ETag"]) == (304, b"", first.headers["ETag"])


async def test_each_form_is_an_entity_of_its_own(gateway, analytics):
    json = await gateway.call("GET", "/api/v1/reports/trend")
    answer = await gateway.call("GET", "/api/v1/reports/trend?format=csv", headers={"If-None-Match": json.headers["ETag"]})
    assert (answer.headers["ETag"] == json.headers["ETag"]) is False
    assert analytics.asked[0].params == analytics.asked[1].params == {}


async def test_csv_is_a_download_in_major_units(gateway, analytics):
    answer = await gateway.call("GET", "/api/v1/reports/trend?format=csv")
    assert (answer.status, answer.content_type, answer.headers["X-Content-Type-Options"]) == (200, "text/csv", "nosniff")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="trend.csv"'
    head, first, _ = csv.reader((await answer.text()).splitlines())
    assert (head[1], first[1]) == ("value", "1234.56")


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "application/json"),
        ("text/csv", "text/csv"),
        ("text/*;q=0.5, application/json;q=0.1", "text/csv"),
        ("application/json;q=0.4, text/csv", "text/csv"),
        ("application/json;q=0, */*", "text/csv"),
        ("text/html, */*;q=0.8", "application/json"),
        ("application/pdf", "application/pdf"),
        ("image/*", "image/svg+xml"),
        ("image/png", "image/png"),
        (
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
    ],
)
async def test_the_accept_header_chooses_the_form(gateway, analytics, accept, kind):
    answer = await gateway.call("GET", "/api/v1/reports/trend", headers={"Accept": accept})
    assert (answer.status, answer.content_type) == (200, kind)


async def test_an_empty_format_or_store_is_one_that_is_not_given(gateway, analytics):
    answer = await gateway.call("GET", "/api/v1/reports/trend?format=&store=")
    assert (answer.status, answer.content_type) == (200, "application/json")


@pytest.mark.parametrize("accept", ["image/webp", "application/json;q=0, text/csv;q=0"])
async def test_what_cannot_be_made_is_not_acceptable(gateway, analytics, accept):
    answer = await gateway.call("GET", "/api/v1/reports/trend", headers={"Accept": accept})
    assert (answer.status, analytics.asked) == (406, [])


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("metric=a&metric=b", "metric"),
        ("format=xls", "format"),
        ("channel=a%00b", "channel"),
        ("chart=1", "chart"),
        ("format=png&chart=x", "chart"),
    ],
)
async def test_a_parameter_that_cannot_be_used_is_named(gateway, analytics, query, parameter):
    answer = await gateway.call("GET", f"/api/v1/reports/trend?{query}")
    body = await answer.json()
    assert (answer.status, body["errors"][0]["parameter"]) == (422, parameter)
    assert analytics.asked == []


async def test_analytics_hears_which_parameters_the_gateway_takes_itself(gateway, analytics):
    await gateway.call("GET", "/api/v1/reports/trend?colour=red")
    await gateway.call("GET", "/reports/trend?colour=red")
    assert [asked.besides for asked in analytics.asked] == [["format", "store", "chart"], ["store"]]


async def test_a_refusal_becomes_a_problem_with_its_errors(gateway, analytics):
    analytics.reply = refusal(422, parameter="metric", detail="no")
    answer = await gateway.call("GET", "/api/v1/reports/trend")
    body = await answer.json()
    assert (answer.status, answer.content_type, body["errors"]) == (
        422,
        "application/problem+json",
        [{"parameter": "metric", "detail": "no"}],
    )
    assert body["request_id"] == answer.headers["X-Request-Id"]


async def test_without_analytics_a_client_is_told_when_to_come_back(gateway):
    answer = await gateway.call("GET", "/api/v1/reports/trend")
    assert (answer.status, (await answer.json())["code"], answer.headers["Retry-After"]) == (503, "analytics_unavailable", "5")


async def test_analytics_that_is_merely_slow_is_not_called_away(gateway, analytics):
    analytics.reply = None
    answer = await gateway.call("GET", "/api/v1/reports/trend")
    assert (answer.status, (await answer.json())["code"]) == (504, "report_too_slow")
    assert "Retry-After" not in answer.headers


async def test_who_waited_in_vain_for_a_turn_is_told_when_to_come_back(gateway, analytics):
    analytics.reply = Refusal(504, "reports_busy", "Others were in front.")
    answer = await gateway.call("GET", "/api/v1/reports/trend")
    assert (answer.status, (await answer.json())["code"], answer.headers["Retry-After"]) == (504, "reports_busy", "5")


async def test_a_key_sees_its_own_store_and_no_other(gateway, analytics):
    await gateway.call(
        "POST", "/api/v1/admin/stores", key=ADMIN_KEY, json={"name": "other", "currency": "USD", "timezone": "UTC", "week_start": "monday"}
    )
    assert (await gateway.call("GET", "/api/v1/reports/trend?store=other")).status == 404
    assert (await gateway.call("GET", "/api/v1/reports/trend?store=shop")).status == 200
    answer = await gateway.call("GET", "/api/v1/reports/trend?store=other", key=ADMIN_KEY)
    assert (answer.status, analytics.asked[-1].store.name, analytics.asked[-1].params) == (200, "other", {})


async def test_a_formula_in_a_group_stays_a_text_in_csv(gateway, analytics):
    answer = trend()
    answer["columns"].insert(1, {"name": "group", "type": "text", "unit": None})
    answer["rows"] = [[row[0], "=HYPERLINK(1)", *row[1:]] for row in answer["rows"]]
    analytics.answers(**answer)
    text = await (await gateway.call("GET", "/api/v1/reports/trend?format=csv")).text()
    assert "'=HYPERLINK(1)" in text


@pytest.mark.parametrize(("form", "begins"), [("xlsx", b"PK"), ("pdf", b"%PDF"), ("svg", b"<svg"), ("png", b"\x89PNG")])
async def test_every_file_is_a_download_that_no_browser_takes_for_something_else(gateway, analytics, form, begins):
    answer = await gateway.call("GET", f"/api/v1/reports/trend?format={form}")
    assert (answer.status, (await answer.read()).startswith(begins)) == (200, True)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="trend.{form}"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert analytics.asked[-1].params == {}


async def test_a_wrong_format_is_told_with_the_right_ones(gateway, analytics):
    body = await (await gateway.call("GET", "/api/v1/reports/trend?format=docx")).json()
    assert body["errors"][0]["allowed"] == ["json", "csv", "xlsx", "pdf", "svg", "png"]


async def test_what_is_too_large_to_wait_for_is_sent_to_the_exports(gateway, analytics):
    analytics.answers(rows=trend()["rows"] * 2001)
    answer = await gateway.call("GET", "/api/v1/reports/trend?format=pdf")
    body = await answer.json()
    assert (answer.status, body["code"]) == (422, "too_large")
    assert "POST /api/v1/exports" in body["detail"]


@pytest.mark.parametrize("charts", [[], [{"mark": "line", "data": {"url": "http://127.0.0.1:1/x"}}]])
async def test_a_chart_that_is_not_there_or_would_be_fetched_is_told_so(gateway, analytics, charts):
    analytics.answers(charts=charts)
    answer = await gateway.call("GET", "/api/v1/reports/trend?format=svg")
    assert (answer.status, (await answer.json())["code"]) == (422, "cannot_be_made")


async def test_files_are_made_one_after_another_and_a_crowd_is_told_to_come_back():
    renderer = Renderer(most_waiting=2)
    made = await asyncio.gather(*(renderer.render(orjson.dumps(trend()), "svg", None, 1, 100) for _ in range(3)), return_exceptions=True)
    await renderer.close()
    assert [type(one) for one in made] == [bytes, bytes, Busy]


async def test_a_file_that_takes_too_long_is_called_off_and_the_next_one_is_made():
    renderer = Renderer(patience=0.0)
    with pytest.raises(TooSlow):
        await renderer.render(orjson.dumps(trend()), "pdf", None, 1, 100)
    renderer._patience = 60.0
    assert (await renderer.render(orjson.dumps(trend()), "svg", None, 1, 100)).startswith(b"<svg")
    await renderer.close()


async def test_a_process_that_dies_is_replaced():
    renderer = Renderer()
    await renderer.render(orjson.dumps(trend()), "svg", None, 1, 100)
    [process] = renderer._pool._processes.values()
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with pytest.raises(Unmakeable):
        await renderer.render(orjson.dumps(trend()), "svg", None, 1, 100)
    assert (await renderer.render(orjson.dumps(trend()), "svg", None, 1, 100)).startswith(b"<svg")
    await renderer.close()

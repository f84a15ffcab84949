"""The trend page: what it shows, and what it never lets through."""

from __future__ import annotations

import re
from datetime import datetime
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import orjson
import pytest

from .analytics_stand_in import refusal, standing_in, trend
from .conftest import ADMIN

ADMIN_KEY = str(ADMIN)
EVIL = "</script><img src=x onerror=alert(1)>\"'"


class Elements(HTMLParser):
    """The elements that a browser would see."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture
async def analytics(gateway, redis_url):
    stand_in, end = await standing_in(redis_url)
    yield stand_in
    await end()


async def test_the_table_says_what_the_answer_says(gateway, analytics):
    answer = await gateway.call("GET", "/reports/trend?compare=previous_period")
    text = await answer.text()
    assert (answer.status, answer.content_type) == (200, "text/html")
    for shown in ("1,234.56", "-0.05", "+23.5%", "partial", "Net: after discounts.", "1,234.51", "1,000.00"):
        assert shown in text, shown
    assert analytics.asked[0].params == {"compare": "previous_period"}


async def test_a_page_lets_no_foreign_script_run(gateway, analytics):
    answer = await gateway.call("GET", "/reports/trend")
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert (policy["default-src"], policy["script-src"], policy["frame-ancestors"]) == ("'none'", "'self'", "'none'")
    assert "unsafe" not in str(policy)
    assert (answer.headers["X-Content-Type-Options"], answer.headers["Referrer-Policy"]) == ("nosniff", "same-origin")
    assert "no-store" in answer.headers["Cache-Control"]
    page = Elements(await answer.text())
    assert all(script.get("src") or script.get("type") == "application/json" for script in page.of("script"))
    assert not [attributes for _, attributes in page.found if "style" in attributes or any(name.startswith("on") for name in attributes)]


async def test_names_of_groups_are_text_and_never_markup(gateway, analytics):
    answer = trend(notes=[EVIL])
    answer["params"]["by"] = "channel"
    answer["columns"].insert(1, {"name": "group", "type": "text", "unit": None})
    answer["rows"] = [[row[0], EVIL, *row[1:]] for row in answer["rows"]]
    answer["charts"][0]["data"]["values"][0]["group"] = EVIL
    analytics.answers(**answer)
    text = await (await gateway.call("GET", "/reports/trend?by=channel")).text()
    assert "onerror=alert" in text
    assert "x" not in [image.get("src") for image in Elements(text).of("img")]
    block = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', text, re.DOTALL)
    assert orjson.loads(block[1])["data"]["values"][0]["group"] == EVIL


async def test_what_is_typed_into_the_address_is_never_markup(gateway, analytics):
    for reply in (None, refusal(422, parameter=EVIL, detail=EVIL, allowed=[EVIL])):
        analytics.answers() if reply is None else setattr(analytics, "reply", reply)
        answer = await gateway.call("GET", "/reports/trend", params={"channel": EVIL, EVIL: EVIL})
        assert answer.status == (200 if reply is None else 422)
        assert "x" not in [image.get("src") for image in Elements(await answer.text()).of("img")]


async def test_a_wrong_parameter_is_named_on_a_page(gateway, analytics):
    analytics.reply = refusal(422, parameter="metric", detail="is not known", allowed=["sales", "orders"])
    answer = await gateway.call("GET", "/reports/trend?metric=love")
    text = await answer.text()
    assert (answer.status, answer.content_type) == (422, "text/html")
    assert "metric" in text
    assert "is not known" in text
    assert "sales, orders" in text


@pytest.mark.parametrize("query", ["metric=a&metric=b", "channel=a%00b", "store=a%00b"])
async def test_an_impossible_address_is_answered_with_a_page(gateway, analytics, query):
    answer = await gateway.call("GET", f"/reports/trend?{query}", key=ADMIN_KEY)
    assert (answer.status, answer.content_type) == (422, "text/html")


async def test_without_analytics_the_page_says_so(gateway):
    answer = await gateway.call("GET", "/reports/trend")
    assert (answer.status, answer.content_type, answer.headers.get("Retry-After")) == (503, "text/html", "5")
    assert "Reports are away" in await answer.text()


async def test_an_empty_period_offers_all_data(gateway, analytics):
    note = "No sales between 2026-03-01 and 2026-03-02; this store has data from 2010-12-01 to 2011-12-09."
    analytics.answers(notes=[note], rows=[["2026-03-01", 0, False, 0, "2026-01-30", None]])
    page = Elements(text := await (await gateway.call("GET", "/reports/trend")).text())
    assert note in text
    assert any("from=2010-12-01" in (a.get("href") or "") and "to=2011-12-09" in (a.get("href") or "") for a in page.of("a"))


@pytest.mark.parametrize(("forecast", "drawn"), [({"model": "ETS(A,N,N)", "sum": 98_765}, True), ({"model": None}, False)])
async def test_a_period_to_come_shows_what_is_expected_of_it(gateway, analytics, forecast, drawn):
    answer = trend(notes=["No sales between 2026-04-01 and 2026-04-02; this store has data from 2025-12-01 to 2026-03-09."])
    answer["params"] |= {"forecast": 2}
    answer["totals"] = {"value": 0, "forecast": forecast}
    answer["rows"] = [["2026-04-01", None, True, None, None, None]]
    analytics.answers(**answer)
    text = await (await gateway.call("GET", "/reports/trend?forecast=2")).text()
    assert ('id="chart"' in text, "Expected of the next 2 days: 987.65 EUR." in text) == (drawn, drawn)
    assert "No sales between" in text


async def test_no_data_to_compare_with_is_said_and_is_not_nothing_sold(gateway, analytics):
    rows = [["2026-03-01", 123_456, False, None, "2026-01-30", None]]
    analytics.answers(totals={"value": 123_456, "comparison": None, "change": None}, rows=rows)
    text = await (await gateway.call("GET", "/reports/trend?compare=previous_period")).text()
    assert "no data" in text
    assert "0.00" not in text


async def test_a_store_without_data_gets_no_chart_of_nothing(gateway, analytics):
    analytics.answers(notes=["This store has no data yet."], rows=[])
    text = await (await gateway.call("GET", "/reports/trend")).text()
    assert "This store has no data yet." in text
    assert 'id="chart"' not in text


async def test_means_are_shown_in_whole_cents_and_two_digits(gateway, analytics):
    answer = trend()
    answer["columns"] += [{"name": "moving_average", "type": "money", "unit": "EUR"}, {"name": "mean", "type": "number", "unit": None}]
    answer["rows"] = [[*row, 145_114.25, 29.8333333] for row in answer["rows"]]
    analytics.answers(**answer)
    text = await (await gateway.call("GET", "/reports/trend?moving_average=2")).text()
    assert "1,451.14 EUR" in text
    assert "29.83<" in text


async def test_what_is_expected_and_what_is_unusual_is_said_in_words_and_marked(gateway, analytics):
    answer = trend()
    answer["params"] |= {"forecast": 2, "anomalies": True, "trend_test": True}
    answer["columns"] += [
        {"name": "forecast", "type": "money", "unit": "EUR"}, {"name": "anomaly", "type": "boolean", "unit": None},
        {"name": "anomaly_score", "type": "number", "unit": None},
    ]  # fmt: skip
    width = len(answer["rows"][0])
    answer["rows"] = [[*row, None, True, 4.2] for row in answer["rows"]]
    answer["rows"].append(["2026-03-03", None, True, *[None] * (width - 3), 4_321, None, None])
    answer["totals"] |= {
        "forecast": {"sum": 98_765}, "anomalies": [{"reason": "2026-03-01: sales 12 <b>."}],
        "trend": {"direction": "rising", "sentence": "Rising by about +1.00 EUR a day (p < 0.001)."},
    }  # fmt: skip
    analytics.answers(**answer)
    text = await (await gateway.call("GET", "/reports/trend?forecast=2&anomalies=true")).text()
    assert "Expected of the next 2 days: 987.65 EUR." in text
    assert "Rising by about +1.00 EUR a day (p &lt; 0.001)." in text
    assert "2026-03-01: sales 12 &lt;b&gt;." in text
    assert '<span class="tag">forecast</span>' in text
    assert '<span class="tag odd">unusual</span>' in text
    assert "43.21 EUR" in text
    page = Elements(text)
    (steps,) = [found for found in page.of("input") if found.get("name") == "forecast"]
    assert steps["value"] == "2"
    assert all("checked" in found for found in page.of("input") if found.get("name") in ("anomalies", "trend_test"))


async def test_a_comparison_that_has_data_in_part_only_says_since_when_and_tells_no_change(gateway, analytics):
    analytics.answers(totals={"value": 123_451, "comparison": 100_000, "change": 0.23451, "comparison_since": "2026-01-31"})
    text = await (await gateway.call("GET", "/reports/trend?compare=previous_period")).text()
    assert "1,000.00 EUR" in text
    assert "since 2026-01-31" in text
    assert "+23.5%</span>" not in text


async def test_presets_end_on_the_stores_own_today(gateway, analytics):
    stores = {"east": "Pacific/Kiritimati", "west": "Pacific/Pago_Pago"}
    for name, zone in stores.items():
        about = {"name": name, "currency": "EUR", "timezone": zone, "week_start": "monday"}
        await gateway.call("POST", "/api/v1/admin/stores", key=ADMIN_KEY, json=about)
        before = datetime.now(ZoneInfo(zone)).date()
        analytics.answers(timezone=zone, generated_at=datetime.now(ZoneInfo("UTC")).isoformat(timespec="seconds"))
        text = await (await gateway.call("GET", f"/reports/trend?store={name}", key=ADMIN_KEY)).text()
        assert f"to={before}" in text or f"to={datetime.now(ZoneInfo(zone)).date()}" in text, zone


async def test_the_csv_link_asks_the_same_question(gateway, analytics):
    page = Elements(await (await gateway.call("GET", "/reports/trend?metric=sales&channel=a%26b")).text())
    [link] = [a["href"] for a in page.of("a") if "format=csv" in (a.get("href") or "")]
    assert (await gateway.call("GET", link)).content_type == "text/csv"
    assert analytics.asked[0].params == analytics.asked[1].params == {"metric": "sales", "channel": "a&b"}


@pytest.mark.parametrize(
    ("typed", "meant"), [("(none)", ""), ("others (named so)", "others"), ("(none) (named so)", "(none)"), ("web", "web")]
)
async def test_a_filter_is_typed_as_groups_are_shown(gateway, analytics, typed, meant):
    answer = trend()
    answer["params"]["channel"] = meant
    analytics.answers(**answer)
    page = Elements(await (await gateway.call("GET", "/reports/trend", params={"channel": typed, "country": "", "sku": ""})).text())
    assert analytics.asked[0].params == {"channel": meant}
    [box] = [field for field in page.of("input") if field.get("name") == "channel"]
    again = await gateway.call("GET", "/reports/trend", params={"channel": str(box["value"])})
    assert (again.status, analytics.asked[1].params) == (200, {"channel": meant})
    [link] = [a["href"] for a in page.of("a") if "format=csv" in (a.get("href") or "")]
    await gateway.call("GET", str(link))
    assert analytics.asked[2].params == {"channel": meant}
    [preset] = [a["href"] for a in page.of("a") if "from=" in (a.get("href") or "")][:1]
    await gateway.call("GET", "/reports/trend" + str(preset))
    assert analytics.asked[3].params["channel"] == meant


async def test_pressing_show_keeps_all_that_was_asked(gateway, analytics):
    given = {"moving_average": 7, "cumulative": True, "top": 3, "interval": 95}
    analytics.answers(params=trend()["params"] | given)
    page = Elements(await (await gateway.call("GET", "/reports/trend?moving_average=7&cumulative=true&top=3&interval=95")).text())
    boxes = {str(one.get("name")): one.get("value") for one in page.of("input")}
    assert [boxes.get(name) for name in ("moving_average", "top", "interval")] == ["7", "3", "95"]
    assert "cumulative" in [one["name"] for one in page.of("select")]
    assert ("true", True) in [(one["value"], "selected" in one) for one in page.of("option")]
    # Each once: what is given twice is refused.
    names = [one["name"] for one in page.of("input") + page.of("select") if one.get("name")]
    assert len(names) == len(set(names))


async def test_trend_asks_only_for_what_its_catalogue_knows(gateway, analytics):
    page = Elements(await (await gateway.call("GET", "/reports/trend")).text())
    assert "growth" not in [one.get("name") for one in page.of("input") + page.of("select")]


async def test_hours_that_come_twice_say_which_is_which(gateway, analytics):
    answer = trend()
    answer["columns"][0]["type"] = answer["columns"][4]["type"] = "datetime"
    hours = ("2026-10-25T01:00:00+02:00", "2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T03:00:00+01:00")
    answer["rows"] = [[hour, 1, False, 1, "2026-03-29T03:00:00+02:00", None] for hour in hours]
    analytics.answers(**answer)
    text = await (await gateway.call("GET", "/reports/trend?granularity=hour&from=2026-10-25&to=2026-10-25")).text()
    cells = re.findall(r'<td class="datetime">(.*?)</td>', text)
    assert cells[::2] == ["2026-10-25 03:00", "2026-10-25 02:00 +01:00", "2026-10-25 02:00 +02:00", "2026-10-25 01:00"]
    assert set(cells[1::2]) == {"2026-03-29 03:00"}


async def test_those_without_a_name_are_written_out_in_the_table(gateway, analytics):
    answer = trend()
    answer["columns"].insert(1, {"name": "group", "type": "text", "unit": None})
    answer["rows"] = [[row[0], "", *row[1:]] for row in answer["rows"]]
    analytics.answers(**answer)
    assert "(none)" in await (await gateway.call("GET", "/reports/trend?by=channel")).text()


async def test_a_login_without_the_right_to_read_gets_a_page(gateway, analytics):
    made = await gateway.call("POST", "/api/v1/admin/keys", key=ADMIN_KEY, json={"store": "shop", "scopes": ["ingest"]})
    answer = await gateway.call("GET", "/reports/trend", key=(await made.json())["key"])
    assert (answer.status, answer.content_type) == (403, "text/html")


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize("key", [None, ""], ids=["logged in", "stranger"])
@pytest.mark.parametrize("path", ["/reports/nope", "/reports/", "/reports", "/reports/trend/x", "/reports/%3Cscript%3E"])
async def test_an_address_without_a_report_is_a_page_with_a_way_back(gateway, analytics, path, key):
    answer = await gateway.call("GET", path, key=key, headers={"Accept": BROWSER})
    text = await answer.text()
    assert (answer.status, answer.content_type) == (404, "text/html")
    assert answer.headers["X-Request-Id"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "Accept" in answer.headers["Vary"]
    page = Elements(text)
    assert [a["href"] for a in page.of("a") if a.get("class") == "button"] == ["/reports/trend"]
    assert any("style.css" in (link["href"] or "") for link in page.of("link"))
    assert page.of("script") == []
    assert ("Log out" in text) == (key is None)


async def test_any_address_where_nothing_is_is_a_page_for_a_person_except_below_api(gateway, analytics):
    for path, kind in (("/reportz", "text/html"), ("/a/b?c", "text/html"), ("/api/v1/nothing", "application/problem+json")):
        answer = await gateway.call("GET", path, headers={"Accept": BROWSER})
        assert (answer.status, answer.content_type) == (404, kind), path
    for method, path, status in (("POST", "/reportz", 404), ("POST", "/reports/trend", 405)):
        answer = await gateway.call(method, path, headers={"Accept": BROWSER})
        assert (answer.status, answer.content_type) == (status, "application/problem+json"), path


async def test_the_table_has_the_newest_bucket_first_and_in_it_the_best_group(gateway, analytics):
    answer = trend()
    answer["columns"].insert(1, {"name": "group", "type": "text", "unit": None})
    answer["rows"] = [[day, group, *answer["rows"][0][1:]] for day in ("2026-03-01", "2026-03-02") for group in ("best", "next", "others")]
    analytics.answers(**answer)
    text = await (await gateway.call("GET", "/reports/trend?by=channel")).text()
    shown = re.findall(r"2026-03-0[12]|>best<|>next<|>others<", text[text.index("<tbody>") :])
    days = [found for found in shown if found.startswith("2026")]
    assert [found.strip("<>") for found in shown if not found.startswith("2026")] == ["best", "next", "others"] * 2
    assert days[0] == "2026-03-02"
    assert days[-1] == "2026-03-01"


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/problem+json, */*;q=0.1", "text/html;q=0.5, application/json"])
async def test_a_program_is_told_in_json_that_there_is_no_report(gateway, analytics, accept):
    answer = await gateway.call("GET", "/reports/nope", headers={"Accept": accept})
    assert (answer.status, answer.content_type, (await answer.json())["code"]) == (404, "application/problem+json", "not_found")


async def test_files_of_a_page_are_kept_for_ever(gateway, analytics):
    page = Elements(await (await gateway.call("GET", "/reports/trend")).text())
    addresses = [link["href"] for link in page.of("link")] + [script["src"] for script in page.of("script") if script.get("src")]
    for address in addresses:
        answer = await gateway.call("GET", address, key="")
        assert (answer.status, answer.headers["X-Content-Type-Options"]) == (200, "nosniff"), address
        assert "immutable" in answer.headers["Cache-Control"], address
    assert (await gateway.call("GET", "/static/routes.py", key="")).status == 404
    assert (await gateway.call("GET", "/static/..%2froutes.py", key="")).status == 404

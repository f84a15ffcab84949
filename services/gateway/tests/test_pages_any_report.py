"""The page of a report that has none of its own: made of the catalogue's entry and the answer."""

from __future__ import annotations

import re

import pytest

from tillwise_common.contracts.reports import Column
from tillwise_common.render.shown import show
from tillwise_gateway.pages.questions import fields, meant

from .analytics_stand_in import CATALOGUE, refusal, standing_in
from .conftest import ADMIN
from .test_pages_trend import EVIL, Elements

COLUMNS = [
    {"name": "sku", "type": "text", "unit": None}, {"name": "sales", "type": "money", "unit": "EUR"},
    {"name": "share", "type": "percent", "unit": None}, {"name": "age", "type": "duration", "unit": "days"},
]  # fmt: skip


@pytest.fixture
async def analytics(gateway, redis_url):
    stand_in, end = await standing_in(redis_url)
    stand_in.answers(
        report="products", columns=COLUMNS, rows=[["A", 123_456, 0.25, 12.5], ["B", None, None, None]],
        totals={"sales": 123_456, "lost_sales": 7_00, "products": 2, "classes": {"A": 1}},
        params={"from": "2026-03-01", "basis": "gross", "limit": 10, "channel": ""},
    )  # fmt: skip
    yield stand_in
    await end()


async def test_page_shows_form_totals_charts_table_and_notes(gateway, analytics):
    answer = await gateway.call("GET", "/reports/products?basis=gross&channel=(none)")
    text = await answer.text()
    assert (answer.status, answer.content_type) == (200, "text/html")
    for shown in ("What sells.", "1,234.56 EUR", "25.0%", "12.5 days", "7.00 EUR", "Net: after discounts.", "(none)"):
        assert shown in text, shown
    assert [(asked.report, asked.params) for asked in analytics.asked] == [("products", {"basis": "gross", "channel": ""})]
    page = Elements(text)
    named = {"from", "basis", "by", "growth", "limit", "channel", "location"}
    assert {one["name"] for one in page.of("input") + page.of("select")} == named
    assert [one["data-spec"] for one in page.of("div") if "data-spec" in one] == ["spec-1"]
    for form in ("csv", "xlsx", "pdf", "png"):
        assert f"/api/v1/reports/products?basis=gross&amp;channel=&amp;store=shop&amp;format={form}" in text


async def test_rates_are_percents_also_where_no_column_says_so(gateway, analytics):
    analytics.answers(report="products", columns=COLUMNS, rows=[], totals={"margin_rate": 0.45, "sold": 3})
    page = await (await gateway.call("GET", "/reports/products")).text()
    assert "<dt>margin rate</dt><dd>45.0%</dd>" in page
    assert "<dt>sold</dt><dd>3</dd>" in page


async def test_model_is_told_with_its_parameters_days_and_check(gateway, analytics):
    model = {
        "r": 0.242594, "alpha": 4.41353, "log_likelihood": -9582.4292, "customers": 2357, "time_unit": "week", "p": None,
        "fitted_at": "2026-10-01T01:00:00+00:00", "data_until": "2026-09-30", "holdout": {"expected": 1480.4, "until": "2026-09-30"},
    }  # fmt: skip
    analytics.answers(report="products", columns=COLUMNS, rows=[], params={}, model=model)
    text = await (await gateway.call("GET", "/reports/products")).text()
    told = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", text[text.index("<h2>The model</h2>") :]))
    assert told == {
        "r": "0.2426", "alpha": "4.414", "log likelihood": "-9,582.43", "customers": "2,357", "time unit": "week", "p": "–",
        "fitted at": "2026-10-01 03:00", "data until": "2026-09-30", "holdout expected": "1,480.40", "holdout until": "2026-09-30",
    }  # fmt: skip


async def test_report_without_a_model_tells_of_none(gateway, analytics):
    assert "The model" not in await (await gateway.call("GET", "/reports/products")).text()


async def test_a_total_that_is_a_list_is_a_table_of_its_own(gateway, analytics):
    average = [{"offset": 0, "share": 1.0, "cohorts": 3}, {"offset": 1, "share": 0.125, "cohorts": 2}]
    totals = {"sales": 5, "average": average, "anomalies": [], "names": [EVIL]}
    analytics.answers(report="products", columns=COLUMNS, rows=[["A", 123_456, 0.25, 12.5]], totals=totals)
    text = await (await gateway.call("GET", "/reports/products")).text()
    assert [one["aria-label"] for one in Elements(text).of("section") if "aria-label" in one] == ["Figures", "Average"]
    for shown in ("<caption>Average</caption>", "12.5%", "cohorts"):
        assert shown in text, shown


async def test_menu_names_all_reports_and_marks_the_current_one(gateway, analytics):
    page = Elements(await (await gateway.call("GET", "/reports/products")).text())
    links = [one for one in page.of("a") if (one.get("href") or "").startswith("/reports/")]
    assert [one["href"] for one in links] == ["/reports/trend?store=shop", "/reports/products?store=shop"]
    assert [one.get("aria-current") for one in links] == [None, "page"]


async def test_text_of_a_shop_runs_nothing(gateway, analytics):
    analytics.answers(
        report="products",
        columns=COLUMNS,
        rows=[[EVIL, 1, 0.1, 1.0]],
        totals={EVIL: EVIL},
        notes=[EVIL],
        charts=[{"title": EVIL, "data": EVIL}],
    )
    page = Elements(await (await gateway.call("GET", "/reports/products?sku=" + "%22%3E%3Cimg")).text())
    assert [one["src"] for one in page.of("img")] == [one["src"] for one in page.of("img") if one["src"].startswith("/static/")]
    assert not [attributes for _, attributes in page.found if "style" in attributes or any(name.startswith("on") for name in attributes)]


async def test_what_analytics_refuses_is_told_as_a_page(gateway, analytics):
    analytics.reply = refusal(422, parameter="abc", detail="must be two percentages")
    answer = await gateway.call("GET", "/reports/products?abc=1")
    assert (answer.status, answer.content_type) == (422, "text/html")
    assert "must be two percentages" in await answer.text()


async def test_stranger_is_asked_to_log_in(gateway, analytics):
    answer = await gateway.call("GET", "/reports/products?basis=net", key="")
    assert (answer.status, answer.headers["Location"]) == (303, "/login?next=/reports/products?basis%3Dnet")
    assert analytics.asked == []


def test_form_fields_follow_the_schema():
    found = {
        field.name: field for field in fields(CATALOGUE[1]["parameters"], {"basis": "net", "growth": True, "limit": 5, "channel": None})
    }
    assert {name: field.kind for name, field in found.items()} == {
        "from": "date", "basis": "choice", "by": "choice", "growth": "choice", "limit": "number", "channel": "filter",
        "location": "filter",
    }  # fmt: skip
    assert (found["growth"].value, found["limit"].value, found["channel"].value) == ("true", "5", "")
    assert found["by"].choices[0] == ("", "–")
    assert found["basis"].choices == [("gross", "gross"), ("net", "net")]
    assert (found["limit"].least, found["limit"].most) == (1, 50)


def test_filter_left_empty_is_not_set_and_none_asks_for_those_without():
    typed = {"channel": "", "location": "", "limit": ""}
    assert meant(typed, CATALOGUE[1]["parameters"]) == {"limit": ""}
    typed = {"channel": "(none)", "location": "(none) (named so)", "limit": "(none)"}
    assert meant(typed, CATALOGUE[1]["parameters"]) == {"channel": "", "location": "(none)", "limit": "(none)"}


async def test_form_sent_as_it_is_asks_for_no_filter(gateway, analytics):
    page = Elements(await (await gateway.call("GET", "/reports/products")).text())
    form = {str(one["name"]): one.get("value") or "" for one in page.of("input")}
    assert form["location"] == ""
    await gateway.call("GET", "/reports/products", params=form)
    assert analytics.asked[-1].params["channel"] == ""
    assert "location" not in analytics.asked[-1].params


async def test_form_leaves_open_what_nobody_chose(gateway, analytics):
    """The answer says which breakdown was taken; the form asks for one only where somebody did."""
    analytics.answers(report="products", columns=COLUMNS, rows=[], params={"from": "2026-03-01", "by": "channel", "limit": 10})
    for query, chosen in (("", ""), ("?by=", ""), ("?by=channel", "channel")):
        page = Elements(await (await gateway.call("GET", f"/reports/products{query}")).text())
        assert [one["value"] for one in page.of("option") if "selected" in one and one["value"] in ("", "channel")][:1] == [chosen]
        assert {("from", "2026-03-01"), ("limit", "10")} <= {(one["name"], one.get("value")) for one in page.of("input")}


async def test_another_store_begins_without_the_days_of_the_last_one(gateway, analytics):
    about = {"name": "second", "currency": "EUR", "timezone": "Europe/Berlin", "week_start": "monday"}
    await gateway.call("POST", "/api/v1/admin/stores", key=str(ADMIN), json=about)
    page = Elements(await (await gateway.call("GET", "/reports/products?store=shop", key=str(ADMIN))).text())
    form = {str(one["name"]): one.get("value") or "" for one in page.of("input")}
    answer = await gateway.call(
        "GET", "/reports/products", key=str(ADMIN), params=form | {"store": "second", "basis": "net", "offset": "3"}
    )
    moved = answer.headers["Location"]
    assert (answer.status, moved) == (303, "/reports/products?limit=10&channel=(none)&basis=net&store=second")
    await gateway.call("GET", moved, key=str(ADMIN))
    assert analytics.asked[-1].params == {"basis": "net", "channel": "", "limit": "10"}
    # The same store again: the days stay.
    assert (await gateway.call("GET", "/reports/products", key=str(ADMIN), params=form | {"store": "shop"})).status == 200
    assert analytics.asked[-1].params == {"from": "2026-03-01", "channel": "", "limit": "10"}


async def test_choices_that_are_set_are_not_folded_away(gateway, analytics):
    page = Elements(await (await gateway.call("GET", "/reports/products?channel=(none)")).text())
    assert ["open" in one for one in page.of("details")] == [True]
    analytics.answers(report="products", columns=COLUMNS, rows=[], params={"limit": 10, "channel": None})
    page = Elements(await (await gateway.call("GET", "/reports/products")).text())
    assert ["open" in one for one in page.of("details")] == [False]


async def test_filter_offers_to_ask_for_those_without(gateway, analytics):
    page = Elements(await (await gateway.call("GET", "/reports/products?location=(none)")).text())
    assert analytics.asked[0].params == {"location": ""}
    [box] = [one for one in page.of("input") if one["name"] == "location"]
    assert [one["id"] for one in page.of("datalist")] == [box["list"]]
    assert "(none)" in [one.get("value") for one in page.of("option")]


@pytest.mark.parametrize(
    ("value", "column", "shown"),
    [
        (0.25, Column("share", "percent"), "25.0%"),
        (0.25, Column("change", "percent"), "+25.0%"),
        (3.25, Column("cover", "duration", "days"), "3.2 days"),
        (True, Column("dead", "boolean"), "yes"),
        ("AX", Column("", "number"), "AX"),
        (None, Column("share", "percent"), "–"),
    ],
)
def test_values_are_written_by_their_type(value, column, shown):
    assert show(value, column) == shown

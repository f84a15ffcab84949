"""The trend page in a real browser: drawn under its security policy, without a word on the console."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from .conftest import needs_chromium

pytestmark = [pytest.mark.e2e, pytest.mark.browser, needs_chromium]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 820, 1440])
def test_a_person_logs_in_and_sees_the_chart(demo, browser, scheme, width):
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.goto(f"{demo['url']}/reports/trend?compare=previous_period")
    page.fill("input[name=email]", demo["admin"]["email"])
    page.fill("input[name=password]", demo["admin"]["password"])
    page.get_by_role("button", name="Log in").click()
    page.wait_for_selector("#chart canvas, #chart svg")
    assert "compare=previous_period" in page.url
    assert page.locator("table tbody tr").count() >= 30
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), "nothing sticks out"
    assert said == []
    page.close()


def test_the_page_tells_the_same_without_javascript(demo, browser):
    context = browser.new_context(java_script_enabled=False, extra_http_headers={"Authorization": f"Bearer {demo['api_key']}"})
    page = context.new_page()
    page.goto(f"{demo['url']}/reports/trend?by=country&granularity=week")
    page.select_option("select[name=metric]", "orders")
    page.get_by_role("button", name="Show").click()
    assert "metric=orders" in page.url
    assert "by=country" in page.url
    assert page.locator("table tbody tr").count() >= 5
    context.close()


def test_the_outlook_is_asked_for_on_the_page_and_drawn_under_the_security_policy(demo, browser):
    context = browser.new_context(extra_http_headers={"Authorization": f"Bearer {demo['api_key']}"})
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    # What computes gets ready with the first question, which a busy machine may not answer in time.
    assert any(context.request.get(f"{demo['url']}/api/v1/reports/trend?forecast=1").ok for _ in range(5))
    page.goto(f"{demo['url']}/reports/trend?granularity=day")
    page.get_by_text("Outlook").click()
    page.fill("input[name=forecast]", "14")
    page.check("input[name=anomalies]")
    page.check("input[name=trend_test]")
    page.get_by_role("button", name="Show").click()
    page.wait_for_selector("#chart[data-drawn=true]")
    assert page.locator("tr", has_text="forecast").count() >= 13
    assert "Expected of the next 14 days" in page.locator(".findings").inner_text()
    assert page.is_checked("input[name=anomalies]")
    assert said == []
    context.close()


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Kiritimati"])
def test_hours_are_those_of_the_shop_wherever_the_browser_is(demo, browser, zone):
    yesterday = datetime.now(ZoneInfo("Europe/Berlin")).date() - timedelta(days=1)
    drawn = named_on_the_axis(demo, browser, f"granularity=hour&from={yesterday}&to={yesterday}", timezone_id=zone)
    # A day on which the clock changes may lack one of them.
    assert drawn[0] == "00:00"
    assert {"09:00", "12:00", "15:00"} <= set(drawn) <= {f"{hour:02}:00" for hour in range(0, 24, 3)}


@pytest.mark.parametrize(("width", "named"), [(390, 3), (1280, 6)])
def test_every_month_is_named_once_under_the_security_policy(demo, browser, width, named):
    drawn = named_on_the_axis(demo, browser, "granularity=month&from=2026-01-01&to=2026-06-30", viewport={"width": width, "height": 900})
    assert len(drawn) == len(set(drawn)) >= named
    assert set(drawn) <= {f"{month} 2026" for month in ("Jan", "Feb", "Mar", "Apr", "May", "Jun")}


@pytest.mark.parametrize("width", [390, 820, 1280])
def test_no_choice_is_cut_off(demo, browser, width):
    context = browser.new_context(
        viewport={"width": width, "height": 900}, extra_http_headers={"Authorization": f"Bearer {demo['api_key']}"}
    )
    page = context.new_page()
    page.goto(f"{demo['url']}/reports/trend")
    # As wide as the longest choice asks for, against as wide as it is.
    cut = """[...document.querySelectorAll("select")].filter((select) => {
      const wide = select.offsetWidth;
      select.style.width = "max-content";
      return select.offsetWidth > wide;
    }).map((select) => select.name)"""
    assert page.evaluate(cut) == []
    context.close()


def named_on_the_axis(demo, browser, query, **options):
    """The names on the time axis that are drawn, from the chart library's own picture."""
    context = browser.new_context(**options, extra_http_headers={"Authorization": f"Bearer {demo['api_key']}"})
    page = context.new_page()
    # Keeps the view that the chart library makes.
    page.add_init_script(
        """Object.defineProperty(window, "vegaEmbed", {
             get() {
               return this.embed && ((...given) => this.embed(...given).then((made) => { window.view = made.view; return made; }));
             },
             set(embed) { this.embed = embed; },
           });"""
    )
    page.goto(f"{demo['url']}/reports/trend?{query}")
    page.wait_for_selector("#chart[data-drawn=true]")
    found = page.evaluate(
        """(() => {
          const found = [];
          const walk = (item) => {
            if (item.marktype === "text" && item.role === "axis-label") found.push(...item.items.filter((text) => text.opacity));
            for (const part of item.items ?? []) walk(part);
          };
          walk(window.view.scenegraph().root);
          return found.filter((text) => text.y > 0 && text.x >= 0).map((text) => [text.x, text.text]);
        })()"""
    )
    context.close()
    return [text for _, text in sorted(found)]

"""The trend page in a real browser: drawn under its security policy, without a word on the console."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tillwise.supervisor.options import free_port

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: install it (Debian: apt-get install chromium) to run the browser tests"),
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A platform with its demo store."""
    import json
    import time

    folder = tmp_path_factory.mktemp("demo") / "data"
    run = [sys.executable, "-m", "tillwise"]
    port = str(free_port("127.0.0.1"))
    up = subprocess.run(
        [*run, "up", "--detach", "--port", port, "--data-dir", folder, "--json"], capture_output=True, text=True, check=True
    )
    deadline = time.monotonic() + 60
    while not (folder / "secrets" / "demo_seeded").exists():
        assert time.monotonic() < deadline, "the demo data did not come"
        time.sleep(0.1)
    yield json.loads(up.stdout)
    subprocess.run([*run, "down", "--data-dir", folder], check=True, capture_output=True)


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


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


def test_hours_are_those_of_the_shop_wherever_the_browser_is(demo, browser):
    context = browser.new_context(timezone_id="America/Los_Angeles", extra_http_headers={"Authorization": f"Bearer {demo['api_key']}"})
    page = context.new_page()
    # Notes what is drawn on its way to the chart library.
    page.add_init_script(
        """Object.defineProperty(window, "vegaEmbed", {
             get() { return this.embed && ((holder, spec, options) => this.embed(holder, (window.drawn = spec), options)); },
             set(embed) { this.embed = embed; },
           });"""
    )
    today = datetime.now(ZoneInfo("Europe/Berlin")).date()
    page.goto(f"{demo['url']}/reports/trend?granularity=hour&from={today - timedelta(days=1)}&to={today}")
    page.wait_for_selector("#chart[data-drawn=true]")
    assert page.evaluate("new Date(window.drawn.data.values[0].bucket).getHours()") == 0
    context.close()

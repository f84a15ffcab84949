"""The queue dashboard in a real browser: live, by keyboard, on a telephone, and without scripts."""

from __future__ import annotations

import re

import pytest

from .conftest import needs_chromium

pytestmark = [pytest.mark.e2e, pytest.mark.browser, needs_chromium]
COMPLETED = '.presets [data-count="maintenance:completed"]'


class Visit:
    """A page of the dashboard, looked at by the admin; what the console said is kept."""

    def __init__(self, demo, browser, **options):
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.url = f"{demo['url']}/api/admin/queues"
        self.page.goto(f"{demo['url']}/login?next=/api/admin/queues")
        self.page.fill("input[name=email]", demo["admin"]["email"])
        self.page.fill("input[name=password]", demo["admin"]["password"])
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_selector("h1:has-text('Queues')")

    def completed(self, least):
        """Until so many jobs are told to be completed, without loading the page again."""
        self.page.wait_for_function(
            "([where, least]) => Number(document.querySelector(where).textContent) >= least", arg=[COMPLETED, least]
        )


@pytest.fixture
def visit(demo, browser):
    visits = []

    def begin(**options):
        visits.append(Visit(demo, browser, **options))
        return visits[-1]

    yield begin
    for one in visits:
        one.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 820, 1440])
def test_nothing_sticks_out_and_the_console_is_silent(visit, width, scheme):
    seen = visit(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = seen.page
    for path in ("", "/maintenance", "/maintenance?state=waiting"):
        page.goto(seen.url + path)
        page.wait_for_selector("#status:has-text('Live')")
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), path
    assert "maintenance" in page.locator("h1").inner_text()
    assert page.locator("#workers tbody tr").count() >= 1
    assert seen.said == []


def test_a_schedule_that_is_run_now_is_seen_to_end_without_loading_the_page_again(visit):
    seen = visit()
    page = seen.page
    page.goto(f"{seen.url}/maintenance?state=completed")
    page.locator("#schedules tr", has_text="audit_stores").get_by_role("button", name="Run now").click()
    page.wait_for_selector("text=Its job is added.")
    seen.completed(1)
    page.wait_for_selector("#jobs tr:has-text('audit_stores')")
    assert seen.said == []


def test_everything_is_within_reach_of_the_keyboard(visit):
    seen = visit()
    page = seen.page
    page.goto(f"{seen.url}/maintenance?state=completed")
    add(page, "audit_stores")
    seen.completed(1)
    page.goto(f"{seen.url}/maintenance?state=completed")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "words"
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.wait_for_selector("#keys[open]")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    assert page.locator("tr[aria-current]").count() == 1
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/jobs/"))
    page.keyboard.press("r")
    page.wait_for_selector("text=1 job was put back into the queue.")
    page.keyboard.press("u")
    page.wait_for_url(re.compile(r"/maintenance\?state="))
    assert seen.said == []


def test_a_bulk_change_asks_with_the_number_of_jobs_and_takes_no_for_an_answer(visit):
    seen = visit()
    page = seen.page
    page.goto(f"{seen.url}/maintenance?state=completed")
    add(page, "audit_stores")
    seen.completed(1)
    page.goto(f"{seen.url}/maintenance?state=completed")
    page.select_option("select[name=action]", "remove")
    for answer in ("Keep things as they are", "Yes"):
        page.get_by_role("button", name="Go on").click()
        page.wait_for_selector("#ask[open]")
        assert re.fullmatch(r"Remove \d+ jobs? \(completed\)\?", page.locator("#ask-text").inner_text())
        page.get_by_role("button", name=answer).click()
    page.wait_for_selector("text=/jobs? (was|were) removed/")
    assert page.locator(COMPLETED).inner_text() == "0"
    assert seen.said == []


def test_a_tab_that_nobody_sees_hears_nothing(visit):
    seen = visit()
    page = seen.page
    page.goto(f"{seen.url}/maintenance")
    page.wait_for_selector("#status:has-text('Live')")
    hide = """(hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, True)
    page.wait_for_selector("#status:has-text('Paused')")
    page.evaluate(hide, False)
    page.wait_for_selector("#status:has-text('Live')")


def test_without_scripts_forms_do_the_same(visit):
    seen = visit(java_script_enabled=False)
    page = seen.page
    page.goto(f"{seen.url}/maintenance?state=waiting")
    page.get_by_role("button", name="Pause").click()
    add(page, "refit_lifetime_value")
    assert page.locator("#jobs tbody tr").count() == 1
    page.get_by_role("button", name="Go on").click()
    assert "Cancel 1 job?" in page.locator("h1").inner_text()
    page.get_by_role("button", name="Cancel it").click()
    assert "1 job was cancelled." in page.locator(".done").inner_text()
    page.get_by_role("button", name="Resume").click()
    assert "The queue goes on." in page.locator(".done").inner_text()


def add(page, kind):
    """Add a job with the form of its kind."""
    adding = page.locator(".adding details", has_text=kind)
    adding.locator("summary").click()
    adding.get_by_role("button", name="Add").click()
    page.wait_for_selector("text=The job is added.")

"""The dashboard's pages: everything can be seen and done without a script, by the platform's admin only."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from tillwise_common.jobs import schedules
from tillwise_common.jobs.schedules import Schedule

from .conftest import PASSWORD

PATH = "/api/admin/queues"


async def page(office, path="", **more):
    answer = await office.call("GET", PATH + path, **more)
    text = await answer.text()
    assert (answer.status, answer.content_type) == (200, "text/html"), text
    # Nothing that the security policy would refuse.
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on[a-z]+=|javascript:", text)
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    return text


async def send(office, path="/mail", **form):
    """Send a form; returns where it leads."""
    answer = await office.call("POST", PATH + path, data=form)
    assert answer.status == 303, await answer.text()
    return answer.headers["Location"]


async def test_the_overview_shows_every_queue_with_its_counts(office, mail):
    await mail.failed()
    text = await page(office)
    assert 'data-count="mail:failed">1<' in text
    assert '<a href="/api/admin/queues/maintenance">maintenance</a>' in text
    assert "no worker" in text
    assert "1 failed" in text


async def test_a_queue_shows_its_jobs_workers_schedules_and_a_form_of_its_kind(office, mail):
    job_id = await mail.failed("mailbox <full>", token="hush")
    await mail.show(["some-job"])
    await schedules.put(mail.queue, Schedule(name="digest", job="send_mail", cron="5 4 * * *", timezone="Europe/Berlin"))
    text = await page(office, "/mail")
    assert f"{PATH}/mail/jobs/{job_id}" in text
    assert "mailbox &lt;full&gt;" in text
    assert "mailer-1" in text
    assert "some-job" in text
    assert "5 4 * * *" in text
    for name in ("to", "token", "copies", "urgent", "form", "note"):
        assert f'name="payload.{name}"' in text
    assert "hush" not in text


async def test_pages_of_fifty_lead_on_and_back(office, mail):
    for _ in range(51):
        await mail.failed()
    text = await page(office, "/mail?state=failed")
    assert text.count('name="ids"') == 50
    assert 'href="?state=failed&amp;offset=50"' in text
    text = await page(office, "/mail?state=failed&offset=50")
    assert text.count('name="ids"') == 1
    assert 'href="?state=failed&amp;offset=0"' in text


async def test_a_search_keeps_its_words(office, mail):
    await mail.failed(to="bob@example.com")
    await mail.failed(to="ann@example.com")
    text = await page(office, "/mail?state=failed&words=bob%40example.com")
    assert text.count('name="ids"') == 1
    assert 'value="bob@example.com"' in text
    assert "holds “&lt;b&gt;”" in await page(office, "/mail?state=failed&words=%3Cb%3E")


async def test_who_searches_for_an_id_is_led_to_the_job_whatever_its_state(office, mail):
    job_id = await mail.completed()
    answer = await office.call("GET", f"{PATH}/mail", params={"state": "failed", "words": f" {job_id} "})
    assert (answer.status, answer.headers["Location"]) == (303, f"{PATH}/mail/jobs/{job_id}")


async def test_a_job_shows_all_there_is_of_it_without_its_secrets(office, mail):
    job_id = await mail.failed("no such mailbox", token="hush", request_id="request-7")
    text = await page(office, f"/mail/jobs/{job_id}")
    for told in ("no such mailbox", "/srv/mail.py:7 in send", "request-7", "1 of 3", "ann@example.com", "•••"):
        assert told in text
    assert "hush" not in text


async def test_a_form_treats_the_chosen_jobs_and_says_to_how_many(office, mail):
    failed = [await mail.failed() for _ in range(3)]
    form = [("do", "retry"), ("state", "failed"), ("ids", failed[0]), ("ids", failed[1])]
    answer = await office.call("POST", f"{PATH}/mail", data=form)
    assert (answer.status, parse_qs(urlsplit(answer.headers["Location"]).query)) == (
        303, {"state": ["failed"], "done": ["retry"], "count": ["2"]},
    )  # fmt: skip
    assert "2 jobs were put back into the queue." in await page(office, "/mail?state=failed&done=retry&count=2")
    assert [await mail.state(one) for one in failed] == ["waiting", "waiting", "failed"]


async def test_a_bulk_change_is_asked_for_with_the_number_of_jobs_that_are_meant(office, mail):
    for _ in range(3):
        await mail.failed()
    text = await page(office, "/mail/bulk?action=remove&state=failed&older_than=0")
    assert "Remove 3 jobs?" in text
    assert (await mail.control.counts())["failed"] == 3
    where = await send(office, do="bulk", action="remove", state="failed", older_than="0.0")
    assert "count=3" in where
    assert (await mail.control.counts())["failed"] == 0


async def test_a_form_adds_a_job_that_fits_its_kind(office, mail):
    form = {"payload.to": "bob", "payload.urgent": "true", "payload.form": "html", "payload.copies": "2", "payload.note": ""}
    where = await send(office, do="add", name="send_mail", priority="5", delay="", **form)
    (job,) = await mail.control.jobs("waiting")
    assert f'<a href="{PATH}/mail/jobs/{job.id}">Show it</a>' in await page(office, where.removeprefix(PATH))
    assert job.priority == 5
    assert bytes(job.data) == b'{"to":"bob","token":"","copies":2,"urgent":true,"form":"html","note":null}'
    answer = await office.call("POST", f"{PATH}/mail", data={"do": "add", "name": "send_mail", "payload.to": "a", "payload.copies": "x"})
    assert (answer.status, answer.content_type) == (422, "text/html")


async def test_forms_pause_resume_limit_and_run_schedules(office, mail):
    await schedules.put(mail.queue, Schedule(name="digest", job="send_mail", every=3600.0, data=b'{"to":"boss"}'))
    await send(office, do="pause")
    assert (await mail.control.limits()).paused
    await send(office, do="resume")
    await send(office, do="limit", concurrency="4", rate="", rate_seconds="")
    limits = await mail.control.limits()
    assert (limits.paused, limits.concurrency, limits.rate) == (False, 4, None)
    await send(office, do="run_schedule", schedule="digest")
    assert (await mail.control.counts())["waiting"] == 1
    await send(office, do="remove_schedule", schedule="digest")
    assert await schedules.planned(mail.queue) == []


async def test_forms_change_duplicate_and_remove_a_job(office, mail):
    job_id = await mail.failed(token="hush")
    await send(office, f"/mail/jobs/{job_id}", do="change", payload='{"to": "bob", "token": "•••"}', priority="2")
    job = await mail.control.job(job_id)
    assert (job.priority, b'"to":"bob"' in bytes(job.data), b"hush" in bytes(job.data)) == (2, True, True)
    where = await send(office, f"/mail/jobs/{job_id}", do="duplicate", payload='{"to": "eve"}')
    copy = urlsplit(where).path.rpartition("/")[2]
    assert b'"eve"' in bytes((await mail.control.job(copy)).data)
    assert await send(office, f"/mail/jobs/{job_id}", do="remove") == f"{PATH}/mail?done=remove&count=1"
    assert (await office.call("GET", f"{PATH}/mail/jobs/{job_id}")).status == 404


@pytest.mark.parametrize(
    "form", [{}, {"do": "explode"}, {"do": "retry"}, {"do": "limit", "concurrency": "0"}, {"do": "bulk", "action": "x", "state": "failed"}]
)
async def test_a_form_that_means_nothing_is_refused_with_a_page(office, mail, form):
    answer = await office.call("POST", f"{PATH}/mail", data=form)
    assert (answer.status, answer.content_type) == (422, "text/html")
    assert "Back to the queues" in await answer.text()


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}]
)
async def test_forms_of_other_sites_change_nothing(office, mail, headers):
    job_id = await mail.failed()
    for path in ("/mail", f"/mail/jobs/{job_id}"):
        answer = await office.call("POST", PATH + path, data={"do": "pause"}, headers=headers)
        assert (answer.status, answer.content_type) == (403, "text/html")
    assert not (await mail.control.limits()).paused


async def test_who_is_not_known_is_sent_to_the_login_and_back_and_a_shop_is_refused(gateway, mail):
    answer = await gateway.call("GET", f"{PATH}/mail?state=failed", key="")
    login = urlsplit(answer.headers["Location"])
    assert (answer.status, login.path, parse_qs(login.query)) == (303, "/login", {"next": [f"{PATH}/mail?state=failed"]})
    answer = await gateway.call("GET", PATH)
    assert (answer.status, answer.content_type) == (403, "text/html")
    form = {"email": "admin@example.com", "password": PASSWORD, "next": PATH}
    answer = await gateway.call("POST", "/login", key="", data=form)
    assert answer.headers["Location"] == PATH
    session = {"Cookie": f"tillwise_session={answer.cookies['tillwise_session'].value}"}
    assert (await gateway.call("GET", PATH, key="", headers=session)).status == 200


@pytest.mark.parametrize("path", ["/nothing", "/mail/jobs/gone", "/mail?state=lost", "/mail/bulk", "/mail/bulk?action=retry&state=waiting"])
async def test_what_is_not_there_is_told_as_a_page(office, mail, path):
    await mail.add()
    answer = await office.call("GET", PATH + path)
    assert (answer.status, answer.content_type) == (422 if "?" in path or "bulk" in path else 404, "text/html")

"""What the dashboard's API tells of queues and jobs."""

from __future__ import annotations

import pytest

from tillwise_common.jobs import flows, schedules
from tillwise_common.jobs.queue import entry
from tillwise_common.jobs.schedules import Schedule

from .conftest import ADMIN, serving
from .queue_stand_in import SEND_MAIL, SendMail

PATH = "/api/v1/admin/queues"


async def told(office, path=""):
    answer = await office.call("GET", PATH + path)
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def test_all_queues_are_told_with_counts_workers_rates_and_figures_of_the_server(office, mail):
    await mail.failed()
    await mail.completed()
    waiting = await mail.add()
    await mail.show(["a", "b"])
    body = await told(office)
    found = {queue["name"]: queue for queue in body["queues"]}
    assert found["mail"]["counts"] == {"waiting": 1, "delayed": 0, "active": 0, "completed": 1, "failed": 1, "children": 0}
    assert [(one["name"], one["running"]) for one in found["mail"]["workers"]] == [("mailer-1", ["a", "b"])]
    assert (found["mail"]["rates"]["sum_completed"], found["mail"]["rates"]["sum_failed"]) == (1, 1)
    assert len(found["mail"]["rates"]["completed"]) == 60
    assert found["maintenance"]["counts"]["waiting"] == 0, "the queue of a known kind is there before its first job"
    assert body["redis"]["version"]
    assert body["redis"]["memory_bytes"] > 0
    assert body["redis"]["clients"] > 0
    assert body["read_only"] is False
    assert (await told(office, "/mail"))["name"] == "mail"
    assert await mail.state(waiting) == "waiting"


async def test_rates_are_told_for_as_many_minutes_as_are_asked_for(office, mail):
    await mail.completed()
    rates = (await told(office, "/mail?minutes=2880"))["rates"]
    assert (len(rates["completed"]), rates["sum_completed"]) == (2880, 1)
    assert (await office.call("GET", f"{PATH}/mail?minutes=2881")).status == 422


async def test_jobs_of_a_state_come_in_pages_the_newest_failure_first(office, mail):
    failed = [await mail.failed() for _ in range(5)]
    first = await told(office, "/mail/jobs?state=failed&limit=2")
    second = await told(office, f"/mail/jobs?state=failed&limit=2&offset={first['next']}")
    last = await told(office, f"/mail/jobs?state=failed&limit=2&offset={second['next']}")
    assert (first["count"], last["next"]) == (5, None)
    assert [job["id"] for page in (first, second, last) for job in page["jobs"]] == failed[::-1]


@pytest.mark.parametrize("words", ["bob@example.com", "BOB", "request-7", "bob send_mail", "full mailbox bob"])
async def test_a_search_finds_a_job_by_id_name_request_payload_and_error(office, mail, words):
    for n in range(3):
        await mail.failed(to=f"ann{n}@example.com")
    wanted = await mail.failed("full mailbox", to="bob@example.com", request_id="request-7")
    for text in (words, wanted):
        found = await (await office.call("GET", f"{PATH}/mail/jobs", params={"state": "failed", "words": text})).json()
        assert [job["id"] for job in found["jobs"]] == [wanted]


async def test_nothing_shows_a_secret_field_and_no_search_finds_it(office, mail):
    job_id = await mail.failed(token="hush-hush-7", to="ann@example.com")
    assert "hush" not in await (await office.call("GET", f"{PATH}/mail/jobs/{job_id}")).text()
    assert "hush" not in await (await office.call("GET", f"{PATH}/mail/jobs?state=failed")).text()
    assert (await told(office, f"/mail/jobs/{job_id}"))["payload"]["token"] == "•••"
    for words, count in (("hush", 0), ("ann hush-hush-7", 0), ("ann", 1)):
        found = await (await office.call("GET", f"{PATH}/mail/jobs", params={"state": "failed", "words": words})).json()
        assert len(found["jobs"]) == count


async def test_a_job_is_told_with_its_progress_lines_and_attempts_while_it_runs(office, mail):
    job_id = await mail.add(to="ann@example.com", request_id="request-7", priority=3)
    await mail.take()
    await mail.note(job_id, "progress", 0.5)
    await mail.note(job_id, "log", "said hello")
    job = await told(office, f"/mail/jobs/{job_id}")
    assert (job["state"], job["progress"], job["worker"], job["attempts"], job["priority"]) == ("active", 0.5, "stand-in", 1, 3)
    assert [one["line"] for one in job["log"]] == ["said hello"]
    assert job["options"]["attempts"] == 3
    assert job["payload"]["to"] == "ann@example.com"
    assert [one["what"] for one in job["timeline"]] == ["added", "began"]
    await mail.end(job_id, "completed", {"sent": 1})
    job = await told(office, f"/mail/jobs/{job_id}")
    assert (job["state"], job["result"]) == ("completed", {"sent": 1})
    assert [one["what"] for one in job["timeline"]] == ["added", "began", "completed"]


async def test_a_failed_job_is_told_with_its_error_and_traceback(office, mail):
    job = await told(office, f"/mail/jobs/{await mail.failed('no such mailbox')}")
    assert (job["error"]["type"], job["error"]["message"]) == ("SmtpError", "no such mailbox")
    assert job["error"]["traceback"] == ["/srv/mail.py:7 in send", "/srv/smtp.py:9 in say"]


async def test_a_parent_and_its_children_name_each_other(office, mail):
    children = [flows.Child(queue="mail", entry=entry(SEND_MAIL, SendMail(to="c"), id=name)) for name in ("one", "two")]
    flow = flows.Flow(queue="mail", entry=entry(SEND_MAIL, SendMail(to="p"), id="parent"), children=children)
    await flows.add(mail.redis.commands, flow)
    parent = await told(office, "/mail/jobs/parent")
    assert parent["children"] == [{"job": "mail:one", "outcome": "waiting"}, {"job": "mail:two", "outcome": "waiting"}]
    assert (await told(office, "/mail/jobs/one"))["parent"] == "mail:parent"


async def test_schedules_are_told_with_their_last_and_next_run(office, mail):
    await schedules.put(mail.queue, Schedule(name="digest", job="send_mail", every=3600.0, data=b'{"to":"boss","token":"hush"}'))
    (one,) = (await told(office, "/mail/schedules"))["schedules"]
    assert (one["name"], one["job"], one["every"], one["last"], one["payload"]) == (
        "digest", "send_mail", 3600.0, None, {"to": "boss", "token": "•••"},
    )  # fmt: skip
    assert one["next"].endswith(":00:00.000Z")


async def test_the_kinds_of_a_queue_are_told_with_their_schemas(office):
    (kind,) = (await told(office, "/mail/kinds"))["kinds"]
    assert (kind["name"], kind["secret"]) == ("send_mail", ["token"])
    assert kind["schema"]["$defs"]["SendMail"]["required"] == ["to"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nothing", 404), ("/mail/jobs/gone", 404), ("/Bad%20Name", 404), ("/nothing/jobs", 404), ("/mail/jobs?state=lost", 422),
        ("/mail/jobs?limit=0", 422), ("/mail/jobs?limit=201", 422), ("/mail/jobs?offset=-1", 422), ("/mail/jobs/bad%20id", 422),
    ],
)  # fmt: skip
async def test_what_is_not_there_or_makes_no_sense_is_a_problem(office, path, status):
    answer = await office.call("GET", PATH + path)
    assert (answer.status, answer.content_type) == (status, "application/problem+json")
    assert (await answer.json())["request_id"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""), ("GET", "/mail"), ("GET", "/mail/jobs"), ("GET", "/mail/jobs/x"), ("GET", "/mail/kinds"), ("GET", "/mail/schedules"),
        ("GET", "/mail/news"), ("GET", "/-/news"), ("POST", "/mail/jobs"), ("PATCH", "/mail/jobs/x"), ("POST", "/mail/jobs/x/duplicate"),
        ("POST", "/mail/actions"), ("POST", "/mail/bulk"), ("POST", "/mail/pause"), ("POST", "/mail/resume"), ("PUT", "/mail/limits"),
        ("POST", "/mail/schedules/x/run"), ("DELETE", "/mail/schedules/x"),
    ],
)  # fmt: skip
async def test_only_the_platforms_admin_may_look_or_change(gateway, method, path):
    assert (await gateway.call(method, PATH + path, json={})).status == 403
    assert (await gateway.call(method, PATH + path, key="", json={})).status == 401


async def test_redis_away_is_told_as_such_and_as_a_page(database_url):
    async with serving(database_url, "redis://127.0.0.1:1/0", (SEND_MAIL,)) as office:
        for path in ("", "/mail", "/mail/jobs", "/mail/news", "/-/news"):
            answer = await office.call("GET", PATH + path, key=str(ADMIN))
            assert (answer.status, (await answer.json())["code"], answer.headers["Retry-After"]) == (503, "redis_unavailable", "2")
        answer = await office.call("GET", "/api/admin/queues", key=str(ADMIN))
        assert (answer.status, answer.content_type) == (503, "text/html")

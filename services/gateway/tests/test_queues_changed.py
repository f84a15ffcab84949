"""What the dashboard's API does to queues and jobs."""

from __future__ import annotations

import time

import pytest
from structlog.testing import capture_logs

from tillwise_common.jobs import schedules
from tillwise_common.jobs.queue import Queue, entry
from tillwise_common.jobs.schedules import Schedule

from .conftest import ADMIN, serving
from .queue_stand_in import SEND_MAIL, SendMail

PATH = "/api/v1/admin/queues/mail"
DAY_MS = 86_400_000


async def post(office, path, body=None, *, method="POST", status=200):
    answer = await office.call(method, PATH + path, json={} if body is None else body)
    assert answer.status == status, await answer.text()
    return await answer.json() if status != 204 else None


async def age(mail, state, job_ids, milliseconds):
    """As if jobs had come into their state so long ago."""
    await mail.queue.redis.zadd(mail.queue.key(state), dict.fromkeys(job_ids, int(time.time() * 1000) - milliseconds))


async def test_jobs_are_retried_promoted_cancelled_and_removed(office, mail):
    failed = [await mail.failed() for _ in range(2)]
    assert await post(office, "/actions", {"action": "retry", "ids": [*failed, "gone"]}) == {"done": 2, "of": 3}
    assert [await mail.state(one) for one in failed] == ["waiting", "waiting"]
    later = await mail.add(delay=1000.0)
    assert await post(office, "/actions", {"action": "promote", "ids": [later, failed[0]]}) == {"done": 1, "of": 2}
    assert await mail.state(later) == "waiting"
    assert await post(office, "/actions", {"action": "cancel", "ids": [later, later]}) == {"done": 1, "of": 1}
    assert await mail.state(later) == "failed"
    assert await post(office, "/actions", {"action": "remove", "ids": [later]}) == {"done": 1, "of": 1}
    assert (await office.call("GET", f"{PATH}/jobs/{later}")).status == 404


async def test_a_running_job_is_told_to_end(office, mail):
    job_id = await mail.add()
    await mail.take()
    assert await post(office, "/actions", {"action": "cancel", "ids": [job_id]}) == {"done": 1, "of": 1}
    assert (await mail.control.job(job_id)).cancelling
    assert await post(office, "/actions", {"action": "remove", "ids": [job_id]}) == {"done": 0, "of": 1}


@pytest.mark.parametrize(
    "body", [{}, {"action": "retry", "ids": []}, {"action": "explode", "ids": ["a"]}, {"action": "retry", "ids": ["a b"]}, {"ids": ["a"]}]
)
async def test_an_action_that_makes_no_sense_is_refused(office, mail, body):
    await post(office, "/actions", body, status=422)


async def test_a_dry_run_counts_what_is_meant_and_changes_nothing(office, mail):
    old, new = [await mail.failed() for _ in range(3)], [await mail.failed() for _ in range(2)]
    await age(mail, "failed", old, 2 * DAY_MS)
    wish = {"action": "remove", "state": "failed"}
    assert await post(office, "/bulk", wish | {"dry_run": True}) == {"meant": 5}
    assert await post(office, "/bulk", wish | {"older_than": 86_400, "dry_run": True}) == {"meant": 3}
    assert (await mail.control.counts())["failed"] == 5
    assert await post(office, "/bulk", wish | {"older_than": 86_400}) == {"done": 3}
    assert [job.id for job in await mail.control.jobs("failed")] == new[::-1]


async def test_all_of_a_state_are_treated_in_steps_however_many_there_are(office, mail):
    many = 1203
    await mail.queue.add_many([entry(SEND_MAIL, SendMail(to=f"person{n}")) for n in range(many)])
    assert await post(office, "/bulk", {"action": "cancel", "state": "waiting"}) == {"done": many}
    assert await post(office, "/bulk", {"action": "retry", "state": "failed"}) == {"done": many}
    assert (await mail.control.counts())["waiting"] == many
    assert await post(office, "/bulk", {"action": "remove", "state": "waiting"}) == {"done": many}
    assert set((await mail.control.counts()).values()) == {0}


async def test_all_running_jobs_are_told_to_end_once(office, mail):
    for _ in range(3):
        await mail.add()
    taken = await mail.take(3)
    assert await post(office, "/bulk", {"action": "cancel", "state": "active"}) == {"done": 3}
    assert all([(await mail.control.job(one)).cancelling for one in taken])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "promote", "state": "failed"}, "state"),
        ({"action": "remove", "state": "active"}, "state"),
        ({"action": "retry", "state": "waiting"}, "state"),
        ({"action": "cancel", "state": "waiting", "older_than": 60}, "older_than"),
        ({"action": "retry", "state": "failed", "older_than": -1}, "older_than"),
    ],
)
async def test_a_bulk_change_that_cannot_be_is_refused_by_field(office, mail, body, field):
    assert (await post(office, "/bulk", body, status=422))["field"] == field


async def test_a_queue_is_paused_resumed_and_limited(office, mail):
    await post(office, "/pause", status=204)
    assert (await mail.control.limits()).paused
    await post(office, "/resume", status=204)
    await post(office, "/limits", {"concurrency": 3, "rate": 10, "rate_seconds": 60}, method="PUT", status=204)
    limits = await mail.control.limits()
    assert (limits.paused, limits.concurrency, limits.rate, limits.rate_seconds) == (False, 3, 10, 60.0)
    await post(office, "/limits", {}, method="PUT", status=204)
    limits = await mail.control.limits()
    assert (limits.concurrency, limits.rate) == (None, None)
    assert (await post(office, "/limits", {"concurrency": 0}, method="PUT", status=422))["field"] == "concurrency"


async def test_a_job_is_added_as_its_kind_says(office, mail):
    added = await post(office, "/jobs", {"name": "send_mail", "payload": {"to": "ann@example.com"}, "priority": 7}, status=201)
    job = await mail.control.job(added["id"])
    assert (job.name, job.priority, job.options, job.state) == ("send_mail", 7, SEND_MAIL.options, "waiting")
    assert bytes(job.data) == b'{"to":"ann@example.com","token":"","copies":1,"urgent":false,"form":"plain","note":null}'
    later = await post(office, "/jobs", {"name": "send_mail", "payload": {"to": "a"}, "delay": 60, "id": "mine"}, status=201)
    assert (later["id"], await mail.state("mine")) == ("mine", "delayed")
    again = await post(office, "/jobs", {"name": "send_mail", "payload": {"to": "a"}, "id": "mine"})
    assert again == {"id": "mine", "new": False}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "send_mail", "payload": {}}, "payload.to"),
        ({"name": "send_mail", "payload": {"to": 7}}, "payload.to"),
        ({"name": "send_mail", "payload": {"to": "a", "form": "loud"}}, "payload.form"),
        ({"name": "send_mail", "payload": {"to": "a", "more": 1}}, "payload.more"),
        ({"name": "audit_stores", "payload": {}}, "name"),
        ({"name": "nothing", "payload": {}}, "name"),
        ({"name": "send_mail", "payload": {"to": "a"}, "priority": 1001}, "priority"),
        ({"name": "send_mail", "payload": {"to": "a"}, "delay": -1}, "delay"),
    ],
)
async def test_a_job_that_does_not_fit_is_refused_by_field(office, mail, body, field):
    problem = await post(office, "/jobs", body, status=422)
    assert problem["field"] == field
    assert set((await mail.control.counts()).values()) == {0}


async def test_a_duplicate_has_the_same_payload_or_a_changed_one_and_keeps_what_is_masked(office, mail):
    job_id = await mail.failed(to="ann@example.com", token="hush")
    same = await post(office, f"/jobs/{job_id}/duplicate", {}, status=201)
    shown = (await (await office.call("GET", f"{PATH}/jobs/{job_id}")).json())["payload"]
    other = await post(office, f"/jobs/{job_id}/duplicate", {"payload": shown | {"to": "bob@example.com"}}, status=201)
    first, second = [await mail.control.job(one["id"]) for one in (same, other)]
    assert bytes(first.data) == bytes((await mail.control.job(job_id)).data)
    assert b'"bob@example.com"' in bytes(second.data)
    assert b'"hush"' in bytes(second.data)
    assert (await post(office, f"/jobs/{job_id}/duplicate", {"payload": {"to": 1}}, status=422))["field"] == "payload.to"


async def test_payload_and_priority_of_a_job_change_while_it_does_not_run(office, mail):
    job_id = await mail.add(token="hush")
    await post(office, f"/jobs/{job_id}", {"payload": {"to": "bob", "token": "•••"}, "priority": 1}, method="PATCH", status=204)
    job = await mail.control.job(job_id)
    assert (job.priority, b'"to":"bob"' in bytes(job.data), b'"hush"' in bytes(job.data)) == (1, True, True)
    await mail.take()
    for body in ({"payload": {"to": "eve"}}, {"priority": 2}):
        problem = await post(office, f"/jobs/{job_id}", body, method="PATCH", status=409)
        assert problem["code"] == "not_changeable"
    await post(office, "/jobs/gone", {"priority": 2}, method="PATCH", status=404)


async def test_a_schedule_runs_now_and_is_removed(office, mail):
    await schedules.put(mail.queue, Schedule(name="digest", job="send_mail", every=3600.0, data=b'{"to":"boss"}'))
    added = await post(office, "/schedules/digest/run", status=201)
    assert (await mail.control.job(added["id"])).name == "send_mail"
    await post(office, "/schedules/digest", method="DELETE", status=204)
    await post(office, "/schedules/digest", method="DELETE", status=404)
    await post(office, "/schedules/digest/run", status=404)
    assert await schedules.planned(mail.queue) == []


async def test_every_change_is_logged_with_who_what_and_which_and_without_payloads(office, mail):
    job_id = await mail.failed(to="ann@example.com", token="hush")
    with capture_logs() as told:
        await post(office, "/actions", {"action": "retry", "ids": [job_id]})
        await post(office, f"/jobs/{job_id}", {"payload": {"to": "bob@example.com"}}, method="PATCH", status=204)
        await post(office, "/pause", status=204)
    lines = [line for line in told if line["event"] == "queue_changed"]
    assert [(line["admin"], line["queue"], line["what"]) for line in lines] == [
        ("admin", "mail", what) for what in ("retry", "change_payload", "pause")
    ]
    assert lines[0]["jobs"] == [job_id]
    assert "example.com" not in str(told)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/actions", {"action": "remove", "ids": ["x"]}), ("POST", "/bulk", {"action": "remove", "state": "failed"}),
        ("POST", "/pause", {}), ("POST", "/jobs", {"name": "send_mail", "payload": {"to": "a"}}), ("PUT", "/limits", {}),
        ("PATCH", "/jobs/x", {"priority": 1}), ("POST", "/jobs/x/duplicate", {}), ("DELETE", "/schedules/x", {}),
        ("POST", "/schedules/x/run", {}),
    ],
)  # fmt: skip
async def test_other_sites_change_nothing(office, mail, method, path, body):
    answer = await office.call(method, PATH + path, json=body, headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status, (await answer.json())["code"]) == (403, "cross_site")


async def test_where_queues_are_read_only_everything_is_shown_and_nothing_changes(database_url, redis_url, mail):
    job_id = await mail.failed()
    async with serving(database_url, redis_url, (SEND_MAIL,), queues_read_only=True) as office:
        office.key = str(ADMIN)
        assert (await (await office.call("GET", "/api/v1/admin/queues")).json())["read_only"] is True
        assert (await office.call("GET", f"{PATH}/jobs/{job_id}")).status == 200
        for method, path, body in (
            ("POST", "/actions", {"action": "remove", "ids": [job_id]}), ("POST", "/bulk", {"action": "remove", "state": "failed"}),
            ("POST", "/pause", {}), ("POST", "/resume", {}), ("POST", "/jobs", {"name": "send_mail", "payload": {"to": "a"}}),
            ("PUT", "/limits", {"concurrency": 1}), ("PATCH", f"/jobs/{job_id}", {"priority": 1}),
            ("POST", f"/jobs/{job_id}/duplicate", {}), ("DELETE", "/schedules/x", {}), ("POST", "/schedules/x/run", {}),
        ):  # fmt: skip
            assert (await post(office, path, body, method=method, status=403))["code"] == "read_only"
        page = await (await office.call("GET", f"/api/admin/queues/mail/jobs/{job_id}")).text()
        assert 'name="do"' not in page
        page = await (await office.call("GET", "/api/admin/queues/mail")).text()
        assert 'name="do"' not in page
        assert (await office.call("POST", "/api/admin/queues/mail", data={"do": "pause"})).status == 403
    assert await mail.state(job_id) == "failed"


async def test_a_job_of_no_known_kind_can_be_treated_like_any_other(office, mail):
    added = await Queue(mail.redis.commands, "mail").enqueue_job("older_job", 1, 2, colour="red")
    job = await (await office.call("GET", f"{PATH}/jobs/{added.id}")).json()
    assert job["payload"] == {"colour": "red", "*": [1, 2]}
    await post(office, f"/jobs/{added.id}", {"payload": {"colour": "blue"}}, method="PATCH", status=204)
    assert bytes((await mail.control.job(added.id)).data) == b'{"colour":"blue"}'

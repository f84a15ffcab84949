"""What somebody means who sends a form of the dashboard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tillwise_common.web.problems import Problem
from tillwise_gateway.queues import forms
from tillwise_gateway.queues.changes import POSSIBLE, Bulk, Changes, Limits, NewJob, Priority
from tillwise_gateway.queues.entrance import chosen
from tillwise_gateway.queues.known import Known

# What was done, as the address of the next page says it: "done", "count", and "job" where one was added.
Told = dict[str, str]


class Wish:
    """A form: `do` says what is wanted."""

    def __init__(self, form: Any) -> None:
        self._form, self._do = form, str(form.get("do", ""))

    async def for_queue(self, changes: Changes, known: Known) -> Told:
        """Do it to a queue or to jobs that were chosen in its list. Raises Problem 422."""
        match self._do:
            case "pause":
                await changes.pause()
            case "resume":
                await changes.resume()
            case "limit":
                await changes.limit(_typed(self._numbers("concurrency", "rate", "rate_seconds"), Limits))
            case "bulk":
                wish = bulk_of(self._form)
                return _told(wish.action, await changes.do_to_all(wish))
            case "add":
                wished = self._new_job(changes, known)
                added = await changes.add(wished)
                return {**_told("add", 1), "job": added.id, "state": "delayed" if wished.delay else "waiting"}
            case "run_schedule":
                return {**_told("run_schedule", 1), "job": (await changes.run_schedule(self._text("schedule"))).id}
            case "remove_schedule":
                await changes.remove_schedule(self._text("schedule"))
            case action if action in POSSIBLE:
                ids = chosen([str(one) for one in self._form.getall("ids", [])])
                return _told(action, await changes.do(action, ids))
            case _:
                raise _unknown()
        return _told(self._do, 1)

    async def for_job(self, changes: Changes, job_id: str) -> Told:
        """Do it to a job; where that made another job, "id" says which. Raises Problem 409 or 422."""
        match self._do:
            case "duplicate":
                added = await changes.duplicate(job_id, forms.read_json(self._text("payload"), "payload"))
                return {**_told("duplicate", 1), "id": added.id}
            case "change":
                priority = _typed(self._numbers("priority").get("priority"), Priority | None)
                payload = forms.read_json(self._text("payload"), "payload") if self._text("payload") else None
                await changes.change(job_id, payload, priority)
            case action if action in POSSIBLE:
                return _told(action, await changes.do(action, [job_id]))
            case _:
                raise _unknown()
        return _told(self._do, 1)

    def _new_job(self, changes: Changes, known: Known) -> NewJob:
        kind = known.find(self._text("name"), changes.queue)
        about = {**self._numbers("priority", "delay"), "name": kind.name, "payload": forms.meant(kind.schema(), self._form)}
        wished: NewJob = _typed(about, NewJob)
        return wished

    def _text(self, name: str) -> str:
        return str(self._form.get(name, "")).strip()

    def _numbers(self, *names: str) -> dict[str, Any]:
        """Those that are filled in."""
        return {name: forms.read_json(self._text(name), name) for name in names if self._text(name)}


def bulk_of(form: Mapping[str, Any]) -> Bulk:
    """What is to be done to all of a state. Raises Problem 422."""
    age = str(form.get("older_than", "")).strip() or "0"
    told = {"action": form.get("action"), "state": form.get("state"), "older_than": forms.read_json(age, "older_than")}
    wish: Bulk = _typed(told, Bulk)
    return wish


def _typed(value: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise Problem(422, "invalid_request", str(error)) from None


def _told(what: str, count: int) -> Told:
    return {"done": what, "count": str(count)}


def _unknown() -> Problem:
    return Problem(422, "invalid_request", "This form wants nothing that is known here.", field="do")

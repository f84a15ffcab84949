"""Jobs, queues and schedules as the API tells them. No secret field of a payload gets beyond this."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from tillwise_common.jobs.control import WorkerSeen
from tillwise_common.jobs.record import Job
from tillwise_common.jobs.schedules import Planned
from tillwise_gateway.queues.known import Known

# So much of a payload or error stands in a list.
EXCERPT = 160


def in_list(job: Job, known: Known) -> dict[str, Any]:
    """A job as a line of a list."""
    return {
        "id": job.id,
        "name": job.name,
        "state": job.state,
        "excerpt": excerpt(known.shown(job.name, bytes(job.data)).decode(errors="replace")),
        "attempts": job.attempts,
        "most_attempts": job.options.attempts,
        "priority": job.priority,
        "progress": parsed(job.progress),
        "error": excerpt(f"{job.error.kind}: {job.error.message}") if job.error else None,
        "request_id": job.request_id,
        "worker": job.worker,
        "cancelling": job.cancelling,
        "created": moment(job.created),
        "run_at": moment(job.run_at),
        "started": moment(job.started),
        "finished": moment(job.finished),
    }


def in_full(job: Job, known: Known, lines: list[tuple[int, str]], children: dict[str, str]) -> dict[str, Any]:
    """A job with everything that is kept of it."""
    return {
        **in_list(job, known),
        "queue": job.queue,
        "payload": parsed(msgspec.Raw(known.shown(job.name, bytes(job.data)))),
        "options": msgspec.to_builtins(msgspec.structs.asdict(job.options)),
        "stalled": job.stalled,
        "result": parsed(job.result),
        "error": msgspec.to_builtins(job.error),
        "parent": job.parent,
        "children": [{"job": child, "outcome": how} for child, how in sorted(children.items())],
        "schedule": job.schedule,
        "dedupe": job.dedupe,
        "timeline": timeline(job),
        "log": [{"at": moment(at), "line": line} for at, line in lines],
    }


def timeline(job: Job) -> list[dict[str, Any]]:
    """What happened to a job and when; the last line of one that has not ended is what it waits for."""
    found = [("added", job.created)]
    if job.run_at > job.created + 1:
        found.append(("due again" if job.attempts else "due", job.run_at))
    if job.started is not None:
        found.append((f"attempt {job.attempts} began" if job.attempts > 1 else "began", job.started))
    if job.finished is not None:
        found.append((job.state, job.finished))
    return [{"what": what, "at": moment(at)} for what, at in sorted(found, key=lambda one: one[1])]


def planned(one: Planned, known: Known) -> dict[str, Any]:
    """A schedule with its last and next run."""
    what = one.schedule
    return {
        "name": what.name,
        "job": what.job,
        "cron": what.cron,
        "every": what.every,
        "timezone": what.timezone,
        "payload": parsed(msgspec.Raw(known.shown(what.job, what.data))),
        "next": moment(_milliseconds(one.next)),
        "last": moment(_milliseconds(one.last)),
        "last_job": one.last_job,
    }


def worker(one: WorkerSeen) -> dict[str, Any]:
    return {
        "name": one.name,
        "service": one.service,
        "since": moment(_milliseconds(one.since)),
        "at_once": one.at_once,
        "running": one.running,
    }


def rates(minutes: list[tuple[int, int, int]]) -> dict[str, Any]:
    """What ended in the last minutes: the sums, and minute by minute."""
    return {
        "since": moment(minutes[0][0] * 1000),
        "completed": [completed for _, completed, _ in minutes],
        "failed": [failed for _, _, failed in minutes],
        "sum_completed": sum(completed for _, completed, _ in minutes),
        "sum_failed": sum(failed for _, _, failed in minutes),
    }


def moment(milliseconds: int | None) -> str | None:
    """A moment as text (RFC 3339, UTC)."""
    if milliseconds is None:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parsed(raw: msgspec.Raw | None) -> Any:
    """What was kept as JSON; what is none is told as text."""
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return bytes(raw).decode(errors="replace")


def excerpt(text: str) -> str:
    return text if len(text) <= EXCERPT else text[: EXCERPT - 1] + "…"


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)

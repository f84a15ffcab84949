"""An import as clients see it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from tillwise_common.contracts.imports import Import, Imported
from tillwise_common.jobs.record import Job

_imported = msgspec.json.Decoder(Imported).decode


def of_job(job: Job, order: Import) -> dict[str, Any]:
    """A job: its state, how far it is, and lines read = accepted + rejected."""
    told = job.result if job.result is not None else job.progress
    far = _imported(told) if told is not None else None
    expires = far.rejects_expire if far else None
    return {
        "id": job.id,
        "state": job.state,
        "kind": order.kind,
        "format": order.format,
        "file_name": order.file_name,
        "size": order.size,
        "store": order.store.name,
        "created_at": _moment(job.created),
        "started_at": _moment(job.started),
        "finished_at": _moment(job.finished),
        "attempts": job.attempts,
        "progress": _share(job, far),
        **_counts(far),
        "error": job.error.message if job.error and job.state == "failed" else None,
        "rejects_expire_at": None if expires is None else _moment(expires * 1000),
        "request_id": job.request_id,
        "links": {"self": path(job.id), "rejects": f"{path(job.id)}/rejects"},
    }


def path(job_id: str) -> str:
    """Where an import is."""
    return f"/api/v1/imports/{job_id}"


def _share(job: Job, far: Imported | None) -> float:
    """From 0 to 1."""
    if job.state == "completed":
        return 1.0
    return round(min(far.done / far.of, 1.0), 4) if far and far.of else 0.0


def _counts(far: Imported | None) -> dict[str, Any]:
    if far is None:
        return {"lines_read": 0, "lines_accepted": 0, "lines_rejected": {}, "events_accepted": 0}
    told: dict[str, Any] = msgspec.to_builtins(far)
    return {name: value for name, value in told.items() if name not in ("done", "of", "rejects_expire")}


def _moment(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")

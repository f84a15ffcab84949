"""An export as clients see it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import msgspec

from tillwise_common.contracts.exports import Export, ExportDataset, Exported, ExportReport
from tillwise_common.files.record import StoredFile
from tillwise_common.jobs.record import Job

ENDED = ("completed", "failed")


def of_job(job: Job, order: Export) -> dict[str, Any]:
    """A job that is known."""
    made = msgspec.json.decode(job.result, type=Exported) if job.result is not None else None
    return {
        "id": job.id,
        "kind": job.name,
        "state": job.state,
        **_asked(order.what),
        "format": order.format,
        "store": order.store.name,
        "created_at": _moment(job.created),
        "started_at": _moment(job.started),
        "finished_at": _moment(job.finished),
        "attempts": job.attempts,
        "progress": _progress(job, made),
        "error": job.error.message if job.error and job.state == "failed" else None,
        "file": _file(job.id, made) if made else None,
        "request_id": job.request_id,
        "links": links(job.id),
    }


def of_file(file: StoredFile) -> dict[str, Any]:
    """An export whose job is forgotten, but whose file is there."""
    made = Exported(file.name, file.media_type, file.size, file.sha256, file.expires)
    return {"id": file.id, "kind": "export", "state": "completed", "progress": None, "error": None, "file": _file(file.id, made),
            "links": links(file.id)}  # fmt: skip


def links(export: str) -> dict[str, str]:
    """Where to go on."""
    return {
        "self": f"/api/v1/exports/{export}",
        "file": f"/api/v1/exports/{export}/file",
        "job": f"/api/v1/jobs/{export}",
        "events": f"/api/v1/jobs/{export}/events",
    }


def _asked(what: ExportReport | ExportDataset) -> dict[str, Any]:
    """As it was asked for."""
    if isinstance(what, ExportReport):
        return {"report": what.report, "params": what.params}
    days = {"from": what.since, "to": what.until}
    return {"dataset": what.dataset, "params": {name: str(day) for name, day in days.items() if day is not None}}


def _progress(job: Job, made: Exported | None) -> Any:
    """The last that was told; of what is finished, all."""
    if made is not None and made.rows is not None:
        return {"rows": made.rows, "of": made.rows}
    return msgspec.json.decode(job.progress) if job.progress is not None else None


def _file(export: str, made: Exported) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(made)
    digest = base64.b64encode(bytes.fromhex(made.sha256)).decode()
    return {**told, "expires": _moment(made.expires * 1000), "repr_digest": f"sha-256=:{digest}:", "link": links(export)["file"]}


def _moment(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")

"""How an attempt ended, and what becomes of the job."""

from __future__ import annotations

import asyncio
import traceback
from typing import Any, NamedTuple

import msgspec
from arq.worker import Retry, RetryJob

from tillwise_common import logs
from tillwise_common.jobs.errors import ClaimLost, Later, Unrecoverable
from tillwise_common.jobs.kinds import Options
from tillwise_common.jobs.record import Failure

log = logs.get("engine")
LONGEST_MESSAGE, MOST_FRAMES, LARGEST_RESULT = 2000, 60, 1_000_000


class Outcome(NamedTuple):
    """What is told of a job: "completed", "failed", "retry", "free" (a retry that was no attempt) or "back" (handed back at once, which is
    none either), with its result or error, and in how many milliseconds it is to be tried again. "lost" is told nobody: it is another
    worker's job now.
    """

    what: str
    value: bytes
    delay: int = 0


LOST, BACK = Outcome("lost", b""), Outcome("back", b"")


def completed(job_id: str, result: Any) -> Outcome:
    """A job that returned."""
    if result is None:
        return Outcome("completed", b"")
    try:
        value = msgspec.json.encode(result)
    except (TypeError, ValueError):
        log.warning("result_is_not_json", job=job_id, type=type(result).__name__)
        return Outcome("completed", b"")
    if len(value) > LARGEST_RESULT:
        log.warning("result_is_too_large", job=job_id, bytes=len(value))
        return Outcome("completed", b"")
    return Outcome("completed", value)


def raised(error: BaseException, attempts: int, options: Options) -> Outcome:
    """A job that raised: tried again while attempts are left and the error does not say that it would be no use."""
    if isinstance(error, ClaimLost):
        return LOST
    told = msgspec.json.encode(failure(error))
    if isinstance(error, Later) and error.free:
        return Outcome("free", told, max(round(error.seconds * 1000), 1))
    if isinstance(error, Unrecoverable) or attempts >= options.attempts:
        return Outcome("failed", told)
    return Outcome("retry", told, max(round(_wait(error, attempts, options) * 1000), 1))


def _wait(error: BaseException, attempts: int, options: Options) -> float:
    if isinstance(error, Later):
        return error.seconds
    if isinstance(error, Retry):
        return float(error.defer_score or 0) / 1000
    if isinstance(error, RetryJob):
        return 0.0
    return options.backoff.seconds(attempts)


def failure(error: BaseException) -> Failure:
    """An error as it is kept with the job: its traceback says where, and nothing of what variables held."""
    frames = traceback.extract_tb(error.__traceback__)[-MOST_FRAMES:]
    message = str(error)[:LONGEST_MESSAGE]
    kind = "Timeout" if isinstance(error, TimeoutError | asyncio.TimeoutError) else type(error).__name__
    return Failure(kind=kind, message=message, traceback=[f"{one.filename}:{one.lineno} in {one.name}" for one in frames])

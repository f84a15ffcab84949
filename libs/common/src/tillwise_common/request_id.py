"""The request ID that follows one piece of work through HTTP, streams, jobs, SQL and logs."""

from __future__ import annotations

import itertools
import os
import re
from contextvars import ContextVar

HEADER = "X-Request-Id"
current: ContextVar[str] = ContextVar("request_id", default="")
_process = os.urandom(8).hex()
_count = itertools.count(1)
_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,128}").fullmatch


def new() -> str:
    """A fresh request ID: 64 random bits of this process and a count, as hexadecimal."""
    return f"{_process}{next(_count):010x}"


def accept(value: str | None) -> str:
    """The caller's request ID when it is well formed, else a fresh one, so that nothing odd enters a log."""
    return value if value and _WELL_FORMED(value) else new()

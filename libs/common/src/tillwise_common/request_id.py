"""The request ID that follows one piece of work through HTTP, streams, jobs, SQL and logs."""

from __future__ import annotations

import os
import re
from contextvars import ContextVar

HEADER = "X-Request-Id"
current: ContextVar[str] = ContextVar("request_id", default="")
_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,128}").fullmatch


def new() -> str:
    """A fresh request ID: 80 random bits as hexadecimal."""
    return os.urandom(10).hex()


def accept(value: str | None) -> str:
    """The caller's request ID when it is well formed, else a fresh one, so that nothing odd enters a log."""
    return value if value and _WELL_FORMED(value) else new()

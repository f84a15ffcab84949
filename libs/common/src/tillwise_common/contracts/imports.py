"""Imports: a file of a shop's past that was uploaded, read and sent by a job of the worker."""

from __future__ import annotations

from typing import Literal

import msgspec

from tillwise_common.contracts.stores import Store
from tillwise_common.imports.columns import Wording


class Import(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The payload of the job: whose file it is, and how to read it. `file_name` tells by its end how the file is packed."""

    store: Store
    kind: Literal["orders", "stock"]
    format: str
    file_name: str
    size: int
    wording: Wording = Wording()


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """How far a job is, and in the end what it returns: lines read = accepted + rejected.

    `done` and `of` are measured in bytes or rows of the file, whatever its format knows. Totals are of the accepted lines: as the file has
    them, and as they were sent.
    """

    lines_read: int
    lines_accepted: int
    lines_rejected: dict[str, int]
    events_accepted: int
    done: int
    of: int
    currency: str
    file_net_total: str
    accepted_net_total: str
    first_day: str | None = None
    last_day: str | None = None
    # Until when the file of rejects can be fetched (Unix time in seconds); None: there is none.
    rejects_expire: int | None = None


def upload_of(job_id: str) -> str:
    """The id of the file that was uploaded for a job."""
    return f"{job_id}-upload"


def rejects_of(job_id: str) -> str:
    """The id of the file of the lines that a job rejected."""
    return f"{job_id}-rejects"

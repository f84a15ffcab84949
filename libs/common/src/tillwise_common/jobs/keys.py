"""The names of what a queue keeps in Redis. The hash tag keeps all keys of one queue on one cluster node."""

from __future__ import annotations

import re

from tillwise_common.jobs.errors import BadJob

QUEUES = "tw:jobs:queues"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,199}")


def prefix(queue: str) -> str:
    """What all keys of a queue begin with. Raises BadJob for a name that is none."""
    if not _NAME.fullmatch(queue):
        raise BadJob(f"{queue!r} is no name of a queue: use small letters, digits, _ and -, at most 64")
    return f"tw:jobs:{{{queue}}}:"


def checked(job_id: str) -> str:
    """The id of a job. Raises BadJob for one that cannot be."""
    if not _ID.fullmatch(job_id):
        raise BadJob(f"{job_id!r} is no id of a job: use letters, digits and ._:- (a letter or digit first), at most 200")
    return job_id

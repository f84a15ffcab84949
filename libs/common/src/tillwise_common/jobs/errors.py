"""What can go wrong with jobs."""

from __future__ import annotations


class BadJob(ValueError):
    """A job, or a wish about one, that cannot be; the message says what to do."""


class JobFailed(Exception):
    """What `result` raises of a job that failed: its error in words."""


class JobGone(LookupError):
    """There is no job of this id (any more)."""


class Unrecoverable(Exception):
    """Raised by a job: to try again would be no use."""


class Cancelled(Unrecoverable):
    """Somebody cancelled the job while it ran."""


class Later(Exception):
    """Raised by a job: try again in so many seconds. It is an attempt like any other, unless `free`."""

    def __init__(self, seconds: float, *, free: bool = False) -> None:
        super().__init__(f"again in {seconds:g} s")
        self.seconds = seconds
        self.free = free


class ClaimLost(Exception):
    """The job was taken away from this worker, which seemed dead: another one runs it now."""

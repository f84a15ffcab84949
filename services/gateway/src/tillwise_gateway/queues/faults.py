"""What goes wrong with jobs, as problems of HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tillwise_common.bus.connection import RedisError, Unreachable
from tillwise_common.jobs.errors import BadJob, JobGone
from tillwise_common.web.problems import Problem


@contextmanager
def told() -> Iterator[None]:
    """Raises Problem 404 for a job that is gone, 422 for what cannot be, 503 while Redis is away."""
    try:
        yield
    except JobGone as error:
        raise Problem(404, "not_found", f"{str(error)[:1].upper()}{str(error)[1:]}.") from None
    except BadJob as error:
        raise Problem(422, "invalid_request", str(error)) from None
    except (RedisError, *Unreachable):
        raise Problem(503, "redis_unavailable", "Redis is away. Try again shortly.", headers={"Retry-After": "2"}) from None

"""What the worker needs to know beyond the common settings."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from tillwise_common.settings import Count, Settings


class WorkerSettings(Settings, frozen=True, kw_only=True):
    """Settings of the serving process."""

    jobs_at_once: Count = 10
    # Hour of the day (UTC) at which the rollups of all stores are compared with their facts.
    audit_hour: Annotated[int, Meta(ge=0, le=23)] = 3
    # Hour of the day (UTC) at which the models of lifetime value are fitted anew.
    refit_hour: Annotated[int, Meta(ge=0, le=23)] = 2

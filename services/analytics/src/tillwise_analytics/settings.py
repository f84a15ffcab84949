"""What the analytics service needs to know beyond the common settings."""

from __future__ import annotations

from tillwise_common.settings import Count, Seconds, Settings


class AnalyticsSettings(Settings, frozen=True, kw_only=True):
    """Settings of the serving process."""

    max_deliveries: Count = 5
    reports_at_once: Count = 4
    statement_timeout_seconds: Seconds = 30.0
    intake_enabled: bool = True

"""Wires the analytics service."""

from __future__ import annotations

from typing import Any

from tillwise_analytics import migrations
from tillwise_analytics.calculator import Calculator
from tillwise_analytics.intake.consumer import COMMITS_AT_ONCE, Intake
from tillwise_analytics.intake.writer import OPTIONS, SEARCH_PATH, Writer, prepare_session
from tillwise_analytics.reports.answering import READING, ReportAnswerer, turn_away
from tillwise_analytics.rollups.answering import MaintenanceAnswerer
from tillwise_analytics.settings import AnalyticsSettings
from tillwise_analytics.settling.settler import Settler
from tillwise_common.bus.ask import Answerer
from tillwise_common.bus.connection import RedisConnection
from tillwise_common.contracts import maintenance, reports
from tillwise_common.postgres.migrate import up_to_date
from tillwise_common.postgres.pool import Postgres
from tillwise_common.service import Service


def build(service: Service, settings: AnalyticsSettings) -> None:
    """Add the parts of the analytics service to its life, in the order in which they start."""
    redis = RedisConnection(settings.redis_url)
    name = f"tillwise-{service.name}"
    timeout = settings.statement_timeout_seconds
    readers = Postgres(
        settings.database_url, name, size=settings.reports_at_once + 2, statement_timeout=timeout, options=READING, watched=True
    )
    writers = _writing(settings, f"{name}-intake", settings.event_partitions + COMMITS_AT_ONCE)
    settlers = _writing(settings, f"{name}-settling", 2)
    settler = Settler(settlers)
    consumer = f"{service.name}-{settings.instance}"
    intake = Intake(redis, Writer(writers), consumer, settings.event_partitions, settings.max_deliveries, service.registry)
    calculator = Calculator()
    answer_report = ReportAnswerer(readers, settler, calculator, longest=timeout).answer
    answer_maintenance = MaintenanceAnswerer(settings.database_url).answer

    async def migrated() -> None:
        async with readers.acquire() as connection:
            await up_to_date(connection, migrations.__name__, migrations.SCHEMA)

    service.health.add("postgres", readers.ping)
    service.health.add("redis", redis.ping)
    service.health.add("migrations", migrated)
    parts: list[Any] = [redis, readers, writers, settlers, settler, calculator]
    if settings.intake_enabled:
        parts.append(intake)
    parts.append(Answerer(redis, reports.TOPIC, consumer, answer_report, at_once=settings.reports_at_once, turn_away=turn_away))
    parts.append(Answerer(redis, maintenance.TOPIC, consumer, answer_maintenance, at_once=1))
    for part in parts:
        service.lifecycle.add(part)


def _writing(settings: AnalyticsSettings, name: str, size: int) -> Postgres:
    """A pool of sessions that have what the intake and the settling need."""
    return Postgres(
        settings.database_url, name, size=size, statement_timeout=120, search_path=SEARCH_PATH, options=OPTIONS, prepare=prepare_session
    )

"""Wires the worker."""

from __future__ import annotations

from typing import Any

from tillwise_common.bus.ask import Asker
from tillwise_common.bus.connection import RedisConnection
from tillwise_common.bus.publish import PackingPublisher
from tillwise_common.contracts.batches import Part
from tillwise_common.contracts.jobs import AUDIT_STORES, DELIVER_REPORT, EXPORT, IMPORT, REFIT_LIFETIME_VALUES, SWEEP_FILES
from tillwise_common.contracts.stores import Store
from tillwise_common.files.place import place
from tillwise_common.ingest.packing import packing
from tillwise_common.ingest.pressure import Pressure
from tillwise_common.jobs.schedules import Schedule
from tillwise_common.postgres.pool import Postgres
from tillwise_common.render.process import Renderer
from tillwise_common.service import Service
from tillwise_worker.deliveries.mail import MailServer
from tillwise_worker.deliveries.webhook import Webhooks
from tillwise_worker.engine.part import Jobs
from tillwise_worker.engine.work import work
from tillwise_worker.exports.asking import ReportAsker
from tillwise_worker.imports.stream import Stream
from tillwise_worker.jobs.audit_stores import AuditStores
from tillwise_worker.jobs.deliver_report import DeliverReport
from tillwise_worker.jobs.export import ExportJob
from tillwise_worker.jobs.import_file import ImportJob
from tillwise_worker.jobs.refit_lifetime_value import RefitLifetimeValues
from tillwise_worker.jobs.sweep_files import SweepFiles
from tillwise_worker.settings import WorkerSettings


def build(service: Service, settings: WorkerSettings) -> None:
    """Add the worker's parts to its life, in the order in which they start."""
    redis = RedisConnection(settings.redis_url)
    asker = Asker(redis, settings.instance)
    # Data sets take as long as they take: their session says so.
    postgres = Postgres(settings.database_url, "tillwise-worker", size=settings.exports_at_once + 1)
    files, renderer = place(settings.files_place), Renderer(patience=300.0)
    publisher: PackingPublisher[Store, Part] = PackingPublisher(
        redis.commands,
        packing(f"worker/{settings.instance}", settings.event_partitions),
        replicas=settings.wait_replicas,
        patience_ms=settings.wait_replicas_milliseconds,
    )
    pressure = Pressure(
        redis.commands,
        settings.event_partitions,
        max_lag=settings.max_stream_lag,
        max_memory_share=settings.max_redis_memory_share,
        max_memory_bytes=settings.max_redis_megabytes * 1024 * 1024,
        registry=service.registry,
    )
    audit, refit = AuditStores(asker, service.registry), RefitLifetimeValues(asker, service.registry)
    sweep, export = SweepFiles(files), ExportJob(asker, postgres, files, renderer, settings.export_days)
    deliver = DeliverReport(ReportAsker(asker), renderer, _mail(settings), Webhooks(private=settings.webhook_private_addresses))
    imports = ImportJob(files, Stream(publisher, pressure, service.registry), settings.import_days)
    jobs = Jobs(
        redis,
        f"{service.name}-{settings.instance}",
        {
            "maintenance": [work(AUDIT_STORES, audit.run), work(REFIT_LIFETIME_VALUES, refit.run), work(SWEEP_FILES, sweep.run)],
            EXPORT.queue: [work(EXPORT, export.run)],
            DELIVER_REPORT.queue: [work(DELIVER_REPORT, deliver.run)],
            IMPORT.queue: [work(IMPORT, imports.run)],
        },
        {"maintenance": _plans(settings)},
        service.registry,
        at_once=settings.jobs_at_once,
        at_once_of={EXPORT.queue: settings.exports_at_once, IMPORT.queue: settings.imports_at_once},
        drain_seconds=settings.drain_seconds / 2,
    )
    service.health.add("redis", redis.ping)
    service.health.add("postgres", postgres.ping)
    parts: list[Any] = [redis, postgres, asker, publisher, pressure, renderer, jobs]
    for part in parts:
        service.lifecycle.add(part)


def _mail(settings: WorkerSettings) -> MailServer:
    return MailServer(
        settings.smtp_host, settings.smtp_port, settings.smtp_user, settings.smtp_password, settings.smtp_from, settings.smtp_encryption
    )


def _plans(settings: WorkerSettings) -> list[Schedule]:
    plans = (
        (AUDIT_STORES, f"17 {settings.audit_hour} * * *"),
        (REFIT_LIFETIME_VALUES, f"7 {settings.refit_hour} * * *"),
        (SWEEP_FILES, "41 * * * *"),
    )
    return [Schedule(name=kind.name, job=kind.name, cron=cron, options=kind.options, priority=kind.priority) for kind, cron in plans]

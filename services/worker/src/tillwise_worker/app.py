"""Wires the worker."""

from __future__ import annotations

from typing import Any

from arq import cron
from arq.worker import func

from tillwise_common.bus.ask import Asker
from tillwise_common.bus.connection import RedisConnection
from tillwise_common.service import Service
from tillwise_worker.engine import Engine
from tillwise_worker.jobs import audit_stores, refit_lifetime_value
from tillwise_worker.jobs.audit_stores import AuditStores
from tillwise_worker.jobs.refit_lifetime_value import RefitLifetimeValues
from tillwise_worker.settings import WorkerSettings


def build(service: Service, settings: WorkerSettings) -> None:
    """Add the worker's parts to its life, in the order in which they start."""
    redis = RedisConnection(settings.redis_url)
    asker = Asker(redis, settings.instance)
    audit = AuditStores(asker, service.registry)
    timeout = audit_stores.TIMEOUT_SECONDS
    run: Any = audit.run
    refit: Any = RefitLifetimeValues(asker, service.registry).run
    refit_timeout = refit_lifetime_value.TIMEOUT_SECONDS
    engine = Engine(
        settings.redis_url,
        functions=[
            func(run, name=audit_stores.NAME, timeout=timeout),
            func(refit, name=refit_lifetime_value.NAME, timeout=refit_timeout),
        ],
        crons=[
            cron(run, name=f"cron:{audit_stores.NAME}", hour=settings.audit_hour, minute=17, timeout=timeout),
            cron(refit, name=f"cron:{refit_lifetime_value.NAME}", hour=settings.refit_hour, minute=7, timeout=refit_timeout),
        ],
        at_once=settings.jobs_at_once,
        drain_seconds=settings.drain_seconds / 2,
    )
    service.health.add("redis", redis.ping)
    parts: list[Any] = [redis, asker, engine]
    for part in parts:
        service.lifecycle.add(part)

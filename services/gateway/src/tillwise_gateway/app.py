"""Wires the gateway."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from aiohttp import web

from tillwise_common.bus.ask import Asker
from tillwise_common.bus.connection import RedisConnection
from tillwise_common.bus.dead_letters import DeadLetters
from tillwise_common.bus.publish import PackingPublisher
from tillwise_common.contracts.batches import Part
from tillwise_common.contracts.jobs import KINDS
from tillwise_common.contracts.stores import Store
from tillwise_common.files.place import place
from tillwise_common.ingest.packing import packing
from tillwise_common.ingest.pressure import Pressure
from tillwise_common.jobs.kinds import Kind
from tillwise_common.postgres.migrate import up_to_date
from tillwise_common.postgres.pool import Postgres
from tillwise_common.render.process import Renderer
from tillwise_common.service import Service
from tillwise_common.web.middleware import Surroundings
from tillwise_common.web.server import HttpServer
from tillwise_gateway import migrations
from tillwise_gateway.accounts.accounts import Accounts
from tillwise_gateway.accounts.door import Door
from tillwise_gateway.admin.dead_letters import DeadLetterRoutes
from tillwise_gateway.admin.routes import Admin
from tillwise_gateway.deliveries.routes import ReportSchedules
from tillwise_gateway.exports.routes import Exports
from tillwise_gateway.health import HealthRoute
from tillwise_gateway.imports.routes import Imports
from tillwise_gateway.ingest.routes import Ingest
from tillwise_gateway.pages.bundle import ChartBundle
from tillwise_gateway.pages.routes import Pages
from tillwise_gateway.queues.api import QueueRoutes
from tillwise_gateway.queues.desk import Desk
from tillwise_gateway.queues.entrance import Entrance
from tillwise_gateway.queues.known import Known
from tillwise_gateway.queues.live import Live
from tillwise_gateway.queues.pages import QueuePages
from tillwise_gateway.reports.catalogue import Catalogue
from tillwise_gateway.reports.client import ReportsClient
from tillwise_gateway.reports.routes import Reports
from tillwise_gateway.settings import GatewaySettings

REDIS_TIMEOUT = 2.0
STATEMENT_TIMEOUT = 2.0


def build(service: Service, settings: GatewaySettings, kinds: Iterable[Kind[Any]] = KINDS) -> None:
    """Add the gateway's parts to the service's life, in the order in which they start."""
    # Clients wait for both: better a fast "try again" than a slow one.
    redis = RedisConnection(settings.redis_url, timeout=REDIS_TIMEOUT)
    postgres = Postgres(
        settings.database_url, "tillwise-gateway", size=settings.database_pool_size, statement_timeout=STATEMENT_TIMEOUT, watched=True
    )
    asker = Asker(redis, settings.instance)
    source = f"gateway/{settings.instance}"
    publisher: PackingPublisher[Store, Part] = PackingPublisher(
        redis.commands,
        packing(source, settings.event_partitions),
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
    accounts = Accounts(postgres, settings.session_hours)
    door = Door(accounts)

    app = web.Application(client_max_size=settings.max_body_bytes)
    client = ReportsClient(asker, settings.report_timeout_seconds, lambda: pressure.away)
    bundle = ChartBundle(Path(settings.asset_dir) if settings.asset_dir else cache_folder())
    ingest = Ingest(door, publisher, pressure, settings.event_partitions, settings.max_body_bytes, service.registry)
    catalogue, renderer = Catalogue(client), Renderer()
    pages = Pages(door, accounts, client, catalogue, bundle, settings.session_hours)
    desk, live = Desk(redis.commands, Known(kinds)), Live(redis.commands, redis.blocking)
    entrance = Entrance(door, desk, read_only=settings.queues_read_only)
    files = place(settings.files_place)
    exports = Exports(door, accounts.store_for, catalogue, redis, files)
    imports = Imports(door, accounts.store_for, redis.commands, files, settings.max_import_megabytes * 1024 * 1024)
    rooms: list[Any] = [
        ingest,
        Reports(door, client, accounts.store_for, catalogue, renderer),
        ReportSchedules(door, accounts.store_for, catalogue, client, redis),
        exports,
        imports,
        pages,
        Admin(door, accounts, asker),
        DeadLetterRoutes(door, DeadLetters(redis.commands, settings.event_partitions)),
        QueueRoutes(entrance, desk, live),
        QueuePages(entrance, desk),
        HealthRoute(service),
        service.probes,
    ]
    Surroundings(service.registry, service.health).install(app, [route for room in rooms for route in room.routes()], missing=pages.no_page)

    async def migrated() -> None:
        async with postgres.acquire() as connection:
            await up_to_date(connection, migrations.__name__, migrations.SCHEMA)

    service.health.add("postgres", postgres.ping)
    service.health.add("redis", redis.ping)
    service.health.add("migrations", migrated)
    service.health.add("durability", redis.check_durability, optional=True)
    parts: list[Any] = [
        redis,
        postgres,
        asker,
        publisher,
        pressure,
        bundle,
        renderer,
        HttpServer(
            app, settings.public_host or settings.host, settings.port, reuse_port=settings.reuse_port, drain_seconds=settings.drain_seconds
        ),
        # They send listeners away before the server waits for them.
        exports,
        live,
    ]
    for part in parts:
        service.lifecycle.add(part)


def cache_folder() -> Path:
    """The user's cache folder (XDG)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tillwise"

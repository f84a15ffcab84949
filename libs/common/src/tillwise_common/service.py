"""What all three services do around their own parts: settings, logs, probes, life, exit code."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

import uvloop

from tillwise_common import logs
from tillwise_common.health import Health
from tillwise_common.lifecycle import Lifecycle, StartError
from tillwise_common.settings import Settings, SettingsError, load, told

S = TypeVar("S", bound=Settings)


class Service:
    """One running service: its health, its metrics, its life. `app.py` adds the parts."""

    def __init__(self, name: str, settings: Settings) -> None:
        # Not above: commands (a migration) serve nothing, and a server takes as long to import as all that they need.
        from tillwise_common import metrics
        from tillwise_common.web.probes import Probes, ProbeServer

        self.name = name
        self.health = Health()
        self.registry = metrics.new_registry()
        self.probes = Probes(name, settings.instance, self.health, self.registry)
        self.lifecycle = Lifecycle(
            self.health,
            grace_seconds=settings.drain_grace_seconds,
            drain_seconds=settings.drain_seconds,
            lifeline_fd=settings.lifeline_fd,
        )
        self.lifecycle.add(ProbeServer(self.probes, settings.host, settings.probe_port))


def run(name: str, settings_type: type[S], environ: dict[str, str], build: Callable[[Service, S], None]) -> NoReturn:
    """Run a service until a signal: `build` adds its parts. Exits 0 after a drain, 1 with one line when it cannot start."""

    async def live(settings: S) -> None:
        service = Service(name, settings)
        build(service, settings)
        calm_garbage_collection()
        await service.lifecycle.run()

    _exit_with(name, settings_type, environ, live, serves=True)


def command(name: str, settings_type: type[S], environ: dict[str, str], work: Callable[[S], Awaitable[None]]) -> NoReturn:
    """Run one piece of work (a migration, a bootstrap) with the settings of a service."""
    _exit_with(name, settings_type, environ, work)


def _exit_with(
    name: str, settings_type: type[S], environ: dict[str, str], work: Callable[[S], Awaitable[None]], *, serves: bool = False
) -> NoReturn:
    try:
        settings = load(settings_type, environ)
        logs.configure(name, settings.instance, settings.log_level, settings.logs_as)
        uvloop.run(_as_coroutine(work(settings)))
    except SettingsError as error:
        sys.exit(told(name, error))
    except StartError as error:
        if serves and settings.logs_as == "json":
            # Its log is read by programs, to the last line.
            logs.get("lifecycle").error("cannot_start", reason=str(error))
            sys.exit(1)
        sys.exit(f"tillwise {name}: {error}")
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
    sys.exit(0)


def calm_garbage_collection() -> None:
    """Leave what lives for ever out of the collector's rounds, and make the rounds rarer.

    A request makes a few hundred objects that die at once by reference counting; looking for cycles after every
    700 of them, through all that was imported, costs more than they do.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


async def _as_coroutine(work: Awaitable[None]) -> None:
    await work

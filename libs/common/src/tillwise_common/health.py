"""Checks of what a service depends on: run in parallel, bounded in time, remembered for a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

Probe = Callable[[], Awaitable[object]]


class Complaint(Exception):
    """Raised by a check that has something to say to the operator; its text is shown as it is."""


class CheckResult(msgspec.Struct, frozen=True):
    """What one check found. `status` is pass, warn (an optional dependency is away) or fail."""

    name: str
    status: str
    milliseconds: float
    error: str | None = None


class Health:
    """The checks of one service and whether it takes work at all (`serving`)."""

    def __init__(self, remember_seconds: float = 1.0, timeout: float = 2.0) -> None:
        self.serving = False
        self.draining = False
        self._checks: dict[str, tuple[Probe, bool]] = {}
        self._remember = remember_seconds
        self._timeout = timeout
        self._results: list[CheckResult] = []
        self._checked_at = float("-inf")
        self._lock = asyncio.Lock()

    def add(self, name: str, probe: Probe, *, optional: bool = False) -> None:
        """Register a check: `probe` returns when all is well and raises when not."""
        self._checks[name] = (probe, optional)

    async def ready(self) -> tuple[bool, list[CheckResult]]:
        """Whether traffic should come here, with the result of each check."""
        results = await self.results()
        return self.serving and all(r.status != "fail" for r in results), results

    async def results(self) -> list[CheckResult]:
        """Results of all checks, at most a second old."""
        async with self._lock:
            if time.monotonic() - self._checked_at > self._remember:
                self._results = list(await asyncio.gather(*(self._run(n, p, o) for n, (p, o) in self._checks.items())))
                self._checked_at = time.monotonic()
            return self._results

    async def _run(self, name: str, probe: Probe, optional: bool) -> CheckResult:
        start = time.perf_counter()
        error: str | None = None
        try:
            await asyncio.wait_for(probe(), self._timeout)
        except TimeoutError:
            error = f"no answer within {self._timeout:g} s"
        except Exception as problem:
            error = _describe(problem)
        took = round((time.perf_counter() - start) * 1000, 2)
        status = "pass" if error is None else "warn" if optional else "fail"
        return CheckResult(name, status, took, error)


def _describe(problem: Exception) -> str:
    # Of others only the kind: a driver's message may repeat a URL with its password.
    return str(problem) if isinstance(problem, Complaint) else type(problem).__name__


def document(service: str, instance: str, ready: bool, results: list[CheckResult]) -> dict[str, Any]:
    """The verbose answer of a probe, in the manner of health+json."""
    return {
        "status": "pass" if ready else "fail",
        "service": service,
        "instance": instance,
        "checks": {r.name: msgspec.to_builtins(r) for r in results},
    }

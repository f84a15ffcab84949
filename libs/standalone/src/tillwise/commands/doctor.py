"""`tillwise doctor`: what is wrong here, and what to do about it."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from typing import Any

import typer

from tillwise.client import readiness
from tillwise.commands.shared import DEFAULT_DIR, AsJson, DataDir, show
from tillwise.problems import NotRunning
from tillwise.supervisor.options import DataFolder

LEAST_FREE_BYTES = 2_000_000_000


def doctor(data_dir: DataDir = DEFAULT_DIR, as_json: AsJson = False) -> None:
    """Check this machine and the platform that runs on a data folder; exits with 1 when something is wrong."""
    data = DataFolder(data_dir)
    checks = [_python(), _disk(data), *_own_servers(), *_platform(data)]
    lines = [f"  {'ok ' if check['ok'] else 'BAD'}  {check['name']}: {check['detail']}" for check in checks]
    show({"checks": checks}, "\n".join(lines), as_json)
    if not all(check["ok"] for check in checks):
        raise typer.Exit(1)


def _check(name: str, ok: bool, detail: str) -> dict[str, Any]:
    return {"name": name, "ok": ok, "detail": detail}


def _python() -> dict[str, Any]:
    version = ".".join(map(str, sys.version_info[:3]))
    ok = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return _check("python", ok, version if ok else f"{version}: Tillwise runs on 3.11 to 3.13")


def _disk(data: DataFolder) -> dict[str, Any]:
    # As deep as we may look: it may not be there yet, or be somebody else's (where Path.exists raises).
    folder = next(folder for folder in (data.path, *data.path.parents) if os.path.exists(folder))
    free = shutil.disk_usage(folder).free
    return _check(
        "disk", free > LEAST_FREE_BYTES, f"{free / 1e9:.1f} GB free" + ("" if free > LEAST_FREE_BYTES else ": make room, 2 GB at least")
    )


def _own_servers() -> list[dict[str, Any]]:
    """Servers of the operator's own, as `tillwise up` started here would use them."""
    from tillwise.commands.own_servers import look_at_own_servers

    return [_check(*found) for found in asyncio.run(look_at_own_servers(os.environ))]


def _platform(data: DataFolder) -> list[dict[str, Any]]:
    try:
        state = data.state()
    except NotRunning as error:
        return [_check("platform", False, str(error))]
    if not state["processes"]:
        return [_check("platform", False, "is still starting: ask again in a moment")]
    return [_process(process) for process in state["processes"]]


def _process(process: dict[str, Any]) -> dict[str, Any]:
    name = f"{process['service']} (pid {process['pid']})"
    if not process["probe_port"]:
        return _check(name, process["ready"], "answers" if process["ready"] else "does not answer: its log says why")
    return _check(name, *readiness(process["probe_port"]))

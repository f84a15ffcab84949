"""`tillwise status`: what runs, and whether it is ready."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tillwise.client import readiness
from tillwise.commands.shared import DEFAULT_DIR, AsJson, DataDir, show
from tillwise.supervisor.options import DataFolder


def status(data_dir: DataDir = DEFAULT_DIR, as_json: AsJson = False) -> None:
    """Show the processes of a running platform. Exits with 1 when none runs."""
    state: dict[str, Any] = DataFolder(data_dir).state()
    with ThreadPoolExecutor(8) as pool:
        state["processes"] = list(pool.map(_as_it_is_now, state["processes"]))
    lines = [state["url"], ""]
    for process in state["processes"]:
        where = f"port {process['port']}" if process["port"] else "socket"
        lines.append(
            f"  {process['service']:<10} pid {process['pid'] or '-':<8} {where:<12} {'ready' if process['ready'] else 'NOT READY'}"
        )
    if not state["processes"]:
        lines.append("  still starting")
    show(state, "\n".join(lines), as_json)


def _as_it_is_now(process: dict[str, Any]) -> dict[str, Any]:
    # The supervisor looks once a second; what died since then is not ready.
    port = process["probe_port"]
    return {**process, "ready": _lives(process["pid"]) and (readiness(port)[0] if port else process["ready"])}


def _lives(pid: int | None) -> bool:
    if not pid:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True

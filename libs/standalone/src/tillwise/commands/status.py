"""`tillwise status`: what runs, and whether it is ready."""

from __future__ import annotations

from typing import Any

from tillwise.commands.shared import DEFAULT_DIR, AsJson, DataDir, show
from tillwise.supervisor.options import DataFolder


def status(data_dir: DataDir = DEFAULT_DIR, as_json: AsJson = False) -> None:
    """Show the processes of a running platform. Exits with 1 when none runs."""
    state: dict[str, Any] = DataFolder(data_dir).state()
    lines = [state["url"], ""]
    for process in state["processes"]:
        where = f"port {process['port']}" if process["port"] else "socket"
        lines.append(
            f"  {process['service']:<10} pid {process['pid'] or '-':<8} {where:<12} {'ready' if process['ready'] else 'NOT READY'}"
        )
    show(state, "\n".join(lines), as_json)

"""Servers that outlived a killed supervisor."""

from __future__ import annotations

import contextlib

import psutil

PATIENCE_SECONDS = 10


def end_process(pid: int, mark: str, number: int) -> None:
    """End process `pid` with signal `number` when its command line names `mark`; kill it when it stays.

    The mark keeps a stranger safe who got the same number.
    """
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        if not any(mark in part for part in process.cmdline()):
            return
        process.send_signal(number)
        try:
            process.wait(PATIENCE_SECONDS)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(PATIENCE_SECONDS)

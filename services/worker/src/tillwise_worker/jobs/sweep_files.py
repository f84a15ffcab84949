"""Every hour: remove finished files that have expired."""

from __future__ import annotations

from typing import Any

from tillwise_common import logs
from tillwise_common.contracts import jobs as contracts
from tillwise_common.files.record import Files

log = logs.get("sweep_files")


class SweepFiles:
    """The job and what it needs."""

    def __init__(self, files: Files) -> None:
        self._files = files

    async def run(self, _: dict[Any, Any], __: contracts.SweepFiles) -> int:
        """Returns how many files were removed."""
        gone = await self._files.sweep()
        log.info("files_swept", files=gone)
        return gone

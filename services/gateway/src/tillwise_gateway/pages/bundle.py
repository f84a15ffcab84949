"""The chart library for the browser, made offline from vl-convert's wheel.

Making it costs 1.3 s and 150 MB, so it happens in a process of its own, once; the result is kept in a folder.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import sys
from importlib.metadata import version
from pathlib import Path

from tillwise_common import logs

log = logs.get("pages")
# What the pages use, by the names under which the bundle knows it.
EVERYTHING = "window.vegaEmbed = vegaEmbed;"


class ChartBundle:
    """The bundle as a part of the gateway's life: made in the background when it is not there yet."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"vega-{version('vl-convert-python')}.js.gz"
        self._task: asyncio.Task[None] | None = None
        self._packed: bytes | None = None
        # In its address, so that browsers may keep it for ever.
        self.digest = version("vl-convert-python")

    async def start(self) -> None:
        self._task = asyncio.create_task(self._make(), name="chart bundle")

    async def drain(self) -> None:
        """It may be cut off: it is made again at the next start."""

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def packed(self) -> bytes | None:
        """The bundle, gzipped, or None when it cannot be made here."""
        if self._task is not None:
            await asyncio.shield(self._task)
        return self._packed

    async def _make(self) -> None:
        try:
            if not self._path.exists():
                await self._in_a_process()
            self._packed = await asyncio.to_thread(self._path.read_bytes)
        except OSError as error:
            log.warning("no_chart_bundle", reason=type(error).__name__)

    async def _in_a_process(self) -> None:
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tillwise_gateway.pages.bundle", str(self._path))
        try:
            await process.wait()
        finally:
            # Cut off at the end of the gateway: nothing of it is left to write into a folder that may be gone.
            if process.returncode is None:
                process.kill()
                await process.wait()


def make(path: Path) -> None:
    """Write the bundle to `path`, in one step."""
    import vl_convert

    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_bytes(gzip.compress(vl_convert.javascript_bundle(EVERYTHING).encode(), 9, mtime=0))
    fresh.replace(path)


if __name__ == "__main__":
    make(Path(sys.argv[1]))

